// SPDX-License-Identifier: Apache-2.0

package policy_test

import (
	"context"
	"fmt"
	"time"

	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/internal/verify"
	"github.com/verifiedchart/verifiedchart/internal/verify/openpgp/openpgptest"
	"github.com/verifiedchart/verifiedchart/internal/verify/provenance"
	. "github.com/verifiedchart/verifiedchart/internal/verify/verifytest"
)

var _ = Describe("A provenance authority", Label("provenance", "policy"), func() {
	ada, bob, retired := openpgptest.NewKey(), openpgptest.NewKey(), openpgptest.NewKey(openpgptest.ExpiringAfter(24*time.Hour))
	fingerprint := func(k *openpgp.Entity) string { return fmt.Sprintf("%x", k.PrimaryKey.Fingerprint) }

	inManifest := func(by *openpgp.Entity) act {
		return func(r *release) {
			layer := r.repo.PushBlob(provenance.MediaType, openpgptest.Sign(by, r.text()))
			r.subject.Chart.Provenance = &layer
		}
	}
	underTag := func(tag string) act {
		return func(r *release) {
			r.repo.PushLayers(tag, r.repo.PushBlob(provenance.MediaType, openpgptest.Sign(ada, r.text())))
		}
	}
	verifyChart := func(asked *v1alpha1.Provenance, keep act) error {
		r, p := newRelease(), byKeyring("maintainers", ada, bob, retired)
		p.authority.Provenance = asked
		keep(r)
		_, err := verify.Check(context.Background(), combine(0, []party{p}), r.subject, r.repo)
		return err
	}

	DescribeTable("accepts exactly the required file and key",
		func(asked *v1alpha1.Provenance, right, wrong act) {
			Expect(verifyChart(asked, right)).To(Succeed())
			Expect(verifyChart(asked, wrong)).To(MatchError(verify.ErrRejected))
		},
		Entry("a key of the keyring", nil, provided(ada), provided(openpgptest.NewKey())),
		Entry("a fingerprint", &v1alpha1.Provenance{Fingerprints: []string{fingerprint(openpgptest.NewKey()), fingerprint(ada)}}, provided(ada), provided(bob)),
		Entry("a file in the manifest", &v1alpha1.Provenance{Source: v1alpha1.ProvenanceSourceLayer}, inManifest(ada), provided(ada)),
		Entry("a file that refers to the manifest", &v1alpha1.Provenance{Source: v1alpha1.ProvenanceSourceReferrer}, provided(ada), inManifest(ada)),
		Entry("a file wherever it is", &v1alpha1.Provenance{Source: v1alpha1.ProvenanceSourceAuto}, inManifest(ada), inManifest(openpgptest.NewKey())),
		Entry("a file under the usual tag", nil, underTag("1.0.0.prov"), underTag("app-1.0.0")),
		Entry("a file under a tag of its own", &v1alpha1.Provenance{Tag: "{{name}}-{{version}}"}, underTag("app-1.0.0"), underTag("1.0.0.prov")),
		Entry("F11: a key that has expired since", &v1alpha1.Provenance{AllowExpiredKeys: true}, provided(retired), altered(retired)),
	)

	It("F11: does not accept a key that has expired since, unless allowExpiredKeys is true", func() {
		Expect(verifyChart(nil, provided(retired))).To(MatchError(verify.ErrRejected))
		Expect(verifyChart(&v1alpha1.Provenance{}, provided(retired))).To(MatchError(verify.ErrRejected))
	})

	DescribeTable("F3: gives no verdict if no key is usable",
		func(p party, change func(*v1alpha1.Authority)) {
			change(&p.authority)
			r := newRelease()
			provided(ada)(r)
			_, err := verify.Check(context.Background(), combine(0, []party{p}), r.subject, r.repo)
			Expect(err).To(MatchError(verify.ErrTrustMalformed))
			Expect(err).NotTo(MatchError(verify.ErrRejected))
		},
		Entry("since the keyring is empty", byKeyring("maintainers"), func(*v1alpha1.Authority) {}),
		Entry("F10: since the keyring's only key is weak", byKeyring("maintainers", openpgptest.NewKey(openpgptest.Using(openpgptest.RSA1024))), func(*v1alpha1.Authority) {}),
		Entry("since the Secret has only cosign keys", byKey("maintainers", P256()), func(a *v1alpha1.Authority) { a.Provider = v1alpha1.ProvenanceProvider }),
		Entry("since the keyring has no key with the fingerprint", byKeyring("maintainers", ada), func(a *v1alpha1.Authority) {
			a.Provenance = &v1alpha1.Provenance{Fingerprints: []string{fingerprint(bob)}}
		}),
		Entry("since there is no secretRef", byKeyring("maintainers", ada), func(a *v1alpha1.Authority) { a.SecretRef = nil }),
	)
})
