// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"fmt"
	"github.com/verifiedchart/verifiedchart/internal/policy"
	"regexp"
	"strings"
	"time"

	"github.com/fluxcd/pkg/apis/meta"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/internal/verify"
)

var _ = Describe("Observed signers", Label("status", "messages"), func() {
	asked := policy.NewSet(time.Now, policy.Revoked{}, policy.Policy{Verify: v1alpha1.Verification{Authorities: []v1alpha1.Authority{{
		Name: "release", TrustedRootSecretRef: &meta.LocalObjectReference{Name: "root"}, SignatureRepository: "oci://host/signatures", TransparencyLog: "Ignore",
	}}}})
	identity := func(subject string, verified bool) verify.Candidate {
		return verify.Candidate{Authority: "release", Source: "referrer", Format: "bundle", Signer: verify.Signer{Issuer: "https://issuer.example", Subject: subject, Verified: verified}}
	}

	It("are listed once each, verified signers first", func() {
		key := verify.Candidate{Source: "tag", Format: "legacy signature", Signer: verify.Signer{KeyID: "SHA256:1"}}
		unknown := verify.Candidate{Source: "tag", Format: "legacy signature"}
		signers := signersAmong(asked, []verify.Candidate{identity("a", false), key, unknown, identity("b", true), key, identity("a", true), identity("b", true)})
		Expect(signers).To(HaveExactElements(
			And(HaveField("Verified", true), HaveField("Authority.MatchOIDCIdentity", ConsistOf(HaveField("Subject", "^b$")))),
			And(HaveField("Verified", true), HaveField("Authority.MatchOIDCIdentity", ConsistOf(HaveField("Subject", "^a$")))),
			And(HaveField("Verified", false), HaveField("Key", "SHA256:1")),
		))
	})

	It("come with an authority that verifies like the authority that found them", func() {
		Expect(signersAmong(asked, []verify.Candidate{identity("a", true)})[0].Authority).To(Equal(&v1alpha1.ObservedAuthority{
			Name: "signer-1", Provider: "cosign", TrustedRootSecretRef: &meta.LocalObjectReference{Name: "root"},
			SignatureRepository: "oci://host/signatures", TransparencyLog: "Ignore",
			MatchOIDCIdentity: []v1alpha1.ObservedIdentity{{Issuer: `^https://issuer\.example$`, Subject: "^a$"}},
		}))
	})

	It("do not come with the trusted root of another policy's authority of the same name", func() {
		candidate := identity("a", true)
		candidate.Policy = "company"
		Expect(signersAmong(asked, []verify.Candidate{candidate})[0].Authority.TrustedRootSecretRef).To(BeNil())
	})

	It("are patterns that match only the signer", func() {
		subject := `https://github.com/org/repo/.github/workflows/x.yml@refs/heads/(main|a+b)`
		pattern := signersAmong(asked, []verify.Candidate{identity(subject, true)})[0].Authority.MatchOIDCIdentity[0].Subject
		Expect(regexp.MatchString(pattern, subject)).To(BeTrue())
		Expect(regexp.MatchString(pattern, subject+"x")).To(BeFalse())
		Expect(regexp.MatchString(pattern, strings.ReplaceAll(subject, ".", "x"))).To(BeFalse())
	})

	It("H15: are bounded, for every identity", func() {
		var candidates []verify.Candidate
		for i := range 1000 {
			candidates = append(candidates, identity(fmt.Sprint(i, strings.Repeat("\x1b[\xff(.)", 10_000)), true))
		}
		signers := signersAmong(asked, candidates)
		Expect(len(signers)).To(BeNumerically("<=", 16))
		Expect(signers).To(HaveEach(HaveField("Authority", BeNil())), "no pattern matches just that")
		Expect(signers).NotTo(ContainElement(v1alpha1.ObservedSigner{}))
	})

	const withAuthority, withoutAuthority = true, false
	DescribeTable("H15: come with no authority if it could match other signers, for example for a subject", func(subject string, comes bool) {
		signers := signersAmong(asked, []verify.Candidate{identity(subject, true)})
		Expect(signers).To(ConsistOf(WithTransform(func(s v1alpha1.ObservedSigner) bool { return s.Authority != nil }, Equal(comes))))
	},
		Entry("of 400 bytes", strings.Repeat("a", 400), withAuthority),
		Entry("of 401 bytes", strings.Repeat("a", 401), withoutAuthority),
		Entry("with an escape sequence", "\x1b[31ma", withoutAuthority),
		Entry("with a line break", "a\nb", withoutAuthority),
		Entry("with an invalid byte", "a\xff", withoutAuthority),
	)
})
