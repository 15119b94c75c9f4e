// SPDX-License-Identifier: Apache-2.0

package policy_test

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/fluxcd/pkg/apis/meta"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/internal/policy"
	"github.com/verifiedchart/verifiedchart/internal/verify"
	"github.com/verifiedchart/verifiedchart/internal/verify/openpgp/openpgptest"
	. "github.com/verifiedchart/verifiedchart/internal/verify/verifytest"
)

var _ = Describe("The policies of a set", Label("policy", "revocation"), func() {
	var (
		ctx          = context.Background()
		now          = time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
		clock        = func() time.Time { return now }
		ours, theirs = P256(), P256()
		repo         *Repository
		subject      verify.Subject
	)
	BeforeEach(func() {
		repo = NewRepository()
		subject = repo.Subject("chart")
		subject.Repository, subject.Chart.Version = "registry.example/charts/app", "1.2.3"
		SignLegacy(repo, subject, ours)
	})

	type change func(*policy.Policy)
	trusting := func(name string, s Signer, changes ...change) policy.Policy {
		p := policy.Policy{Name: name, Verify: spec(0, "a"), Material: map[string]policy.Material{"a": secret(s)}}
		for _, c := range changes {
			c(&p)
		}
		return p
	}
	revoking := func(r v1alpha1.Revocations) change { return func(p *policy.Policy) { p.Verify.Revoked = &r } }
	audited := func(p *policy.Policy) { p.Verify.Mode = v1alpha1.ModeAudit }
	holding := func(p *policy.Policy) { p.Verify.OnTrustLoss = v1alpha1.OnTrustLossHold }
	missing := func(p *policy.Policy) {
		p.Material = map[string]policy.Material{"a": {Err: verify.ErrTrustUnavailable}}
	}
	misspelt := v1alpha1.Revocations{Versions: []string{"no range", "2.x"}, Keys: []string{"no key"}, Digests: []string{"no digest", string(bad)}}

	outcomes := func(s policy.Set) map[string]verify.Outcome {
		GinkgoHelper()
		accepted, all, err := verify.CheckEach(ctx, s.Policies(), subject, repo)
		Expect(err).NotTo(HaveOccurred())
		named := map[string]verify.Outcome{}
		every := len(all) > 0
		for _, o := range all {
			named[o.Policy] = o
			every = every && o.Verdict == verify.VerdictAccepted
		}
		_, ok := accepted.Subject()
		Expect(ok).To(Equal(every))
		return named
	}
	verdicts := func(s policy.Set) map[string]string {
		GinkgoHelper()
		all := map[string]string{}
		for name, o := range outcomes(s) {
			all[name] = o.Verdict.String()
		}
		return all
	}
	set := func(policies ...policy.Policy) policy.Set {
		return policy.NewSet(clock, policy.Revoked{}, policies...)
	}

	It("J5: come with the ClusterChartPolicies first, for every order of the arguments", func() {
		var names []string
		for _, n := range set(trusting("", ours), trusting("b", ours), trusting("a", ours)).Policies() {
			names = append(names, n.Policy)
		}
		Expect(names).To(Equal([]string{"b", "a", ""}))
	})

	DescribeTable("J5: are evaluated independently",
		func(s func() policy.Set, want map[string]string) { Expect(verdicts(s())).To(Equal(want)) },
		Entry("both accept", func() policy.Set { return set(trusting("", ours), trusting("company", ours)) },
			map[string]string{"": "accepted", "company": "accepted"}),
		Entry("the tenant's Secret is missing, and the company's key was replaced", func() policy.Set { return set(trusting("", ours, missing), trusting("company", theirs)) },
			map[string]string{"": "undecided", "company": "rejected"}),
		Entry("the tenant's revocations cannot be read, and the company's key was replaced", func() policy.Set {
			return set(trusting("", ours, revoking(misspelt)), trusting("company", theirs))
		}, map[string]string{"": "undecided", "company": "rejected"}),
		Entry("the tenant's revocations cannot be read, and the company's key is good", func() policy.Set {
			return set(trusting("", ours, revoking(misspelt)), trusting("company", ours))
		}, map[string]string{"": "undecided", "company": "accepted"}),
		Entry("a tenant's mode Audit, if its revocations cannot be read", func() policy.Set { return set(trusting("", theirs, audited, revoking(misspelt))) },
			map[string]string{"": "undecided"}),
		Entry("a company's revocations cannot be read", func() policy.Set {
			return set(trusting("", ours), trusting("company", ours, revoking(misspelt)), trusting("security", ours))
		}, map[string]string{"": "accepted", "company": "undecided", "security": "accepted"}),
		Entry("a company's Secret is missing", func() policy.Set { return set(trusting("", theirs), trusting("company", ours, missing)) },
			map[string]string{"": "rejected", "company": "undecided"}),
		Entry("the cluster's list is not known", func() policy.Set {
			return set(trusting("", ours, audited), trusting("company", theirs)).WithFault(verify.ErrTrustUnavailable)
		}, map[string]string{"": "undecided", "company": "undecided"}),
		Entry("no ClusterChartPolicy matches, and one denies that", func() policy.Set { return set(trusting("", ours, audited)).Denying("company") },
			map[string]string{"company": "rejected"}),
	)

	DescribeTable("J5: apply the readable entries of revocations that are partly malformed",
		func(of, signed policy.Policy) {
			of.Verify.Revoked = misspelt.DeepCopy()
			s := set(of, signed)
			Expect(s.Revoked(subject.Repository, bad, "")).To(MatchError(verify.ErrRejected))
			Expect(s.Revoked(subject.Repository, other, "2.0.0")).To(MatchError(verify.ErrRejected))
			Expect(s.Revoked(subject.Repository, other, "1.2.3")).To(Succeed())
		},
		Entry("of the tenant", trusting("", ours), trusting("company", ours)),
		Entry("of the company", trusting("company", ours), trusting("", ours)),
	)

	It("J5: name the malformed revocations, and repeat only a part of them", func() {
		many := v1alpha1.Revocations{}
		for i := range 64 {
			many.Versions = append(many.Versions, fmt.Sprintf("no range %d %s", i, strings.Repeat("x", 200)))
		}
		err := outcomes(set(trusting("company", ours, revoking(many))))["company"].Err
		Expect(err).To(MatchError(And(ContainSubstring("ClusterChartPolicy company"), ContainSubstring("no range 0"), ContainSubstring("61 more"))))
		Expect(len(err.Error())).To(BeNumerically("<", 1024))
	})

	It("reject a revoked chart, even if an authority accepts it or a policy is in mode Audit", func() {
		cluster := listed("digests: [" + subject.Manifest.Digest.String() + "]")
		s := policy.NewSet(clock, cluster, trusting("", ours, audited), trusting("company", ours))
		Expect(verdicts(s)).To(Equal(map[string]string{"": "rejected", "company": "rejected"}))
		Expect(repo.Asked()).To(BeEmpty())
		Expect(verdicts(s.WithFault(verify.ErrTrustUnavailable))).To(Equal(map[string]string{"": "rejected", "company": "rejected"}))
	})

	DescribeTable("J1: revoke a version of a repository, even if the spelling differs by",
		func(url, repository string) {
			s := policy.NewSet(clock, listed(`versions: [{url: "`+url+`", range: 1.2.3}]`), trusting("", ours))
			Expect(s.Revoked(repository, other, "1.2.3")).To(MatchError(verify.ErrRejected))
		},
		Entry("the case of the host", "oci://ghcr.io/org/*", "GHCR.io/org/app"),
		Entry("the default port", "oci://ghcr.io/org/*", "ghcr.io:443/org/app"),
		Entry("the default port with zeros", "oci://ghcr.io/org/*", "oci://ghcr.io:0443/org/app"),
		Entry("the default port of the list", "oci://ghcr.io:443/org/*", "ghcr.io/org/app"),
		Entry("Docker Hub", "oci://docker.io/org/*", "index.docker.io/org/app"),
		Entry("Docker Hub in the list", "oci://registry-1.docker.io/org/app", "docker.io/org/app"),
	)

	// revocations are the cluster's list, and those of a tenant's spec and of a ClusterChartPolicy.
	type revocations struct {
		cluster         string
		tenant, company v1alpha1.Revocations
	}
	const known, unknown = true, false
	DescribeTable("J16: know the revocations of the cluster only",
		func(lists revocations, expected bool) {
			s := policy.NewSet(clock, listed(lists.cluster), trusting("", ours, revoking(lists.tenant)), trusting("company", ours, revoking(lists.company)))
			Expect(s.Revoked("ghcr.io:443/org/app", bad, "1.2.3")).To(MatchError(verify.ErrRejected))
			err := s.RevokedByCluster("ghcr.io:443/org/app", bad, "1.2.3")
			Expect(err != nil).To(Equal(expected), "%v", err)
		},
		Entry("a digest of the tenant's is not", revocations{cluster: `{}`, tenant: v1alpha1.Revocations{Digests: []string{string(bad)}}}, unknown),
		Entry("a version of the tenant's is not", revocations{cluster: `{}`, tenant: v1alpha1.Revocations{Versions: []string{"1.x"}}}, unknown),
		Entry("a digest of a ClusterChartPolicy is", revocations{cluster: `{}`, company: v1alpha1.Revocations{Digests: []string{string(bad)}}}, known),
		Entry("a version of the list is", revocations{cluster: `versions: [{url: "oci://ghcr.io/**", range: 1.2.3}]`}, known),
	)

	Describe("for a chart with a revoked signer", func() {
		fingerprint := strings.Repeat("C0FFEE00", 5)
		maintainer := verify.VerifiedSignature{Signer: "OPENPGP:" + fingerprint, SigningKey: strings.Repeat("AB", 20)}
		workflow := verify.VerifiedSignature{Issuer: "https://issuer.example", Subject: "release@example.com", Signer: verify.Identity("https://issuer.example", "release@example.com")}
		in := func(policy string, v verify.VerifiedSignature) verify.VerifiedSignature { v.Policy = policy; return v }
		keyring := func(ids ...string) change {
			return func(p *policy.Policy) {
				p.Material = map[string]policy.Material{"b": {}, "a": {Err: verify.ErrTrustMalformed, RevokedKeys: ids}}
			}
		}
		identity := v1alpha1.Revocations{Identities: []v1alpha1.OIDCIdentityMatch{{Issuer: "https://issuer[.]example", Subject: "release@.*"}}}

		DescribeTable("reject it",
			func(v verify.VerifiedSignature, cluster string, changes ...change) {
				s := policy.NewSet(clock, listed(cluster), trusting("", ours), trusting("company", ours, changes...))
				Expect(s.RevokedSigner(v)).To(MatchError(verify.ErrRejected))
			},
			Entry("J16: an identity that the list revokes", workflow, `identities: [{issuer: "https://issuer.example", subject: "release@example.com"}]`),
			Entry("J16: an identity that another policy revokes", workflow, `{}`, revoking(identity)),
			Entry("J11: a key that a keyring of its policy revokes, which cannot be read to its end", in("company", maintainer), `{}`, keyring(fingerprint)),
			Entry("J11: a key in lower case, among others", in("company", maintainer), `{}`, keyring("0", strings.ToLower(fingerprint))),
			Entry("J11: a subkey that signed", in("company", maintainer), `{}`, keyring(strings.Repeat("AB", 20))),
		)

		DescribeTable("do not reject",
			func(v verify.VerifiedSignature, changes ...change) {
				Expect(set(trusting("", ours), trusting("company", ours, changes...)).RevokedSigner(v)).To(Succeed())
			},
			Entry("J16: an identity of another issuer", verify.VerifiedSignature{Issuer: "https://other.example", Subject: "release@example.com"}, revoking(identity)),
			Entry("J11: a key that a keyring of another policy revokes", maintainer, keyring(fingerprint)),
			Entry("J11: another key of the same policy", in("company", maintainer), keyring(strings.Repeat("0", 40))),
		)

		It("J11: reject its signatures by every keyring of the policy, and of no other policy", func() {
			ada := openpgptest.NewKey()
			r := newRelease()
			provided(ada)(r)
			repo, subject = r.repo, r.subject
			by := func(name string, revoked ...string) policy.Policy {
				p := policy.Policy{Name: name, Material: map[string]policy.Material{}}
				for _, authority := range []string{"a", "b"} {
					p.Verify.Authorities = append(p.Verify.Authorities, v1alpha1.Authority{Name: authority, Provider: v1alpha1.ProvenanceProvider, SecretRef: &meta.LocalObjectReference{Name: authority}})
					p.Material[authority] = keyringFor(ada)
				}
				m := p.Material["a"]
				m.RevokedKeys = revoked
				p.Material["a"] = m
				one := int32(1)
				p.Verify.AtLeast = &one
				return p
			}
			Expect(verdicts(set(by(""), by("company", fmt.Sprintf("%x", ada.PrimaryKey.Fingerprint))))).To(Equal(map[string]string{"": "accepted", "company": "rejected"}))
		})
	})

	It("J4: hold only if every policy holds, and never against unmatched: Deny", func() {
		Expect(set(trusting("", ours, holding)).Holds()).To(BeTrue())
		Expect(set(trusting("", ours, holding), trusting("company", ours, holding)).Holds()).To(BeTrue())
		Expect(set(trusting("", ours, holding), trusting("company", ours)).Holds()).To(BeFalse())
		Expect(set(trusting("", ours), trusting("company", ours, holding)).Holds()).To(BeFalse())
		denied := set(trusting("", ours, holding)).Denying("company")
		Expect(denied.Holds()).To(BeFalse())
		Expect(denied.Denied()).To(And(MatchError(verify.ErrRejected), MatchError(ContainSubstring("company"))))
		Expect(set(trusting("", ours)).Denied()).To(Succeed())
	})

	It("J9: return the end of an exemption", func() {
		end := now.Add(time.Hour)
		p := trusting("company", theirs)
		p.Verify.Exemptions = []v1alpha1.Exemption{{Digest: subject.Manifest.Digest.String(), Reason: "because", ExpiresAt: metav1.NewTime(end)}}
		Expect(outcomes(set(p))["company"].Ends).To(BeTemporally("==", end))
	})

	It("J16: have a rule for versions that no tenant can change", func() {
		mutating := func(rule string) change { return func(p *policy.Policy) { p.Verify.VersionMutation = rule } }
		Expect(set(trusting("", ours)).ClusterVersionMutation()).To(Equal(v1alpha1.VersionMutationAllow))
		Expect(set(trusting("", ours, mutating("Allow")), trusting("company", ours)).ClusterVersionMutation()).To(Equal(v1alpha1.VersionMutationDeny))
		warning := set(trusting("", ours), trusting("a", ours, mutating("Warn")), trusting("b", ours, mutating("Allow")))
		Expect(warning.ClusterVersionMutation()).To(Equal(v1alpha1.VersionMutationWarn))
		Expect(warning.VersionMutation()).To(Equal(v1alpha1.VersionMutationDeny))
	})

	It("J16: know the authority that found a signer", func() {
		private := trusting("company", ours, func(p *policy.Policy) {
			p.Verify.Authorities[0].TrustedRootSecretRef = &meta.LocalObjectReference{Name: "root"}
		})
		a, ok := set(trusting("", ours), private).Authority("company", "a")
		Expect(ok).To(BeTrue())
		Expect(a.TrustedRootSecretRef.Name).To(Equal("root"))
		a, ok = set(trusting("", ours), private).Authority("", "a")
		Expect(ok).To(BeTrue())
		Expect(a.TrustedRootSecretRef).To(BeNil())
		_, ok = set(private).Authority("company", "b")
		Expect(ok).To(BeFalse())
		_, ok = set(private).Authority("", "a")
		Expect(ok).To(BeFalse())
	})
})
