// SPDX-License-Identifier: Apache-2.0

package provenance_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/verifiedchart/verifiedchart/internal/verify"
	keys "github.com/verifiedchart/verifiedchart/internal/verify/openpgp"
	"github.com/verifiedchart/verifiedchart/internal/verify/openpgp/openpgptest"
	"github.com/verifiedchart/verifiedchart/internal/verify/provenance"
)

var _ = Describe("A provenance authority", Label("provenance"), func() {
	var w *world
	BeforeEach(func() { w = newWorld() })

	It("F3: reports the signer that an untrusted file claims, as not proven", func() {
		_, err := w.check(w.trusting(), w.subject(w.prov(w.theirs)))
		Expect(verify.Seen(err)).To(ConsistOf(HaveField("Signer", verify.Signer{
			KeyID: fmt.Sprintf("OPENPGP:%X", w.theirs.PrimaryKey.Fingerprint),
		})))
	})

	It("reports the skipped keys of its keyring, with its verified signature and with its refusal", func() {
		weak := openpgptest.NewKey(openpgptest.Using(openpgptest.RSA1024), openpgptest.CreatedAt(made))
		ring, err := keys.Parse(context.Background(), map[string][]byte{"good": openpgptest.Public(w.ours), "weak": openpgptest.Public(weak), "broken": []byte("x")})
		Expect(err).NotTo(HaveOccurred())
		v := w.trusting(func(a *provenance.Authority) { a.Keyring = ring })
		skipped := ConsistOf(HavePrefix("broken: "), HavePrefix("weak: "))
		result, err := w.check(v, w.subject(w.prov(w.ours)))
		Expect(err).NotTo(HaveOccurred())
		Expect(result.Signatures).To(ConsistOf(HaveField("SkippedKeys", skipped)))
		_, err = w.check(v, w.subject(w.prov(w.theirs)))
		var rejection *verify.Rejection
		Expect(errors.As(err, &rejection)).To(BeTrue())
		Expect(rejection.SkippedKeys).To(skipped)
		Expect(err.Error()).To(ContainSubstring("weak: "))
	})

	It("reports a few of the skipped keys, and the number of the others", func() {
		entries := map[string][]byte{"good": openpgptest.Public(w.ours)}
		weak := openpgptest.Public(openpgptest.NewKey(openpgptest.Using(openpgptest.RSA1024), openpgptest.CreatedAt(made)))
		for i := range 20 {
			entries[fmt.Sprint("weak", i)] = weak
		}
		ring, err := keys.Parse(context.Background(), entries)
		Expect(err).NotTo(HaveOccurred())
		result, err := w.check(w.trusting(func(a *provenance.Authority) { a.Keyring = ring }), w.subject(w.prov(w.ours)))
		Expect(err).NotTo(HaveOccurred())
		Expect(result.Signatures[0].SkippedKeys).To(And(HaveLen(5), ContainElement("and 16 more")))
	})

	It("reports the signer, the key, and the claimed time", func() {
		subkey := openpgptest.AddSubkey(w.ours)
		prov := openpgptest.Sign(w.ours, text("app", "1.0.0", w.archive), openpgptest.At(signed), openpgptest.With(subkey))
		result, err := w.check(w.trusting(), w.subject(prov))
		Expect(err).NotTo(HaveOccurred())
		Expect(result.Signatures).To(ConsistOf(And(
			HaveField("Signer", fmt.Sprintf("OPENPGP:%X", w.ours.PrimaryKey.Fingerprint)), HaveField("SigningKey", fmt.Sprintf("%X", subkey.Fingerprint)),
			HaveField("UserID", Not(BeEmpty())), HaveField("ClaimedTime", BeTemporally("==", signed)), HaveField("Time", BeZero()),
		)))
	})

	DescribeTable("J9: reports when its proof ends by the clock",
		func(ends time.Time, change func(*provenance.Authority), options ...openpgptest.KeyOption) {
			w.ours = openpgptest.NewKey(append(options, openpgptest.CreatedAt(made))...)
			result, err := w.check(w.trusting(change), w.subject(w.prov(w.ours)))
			Expect(err).NotTo(HaveOccurred())
			Expect(result.Signatures).To(ConsistOf(HaveField("Ends", ends)))
		},
		Entry("never", time.Time{}, func(*provenance.Authority) {}),
		Entry("when the key expires", made.Add(2400*time.Hour), func(*provenance.Authority) {}, openpgptest.ExpiringAfter(2400*time.Hour)),
		Entry("not when a key expires, if AllowExpiredKeys is set", time.Time{}, func(a *provenance.Authority) { a.AllowExpiredKeys = true }, openpgptest.ExpiringAfter(2400*time.Hour)),
	)

	It("D3: names no proven signer of this chart for a signature of another", func() {
		_, err := w.check(w.trusting(), w.subject(w.prov(w.ours, func(s string) string { return strings.ReplaceAll(s, "1.0.0", "1.0.1") })))
		Expect(verify.Seen(err)).To(ConsistOf(HaveField("Signer", And(HaveField("KeyID", HavePrefix("OPENPGP:")), HaveField("Verified", false)))))
	})
})
