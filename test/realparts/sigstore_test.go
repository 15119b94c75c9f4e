// SPDX-License-Identifier: Apache-2.0

package realparts_test

import (
	"encoding/hex"
	"path/filepath"
	"regexp"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	sigstore "github.com/sigstore/sigstore-go/pkg/bundle"
	"github.com/sigstore/sigstore-go/pkg/fulcio/certificate"
	"github.com/sigstore/sigstore-go/pkg/root"
	proof "github.com/sigstore/sigstore-go/pkg/verify"

	"github.com/verifiedchart/verifiedchart/internal/trustroot"
	"github.com/verifiedchart/verifiedchart/internal/verify"
	"github.com/verifiedchart/verifiedchart/internal/verify/bundle"
	verifycosign "github.com/verifiedchart/verifiedchart/internal/verify/cosign"
	"github.com/verifiedchart/verifiedchart/test/realparts"
)

const (
	signer   = "release@example.com"
	stranger = "stranger@example.com"
)

// proven returns nil if sigstore-go verifies a bundle as the signer's signature of the chart, with a promise of
// the certificate log and a timestamp, and with a log entry if one is required.
func proven(raw []byte, trusted []byte, pushed realparts.Pushed, issuer, email string, logged bool) error {
	GinkgoHelper()
	var b sigstore.Bundle
	Expect(b.UnmarshalJSON(raw)).To(Succeed())
	material, err := root.NewTrustedRootFromJSON(trusted)
	Expect(err).NotTo(HaveOccurred())
	options := []proof.VerifierOption{proof.WithObserverTimestamps(1), proof.WithSignedCertificateTimestamps(1)}
	if logged {
		options = append(options, proof.WithTransparencyLog(1))
	}
	verifier, err := proof.NewVerifier(material, options...)
	Expect(err).NotTo(HaveOccurred())
	identity, err := proof.NewShortCertificateIdentity(issuer, "", email, "")
	Expect(err).NotTo(HaveOccurred())
	signed, err := hex.DecodeString(pushed.Digest.Encoded())
	Expect(err).NotTo(HaveOccurred())
	_, err = verifier.Verify(&b, proof.NewPolicy(proof.WithArtifactDigest("sha256", signed), proof.WithCertificateIdentity(identity)))
	return err
}

// identified trusts an identity that a trusted root proves.
func identified(trusted []byte, issuer, email string, log bundle.LogPolicy) verify.Verifier {
	GinkgoHelper()
	parsed, err := trustroot.Parse(trusted)
	Expect(err).NotTo(HaveOccurred())
	identity, err := verifycosign.NewIdentity(regexp.QuoteMeta(issuer), regexp.QuoteMeta(email), certificate.Extensions{})
	Expect(err).NotTo(HaveOccurred())
	v, err := verifycosign.New(verifycosign.Authority{
		Name: "release", Identities: []verifycosign.Identity{identity},
		Trust: bundle.Trust{Root: parsed, Log: log},
	})
	Expect(err).NotTo(HaveOccurred())
	return v
}

