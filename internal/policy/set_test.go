// SPDX-License-Identifier: Apache-2.0

package policy_test

import (
	"context"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/internal/policy"
	"github.com/verifiedchart/verifiedchart/internal/verify"
	. "github.com/verifiedchart/verifiedchart/internal/verify/verifytest"
)

var _ = Describe("A set of policies", Label("policy"), func() {
	var (
		ctx          = context.Background()
		now          = time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
		repo         *Repository
		subject      verify.Subject
		ours, theirs = P256(), P256()
	)
	BeforeEach(func() {
		repo = NewRepository()
		subject = repo.Subject("chart")
		subject.Chart.Version = "1.2.3"
		SignLegacy(repo, subject, ours)
	})

	trusting := func(s Signer, change ...func(*v1alpha1.Verification)) policy.Policy {
		p := policy.Policy{Verify: spec(0, "a"), Material: map[string]policy.Material{"a": secret(s)}}
		for _, c := range change {
			c(&p.Verify)
		}
		return p
	}
	named := func(name string, p policy.Policy) policy.Policy { p.Name = name; return p }
	check := func(cluster policy.Revoked, policies ...policy.Policy) (verify.Result, error) {
		accepted, err := verify.Check(ctx, policy.NewSet(func() time.Time { return now }, cluster, policies...), subject, repo)
		return accepted.Result(), err
	}
	audited := func(v *v1alpha1.Verification) { v.Mode = v1alpha1.ModeAudit }
	exempted := func(until time.Time) func(*v1alpha1.Verification) {
		return func(v *v1alpha1.Verification) {
			v.Exemptions = []v1alpha1.Exemption{{Digest: subject.Manifest.Digest.String(), Reason: "because", ExpiresAt: metav1.NewTime(until)}}
		}
	}
	revoking := func(r v1alpha1.Revocations) func(*v1alpha1.Verification) {
		return func(v *v1alpha1.Verification) { v.Revoked = &r }
	}
	keyOf := func(s Signer) string {
		result, err := check(policy.Revoked{}, trusting(s))
		Expect(err).NotTo(HaveOccurred())
		return result.Signatures[0].Signer
	}

	DescribeTable("accepts by proof",
		func(policies func() []policy.Policy) {
			result, err := check(policy.Revoked{}, policies()...)
			Expect(err).NotTo(HaveOccurred())
			Expect(result.IsProof()).To(BeTrue())
		},
		Entry("a chart that the only policy accepts", func() []policy.Policy { return []policy.Policy{trusting(ours)} }),
		Entry("a chart that every policy accepts", func() []policy.Policy { return []policy.Policy{trusting(ours), named("company", trusting(ours))} }),
		Entry("a chart that needs no exemption", func() []policy.Policy { return []policy.Policy{trusting(ours, exempted(now.Add(time.Hour)))} }),
		Entry("a chart that a policy in mode Audit accepts", func() []policy.Policy { return []policy.Policy{trusting(ours, audited)} }),
		Entry("a chart if other charts are revoked", func() []policy.Policy {
			return []policy.Policy{trusting(ours, revoking(v1alpha1.Revocations{Digests: []string{string(bad)}, Versions: []string{"<1.2.3"}}))}
		}),
	)

	It("names the policy of each observed signer and of each authority that does not accept", func() {
		policyOf := HaveField("Policy", Equal("company"))
		_, err := check(policy.Revoked{}, trusting(ours), named("company", trusting(theirs)))
		Expect(err).To(MatchError(ContainSubstring(`"company/a"`)))
		Expect(verify.Seen(err)).To(And(Not(BeEmpty()), HaveEach(policyOf)))
		result, err := check(policy.Revoked{}, named("company", trusting(ours)))
		Expect(err).NotTo(HaveOccurred())
		Expect(result.Seen).To(And(Not(BeEmpty()), HaveEach(policyOf)))
	})

	DescribeTable("admits with an exception, which is no proof,",
		func(p func() policy.Policy, rule verify.Rule) {
			result, err := check(policy.Revoked{}, p())
			Expect(err).NotTo(HaveOccurred())
			Expect(result.IsProof()).To(BeFalse())
			Expect(result.Exceptions).To(ConsistOf(And(HaveField("Rule", rule), HaveField("Verdict", HaveOccurred()))))
		},
		Entry("a chart in mode Audit", func() policy.Policy { return trusting(theirs, audited) }, verify.Audit),
		Entry("a chart in mode Audit that cannot be verified", func() policy.Policy {
			p := trusting(theirs, audited)
			p.Material = map[string]policy.Material{"a": {Err: verify.ErrTrustUnavailable}}
			return p
		}, verify.Audit),
		Entry("an exempted chart", func() policy.Policy { return trusting(theirs, exempted(now.Add(time.Second))) }, verify.Exemption),
		Entry("an exempted chart in mode Audit, by the exemption", func() policy.Policy { return trusting(theirs, audited, exempted(now.Add(time.Second))) }, verify.Exemption),
	)

	DescribeTable("rejects",
		func(policies func() []policy.Policy) {
			_, err := check(policy.Revoked{}, policies()...)
			Expect(err).To(MatchError(verify.ErrRejected))
		},
		Entry("a chart that one policy rejects", func() []policy.Policy { return []policy.Policy{trusting(ours), named("company", trusting(theirs))} }),
		Entry("a chart that one policy rejects, even if another is in mode Audit", func() []policy.Policy {
			return []policy.Policy{trusting(theirs, audited), named("company", trusting(theirs))}
		}),
		Entry("a chart that one policy rejects, even if another exempts it", func() []policy.Policy {
			return []policy.Policy{trusting(theirs, exempted(now.Add(time.Hour))), named("company", trusting(theirs))}
		}),
		Entry("a chart that one policy rejects, even if another cannot be asked", func() []policy.Policy {
			p := trusting(ours)
			p.Material = nil
			return []policy.Policy{p, named("company", trusting(theirs))}
		}),
		Entry("a chart whose exemption ends now", func() []policy.Policy { return []policy.Policy{trusting(theirs, exempted(now))} }),
		Entry("a revoked digest", func() []policy.Policy {
			return []policy.Policy{trusting(ours, revoking(v1alpha1.Revocations{Digests: []string{subject.Manifest.Digest.String()}}))}
		}),
		Entry("a revoked digest that is exempted, in mode Audit", func() []policy.Policy {
			return []policy.Policy{trusting(ours, audited, exempted(now.Add(time.Hour)), revoking(v1alpha1.Revocations{Digests: []string{subject.Manifest.Digest.String()}}))}
		}),
		Entry("a revoked version", func() []policy.Policy {
			return []policy.Policy{trusting(ours, revoking(v1alpha1.Revocations{Versions: []string{"1.x"}}))}
		}),
		Entry("a version that another policy revokes", func() []policy.Policy {
			return []policy.Policy{trusting(ours), named("company", trusting(ours, revoking(v1alpha1.Revocations{Versions: []string{"1.x"}})))}
		}),
		Entry("a chart that only a revoked key signed", func() []policy.Policy {
			return []policy.Policy{trusting(ours, revoking(v1alpha1.Revocations{Keys: []string{keyOf(ours)}}))}
		}),
		Entry("a chart signed by a key that another policy revokes", func() []policy.Policy {
			return []policy.Policy{trusting(ours), named("company", trusting(ours, revoking(v1alpha1.Revocations{Keys: []string{keyOf(ours)}})))}
		}),
	)

	It("accepts a chart that another key signed in addition to a revoked one", func() {
		revoked := keyOf(ours)
		SignLegacy(repo, subject, ours, theirs)
		p := trusting(ours, revoking(v1alpha1.Revocations{Keys: []string{revoked}}))
		p.Material = map[string]policy.Material{"a": secret(ours, theirs)}
		result, err := check(policy.Revoked{}, p)
		Expect(err).NotTo(HaveOccurred())
		Expect(result.Signatures).To(ConsistOf(HaveField("Signer", Not(Equal(revoked)))))
	})

	It("rejects a chart that is revoked for the whole cluster, without a request", func() {
		_, err := check(listed("digests: ["+subject.Manifest.Digest.String()+"]"), trusting(ours, audited))
		Expect(err).To(MatchError(verify.ErrRejected))
		Expect(repo.Asked()).To(BeEmpty())
	})

	DescribeTable("reaches no verdict",
		func(set func() policy.Set, want error) {
			_, err := verify.Check(ctx, set(), subject, repo)
			Expect(err).To(MatchError(want))
			Expect(err).NotTo(MatchError(verify.ErrRejected))
		},
		Entry("without a policy", func() policy.Set { return policy.Set{} }, verify.ErrTrustMalformed),
		Entry("if the revocations of the cluster are not known", func() policy.Set {
			return policy.NewSet(time.Now, policy.Revoked{}, trusting(ours)).WithFault(verify.ErrTrustUnavailable)
		}, verify.ErrTrustUnavailable),
		Entry("if a policy has a malformed revocation", func() policy.Set {
			return policy.NewSet(time.Now, policy.Revoked{}, trusting(ours, audited, revoking(v1alpha1.Revocations{Versions: []string{"one"}})))
		}, verify.ErrTrustMalformed),
		Entry("if the registry is out of reach, even in mode Audit", func() policy.Set {
			repo.Fail(SignatureTag(subject.Manifest.Digest), ErrUnreachable)
			return policy.NewSet(time.Now, policy.Revoked{}, trusting(ours, audited, exempted(time.Now().Add(time.Hour))))
		}, ErrUnreachable),
	)

	It("is as strict as its strictest policy", func() {
		day, hour := metav1.Duration{Duration: 24 * time.Hour}, metav1.Duration{Duration: time.Hour}
		lax := func(v *v1alpha1.Verification) {
			v.OnTrustLoss, v.VersionMutation, v.MaxUnverifiedAge = v1alpha1.OnTrustLossHold, v1alpha1.VersionMutationAllow, &day
		}
		set := policy.NewSet(time.Now, policy.Revoked{}, trusting(ours, lax))
		Expect(set.Holds()).To(BeTrue())
		Expect(set.VersionMutation()).To(Equal(v1alpha1.VersionMutationAllow))
		age, ok := set.MaxUnverifiedAge()
		Expect(ok).To(BeTrue())
		Expect(age).To(Equal(24 * time.Hour))

		set = policy.NewSet(time.Now, policy.Revoked{}, trusting(ours, lax), named("company", trusting(ours, func(v *v1alpha1.Verification) {
			v.VersionMutation, v.MaxUnverifiedAge = v1alpha1.VersionMutationWarn, &hour
		})))
		Expect(set.Holds()).To(BeFalse())
		Expect(set.VersionMutation()).To(Equal(v1alpha1.VersionMutationWarn))
		age, _ = set.MaxUnverifiedAge()
		Expect(age).To(Equal(time.Hour))

		set = policy.NewSet(time.Now, policy.Revoked{}, trusting(ours))
		Expect(set.Holds()).To(BeFalse())
		Expect(set.VersionMutation()).To(Equal(v1alpha1.VersionMutationDeny))
		_, ok = set.MaxUnverifiedAge()
		Expect(ok).To(BeFalse())
	})
})
