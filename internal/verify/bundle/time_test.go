// SPDX-License-Identifier: Apache-2.0

package bundle_test

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	pbbundle "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"

	"github.com/verifiedchart/verifiedchart/internal/verify/bundle"
	. "github.com/verifiedchart/verifiedchart/internal/verify/sigstoretest"
)

var _ = Describe("A bundle", Label("cosign", "keyless"), func() {
	It("may hold two timestamps of one authority within all periods of validity, and a third that proves nothing", func() {
		how := keyless(func(h *How) {
			h.Alter = func(b *pbbundle.Bundle) {
				stampAgain(b, public, public.Epoch.Add(time.Minute))
				stampAgain(b, small, public.Epoch.Add(time.Hour))
			}
		})
		_, err := verifyBundle(public.Bundle(artifact, how), bundle.Trust{Root: rootOf(public)})
		Expect(err).NotTo(HaveOccurred())
	})

	It("E6: is refused if the intermediate certificate had expired when the bundle was signed, even if the signer's had not", func() {
		epoch := time.Now().Add(-time.Hour)
		expiring := NewExpiring(epoch.Add(-time.Minute))
		_, err := verifyBundle(expiring.Bundle(artifact, keyless()), bundle.Trust{Root: rootOf(expiring)})
		Expect(err).To(MatchError(bundle.ErrUntrusted))
		_, err = verifyBundle(expiring.Bundle(artifact, keyless(func(h *How) { h.Time = epoch.Add(-2 * time.Minute) })), bundle.Trust{Root: rootOf(expiring)})
		Expect(err).NotTo(HaveOccurred(), "while it was valid")
	})

	DescribeTable("with two proven times is refused if one of them is outside the validity of",
		func(s *Sigstore, how How) {
			_, err := verifyBundle(s.Bundle(artifact, how), bundle.Trust{Root: rootOf(s)})
			Expect(err).To(MatchError(bundle.ErrUntrusted))
		},
		Entry("the signer's certificate", public, keyless(func(h *How) { h.StampedAt = public.Epoch.Add(time.Hour) })),
		Entry("the signer's certificate, by a second", public, keyless(func(h *How) { h.StampedAt = public.Epoch.Add(-61 * time.Second) })),
		Entry("the signer's certificate, by the second timestamp of one authority", public, keyless(func(h *How) {
			h.Alter = func(b *pbbundle.Bundle) { stampAgain(b, public, public.Epoch.Add(time.Hour)) }
		})),
		Entry("the signer's certificate, by the first timestamp of one authority", public, keyless(func(h *How) {
			h.StampedAt = public.Epoch.Add(time.Hour)
			h.Alter = func(b *pbbundle.Bundle) { stampAgain(b, public, public.Epoch) }
		})),
		Entry("the intermediate certificate", halfway, keyless(func(h *How) { h.Time, h.StampedAt = halfway.Epoch, halfway.Epoch.Add(5*time.Minute) })),
	)

	DescribeTable("E22: is verified at the proven time, whatever the clock of this machine says",
		func(at time.Duration) {
			_, err := verifyBundle(public.Bundle(artifact, keyless(func(h *How) { h.Time = public.Epoch.Add(at) })), bundle.Trust{Root: rootOf(public)})
			Expect(err).NotTo(HaveOccurred())
		},
		Entry("signed a day ago", -24*time.Hour),
		Entry("signed tomorrow, by a clock that is a day behind", 24*time.Hour),
	)
})