var _ = Describe("a private Sigstore", Label("keyless", "trustroot"), Ordered, func() {
	var (
		s       shelf
		private *realparts.Sigstore
		another *realparts.Sigstore
		key     realparts.Key
	)

	BeforeAll(func(ctx SpecContext) {
		s.set(ctx)
		var err error
		private, err = realparts.StartSigstore(ctx, s.dir, &s.group)
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(private.Close)
		another, err = realparts.StartSigstore(ctx, filepath.Join(s.dir, "another"), &s.group)
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(another.Close)
		key, err = s.cosign2.GenerateKey(ctx, "key")
		Expect(err).NotTo(HaveOccurred())
	})

	DescribeTable("has a trusted root that names", func(named func(*trustroot.Root) bool, service realparts.Service) {
		whole, err := trustroot.Parse(private.TrustedRoot())
		Expect(err).NotTo(HaveOccurred())
		Expect(named(whole)).To(BeTrue())
		lacking, err := trustroot.Parse(private.TrustedRoot(service))
		Expect(err).NotTo(HaveOccurred())
		Expect(named(lacking)).To(BeFalse())
	},
		Entry("Fulcio unless it is left out", (*trustroot.Root).HasCertificateAuthorities, realparts.Authority),
		Entry("Rekor unless it is left out", (*trustroot.Root).HasLogs, realparts.Log),
		Entry("the log of certificates unless it is left out", (*trustroot.Root).HasCTLogs, realparts.CTLog),
		Entry("the timestamp authority unless it is left out", (*trustroot.Root).HasTimestampAuthorities, realparts.Timestamps),
	)

	DescribeTable("lets cosign push a bundle that sigstore-go verifies with its root only", func(ctx SpecContext, major int, layout realparts.Layout, kind string) {
		pushed := s.push(ctx, kind)
		Expect(s.cosign(major).SignKeyless(ctx, layout, signer, private, pushed.Ref())).To(Succeed())
		referrers := listed(ctx, kind, pushed)
		Expect(referrers).To(HaveLen(1))
		_, contents := layers(ctx, pushed, referrers[0])
		logged := layout == realparts.LoggedBundle
		issuer := private.Issuer.URL()
		Expect(proven(contents[0], private.TrustedRoot(), pushed, issuer, signer, logged)).To(Succeed())
		Expect(proven(contents[0], another.TrustedRoot(), pushed, issuer, signer, logged)).NotTo(Succeed())
		Expect(proven(contents[0], private.TrustedRoot(), pushed, issuer, stranger, logged)).NotTo(Succeed())
		Expect(proven(contents[0], private.TrustedRoot(), pushed, another.Issuer.URL(), signer, logged)).NotTo(Succeed())
		Expect(proven(contents[0], private.TrustedRoot(realparts.Timestamps), pushed, issuer, signer, logged)).NotTo(Succeed())
		Expect(proven(contents[0], private.TrustedRoot(realparts.CTLog), pushed, issuer, signer, logged)).NotTo(Succeed())
		Expect(proven(contents[0], private.TrustedRoot(realparts.Log), pushed, issuer, signer, true)).NotTo(Succeed())
		Expect(proven(contents[0], private.TrustedRoot(realparts.Log), pushed, issuer, signer, false)).To(Succeed())
	},
		Entry("with a log entry, from cosign 3 into a registry with the referrers API", cosign3, realparts.LoggedBundle, withReferrers),
		Entry("with a log entry, from cosign 3 into the distribution registry", cosign3, realparts.LoggedBundle, withoutReferrers),
		Entry("without, from cosign 3", cosign3, realparts.Bundle, withoutReferrers),
		Entry("without, from cosign 2 into a registry with the referrers API", cosign2, realparts.Bundle, withReferrers),
		Entry("without, from cosign 2 into the distribution registry", cosign2, realparts.Bundle, withoutReferrers),
	)

	DescribeTable("lets cosign sign a chart that is trusted for the signer's identity", func(ctx SpecContext, major int, layout realparts.Layout, kind string) {
		pushed := s.push(ctx, kind)
		Expect(s.cosign(major).SignKeyless(ctx, layout, signer, private, pushed.Ref())).To(Succeed())
		log := bundle.LogIgnored
		if layout == realparts.LoggedBundle {
			log = bundle.LogRequired
		}
		issuer := private.Issuer.URL()
		Expect(verifySignatures(ctx, pushed, identified(private.TrustedRoot(), issuer, signer, log))).To(HaveLen(1))
		_, err := verifySignatures(ctx, pushed, identified(private.TrustedRoot(), issuer, stranger, log))
		Expect(err).To(MatchError(verify.ErrRejected))
		_, err = verifySignatures(ctx, pushed, identified(another.TrustedRoot(), issuer, signer, log))
		Expect(err).To(MatchError(verify.ErrRejected))
	},
		Entry("as a legacy signature of cosign 2 into a registry with the referrers API", cosign2, realparts.LegacyTag, withReferrers),
		Entry("as a legacy signature of cosign 2 into the distribution registry", cosign2, realparts.LegacyTag, withoutReferrers),
		Entry("as a legacy signature of cosign 3", cosign3, realparts.LegacyTag, withoutReferrers),
		Entry("as a legacy referrer of cosign 2 into a registry with the referrers API", cosign2, realparts.LegacyReferrer, withReferrers),
		Entry("as a legacy referrer of cosign 2 into the distribution registry", cosign2, realparts.LegacyReferrer, withoutReferrers),
		Entry("as a bundle of cosign 2", cosign2, realparts.Bundle, withoutReferrers),
		Entry("as a logged bundle of cosign 3 into a registry with the referrers API", cosign3, realparts.LoggedBundle, withReferrers),
		Entry("as a logged bundle of cosign 3 into the distribution registry", cosign3, realparts.LoggedBundle, withoutReferrers),
	)

	DescribeTable("adds a timestamp, or more, to a signature with a key", func(ctx SpecContext, major int, layout realparts.Layout) {
		pushed := s.push(ctx, withoutReferrers)
		Expect(s.cosign(major).SignAs(ctx, layout, key, private, pushed.Ref())).To(Succeed())
		Expect(verifySignatures(ctx, pushed, authority(key))).To(ConsistOf("key"))
	},
		Entry("as a legacy signature of cosign 2", cosign2, realparts.LegacyTag),
		Entry("as a bundle of cosign 2", cosign2, realparts.Bundle),
		Entry("as a bundle of cosign 3, which is logged too", cosign3, realparts.LoggedBundle),
	)

	It("does not log the entries of cosign 2", func(ctx SpecContext) {
		pushed := s.push(ctx, withReferrers)
		Expect(s.cosign2.SignKeyless(ctx, realparts.LoggedBundle, signer, private, pushed.Ref())).NotTo(Succeed())
		Expect(listed(ctx, withReferrers, pushed)).To(BeEmpty())
	})
})
