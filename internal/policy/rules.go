// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"slices"
	"time"

	"github.com/opencontainers/go-digest"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
)

// Holds reports whether an artifact that is no longer trusted stays served:
// only if every policy sets onTrustLoss: Hold, and the chart is not denied.
func (s Set) Holds() bool {
	for _, p := range s.policies {
		if p.Verify.OnTrustLoss != v1alpha1.OnTrustLossHold {
			return false
		}
	}
	return len(s.policies) > 0 && s.denied == ""
}

// MaxUnverifiedAge returns how long an artifact is served without a verdict: the
// shortest time that a policy sets. ok is false if no policy sets one.
func (s Set) MaxUnverifiedAge() (shortest time.Duration, ok bool) {
	for _, p := range s.policies {
		if age := p.Verify.MaxUnverifiedAge; age != nil && (!ok || age.Duration < shortest) {
			shortest, ok = age.Duration, true
		}
	}
	return shortest, ok
}

// VersionMutation returns the strictest rule of the policies for a version that
// gets another digest.
func (s Set) VersionMutation() string { return strictest(s.policies) }

// ClusterVersionMutation is VersionMutation of the ClusterChartPolicies only, which no
// tenant can change; Allow if there are none.
func (s Set) ClusterVersionMutation() string {
	return strictest(slices.DeleteFunc(slices.Clone(s.policies), func(p member) bool { return p.Name == "" }))
}

func strictest(policies []member) string {
	rule := v1alpha1.VersionMutationAllow
	for _, p := range policies {
		switch p.Verify.VersionMutation {
		case v1alpha1.VersionMutationAllow:
		case v1alpha1.VersionMutationWarn:
			rule = v1alpha1.VersionMutationWarn
		default:
			return v1alpha1.VersionMutationDeny
		}
	}
	return rule
}

// DemandsProof reports whether the policy with that name has no exception that admits an
// unproven manifest. It is false for a policy that is not in the set.
func (s Set) DemandsProof(name string, d digest.Digest) bool {
	return slices.ContainsFunc(s.policies, func(p member) bool { return p.Name == name && p.exception(d, s.now()) == nil })
}

// Authority returns the authority of that name in a policy, and whether there is one.
// The name of the VerifiedChart's own policy is empty.
func (s Set) Authority(policy, name string) (v1alpha1.Authority, bool) {
	for _, p := range s.policies {
		for _, a := range p.Verify.Authorities {
			if p.Name == policy && a.Name == name {
				return a, true
			}
		}
	}
	return v1alpha1.Authority{}, false
}
