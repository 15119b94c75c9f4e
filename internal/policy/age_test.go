// SPDX-License-Identifier: Apache-2.0

package policy_test

import (
	"context"
	"fmt"
	"time"

	"github.com/fluxcd/pkg/apis/meta"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/internal/policy"
	"github.com/verifiedchart/verifiedchart/internal/trustroot"
	"github.com/verifiedchart/verifiedchart/internal/verify"
	"github.com/verifiedchart/verifiedchart/internal/verify/sigstoretest"
	. "github.com/verifiedchart/verifiedchart/internal/verify/verifytest"
)

// signatureFormat is how cosign stores a signature.
type signatureFormat int

const (
	bundled signatureFormat = iota
	legacy
)

var _ = Describe("A minimum age of a key's signature", Label("policy", "deadline"), func() {
	const own, company = "", "company"
	sigstore, ours := sigstoretest.NewSmall(), P256()
	logged := func(a *v1alpha1.Authority) { a.TransparencyLog = v1alpha1.TransparencyLogRequired }
	private := func(a *v1alpha1.Authority) { a.TrustedRootSecretRef = &meta.LocalObjectReference{Name: "root"} }

	// verifyChart returns the outcome of the policy that requires the age; the other policy requires none.
	verifyChart := func(of string, ask func(*v1alpha1.Authority), how sigstoretest.How, format signatureFormat, age time.Duration, without ...sigstoretest.Part) verify.Outcome {
		GinkgoHelper()
		repo := NewRepository()
		subject := repo.Subject("chart")
		how.Key = ours.Key
		if format == legacy {
			payload := Payload(subject.Manifest.Digest)
			layer := repo.PushBlob("application/vnd.dev.cosign.simplesigning.v1+json", payload)
			layer.Annotations = sigstore.Legacy(payload, how)
			repo.PushLayers(SignatureTag(subject.Manifest.Digest), layer)
		} else {
			AttachBundle(repo, subject.Manifest, sigstore.Bundle(subject.Raw, how))
		}
		root, err := trustroot.Parse(sigstore.Root(without...))
		Expect(err).NotTo(HaveOccurred())
		var policies []policy.Policy
		for _, name := range []string{own, company} {
			p := policy.Policy{Name: name, Verify: spec(0, "a")}
			m := secret(ours)
			if name == of {
				m.Root = root
				ask(&p.Verify.Authorities[0])
				p.Verify.MinSignatureAge = &metav1.Duration{Duration: age}
			}
			p.Material = map[string]policy.Material{"a": m}
			policies = append(policies, p)
		}
		_, outcomes, err := verify.CheckEach(context.Background(), policy.NewSet(time.Now, policy.Revoked{}, policies...).Policies(), subject, repo)
		Expect(err).NotTo(HaveOccurred())
		for _, o := range outcomes {
			if o.Policy == of {
				return o
			}
			Expect(o.Verdict).To(Equal(verify.VerdictAccepted))
		}
		panic("there is no such policy")
	}

	DescribeTable("J13: is measured by the proven time, without validFor",
		func(of string, ask func(*v1alpha1.Authority), how sigstoretest.How, format signatureFormat) {
			old := verifyChart(of, ask, how, format, 30*time.Minute)
			Expect(old.Err).NotTo(HaveOccurred())
			Expect(old.Result.IsProof()).To(BeTrue())
			Expect(old.Result.Signatures).To(ConsistOf(HaveField("Time", BeTemporally("==", sigstore.Epoch))))
			young := verifyChart(of, ask, how, format, 2*time.Hour)
			Expect(young.Verdict).To(Equal(verify.VerdictRejected))
			Expect(young.Begins).To(BeTemporally("==", sigstore.Epoch.Add(2*time.Hour)))
		},
		Entry("of a log that promised the entry", own, logged, sigstoretest.How{Log: sigstoretest.RekorV1}, bundled),
		Entry("of a log that promised the entry, by a cluster policy", company, logged, sigstoretest.How{Log: sigstoretest.RekorV1}, bundled),
		Entry("of a log that promised the entry of a legacy signature", own, logged, sigstoretest.How{Log: sigstoretest.RekorV1}, legacy),
		Entry("of a log that promised the entry of a legacy signature, by a cluster policy", company, logged, sigstoretest.How{Log: sigstoretest.RekorV1}, legacy),
		Entry("of a timestamp authority", own, private, sigstoretest.How{Stamped: true}, bundled),
		Entry("of a timestamp authority, by a cluster policy", company, private, sigstoretest.How{Stamped: true}, bundled),
		Entry("of a timestamp authority for a legacy signature", company, private, sigstoretest.How{Stamped: true}, legacy),
		Entry("of a timestamp authority, in addition to a log without times", own, logged, sigstoretest.How{Log: sigstoretest.RekorV2, Stamped: true}, bundled),
		Entry("of a log and a timestamp authority", company, logged, sigstoretest.How{Log: sigstoretest.RekorV1, Stamped: true}, bundled),
	)

	DescribeTable("J13: refuses a signature without a proven time",
		func(of string, ask func(*v1alpha1.Authority), how sigstoretest.How, format signatureFormat, reason string) {
			o := verifyChart(of, ask, how, format, time.Second)
			Expect(o.Verdict).To(Equal(verify.VerdictRejected))
			Expect(o.Err).To(MatchError(ContainSubstring(reason)))
			Expect(o.Begins).To(BeZero())
		},
		Entry("since it has neither log entry nor timestamp", own, private, sigstoretest.How{}, bundled, "no proof of the signing time"),
		Entry("since it is a legacy signature without either", company, private, sigstoretest.How{}, legacy, "no proof of the signing time"),
		Entry("since its log proves no times", own, logged, sigstoretest.How{Log: sigstoretest.RekorV2}, bundled, "no proof of the signing time"),
		Entry("since its log made no promise", company, logged, sigstoretest.How{Log: sigstoretest.RekorV1, WithoutPromise: true}, bundled, "no proof of the signing time"),
		Entry("since its timestamp is a stranger's", own, private, sigstoretest.How{Stamped: true, StampedBy: sigstoretest.NewSmall()}, bundled, "timestamp"),
		Entry("since logs are ignored, and it has no timestamp", company, private, sigstoretest.How{Log: sigstoretest.RekorV1}, bundled, "no proof of the signing time"),
	)

	It("J13: gives no verdict if the trusted root cannot prove a time", func() {
		o := verifyChart(own, private, sigstoretest.How{Stamped: true}, bundled, time.Second, sigstoretest.TimestampAuthority)
		Expect(o.Verdict).To(Equal(verify.VerdictUndecided))
		Expect(o.Err).To(MatchError(verify.ErrTrustMalformed))
	})

	DescribeTable("J13: gives no verdict while an authority that could prove the time is out of reach",
		func(unread func(*Repository) policy.Material) {
			repo := NewRepository()
			subject := repo.Subject("chart")
			SignLegacy(repo, subject, ours)
			one := int32(1)
			p := policy.Policy{Verify: spec(one, "dated", "undated")}
			p.Verify.MinSignatureAge = &metav1.Duration{Duration: time.Second}
			p.Material = map[string]policy.Material{"dated": unread(repo), "undated": secret(ours)}
			_, outcomes, err := verify.CheckEach(context.Background(), policy.NewSet(time.Now, policy.Revoked{}, p).Policies(), subject, repo)
			Expect(err).NotTo(HaveOccurred())
			Expect(outcomes).To(ConsistOf(HaveField("Verdict", verify.VerdictUndecided)))
		},
		Entry("since its Secret cannot be read", func(*Repository) policy.Material {
			return policy.Material{Err: fmt.Errorf("%w: Secret dated", verify.ErrTrustUnavailable)}
		}),
		Entry("since its repository cannot be read", func(repo *Repository) policy.Material {
			repo.Fail("referrers", ErrUnreachable)
			return secret(P256())
		}),
	)

	It("does not read proofs of the time if no policy requires them", func() {
		Expect(verifyChart(own, private, sigstoretest.How{Stamped: true, StampedBy: sigstoretest.NewSmall()}, bundled, 0).Err).NotTo(HaveOccurred())
	})
})
