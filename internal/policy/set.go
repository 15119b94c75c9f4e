// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/opencontainers/go-digest"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/internal/registry"
	"github.com/verifiedchart/verifiedchart/internal/verify"
)

// Policy is one `spec.verify`, with what it refers to.
type Policy struct {
	// Name of the ClusterChartPolicy; empty for the VerifiedChart's own.
	Name string
	// Verify is the specification.
	Verify v1alpha1.Verification
	// Material is what its authorities refer to, by their names.
	Material map[string]Material
	// Observe is told of every answer of an authority. Optional.
	Observe Observer
}

// Set is every policy that one VerifiedChart is judged by: a chart has to satisfy
// them all. What is revoked is rejected before anybody is asked, and neither an
// exemption nor an audit helps it. The zero value accepts nothing.
type Set struct {
	policies []Policy
	revoked  []Revocations
	verifier verify.Verifier
	now      func() time.Time
}

// NewSet returns the set of the policies, with what is revoked for the whole
// cluster. A set of none accepts nothing.
func NewSet(now func() time.Time, cluster Revocations, policies ...Policy) Set {
	s := Set{policies: policies, revoked: []Revocations{cluster}, now: now}
	var problems []error
	for _, p := range policies {
		own, err := revocationsOf(p.Name, p.Verify.Revoked)
		s.revoked = append(s.revoked, own)
		problems = append(problems, err)
	}
	keys := verify.Keys{}
	for _, r := range s.revoked {
		for id := range r.keys {
			keys[id] = true
		}
	}
	verifiers := make([]verify.Verifier, 0, len(policies))
	for _, p := range policies {
		verifiers = append(verifiers, p.verifier(now, keys))
	}
	s.verifier = verify.Each(verifiers...)
	if err := errors.Join(problems...); err != nil {
		s.verifier = verify.Unavailable(err)
	}
	return s
}

// verifier returns what judges by the policy, with its exceptions.
func (p Policy) verifier(now func() time.Time, revoked verify.Keys) verify.Verifier {
	demands := verify.Demands{Revoked: revoked, Now: now}
	if p.Verify.MinSignatureAge != nil {
		demands.MinAge = p.Verify.MinSignatureAge.Duration
	}
	return excepting{Verifier: p.authorities(demands), policy: p, now: now}
}

// Verify implements verify.Verifier.
func (s Set) Verify(ctx context.Context, subject verify.Subject, r registry.Reader) (verify.Evidence, error) {
	if err := s.Revoked(subject.Repository, subject.Manifest.Digest, subject.Chart.Version); err != nil {
		return verify.Evidence{}, err
	}
	if s.verifier == nil {
		return verify.Evidence{}, fmt.Errorf("%w: there is no policy", verify.ErrTrustMalformed)
	}
	return s.verifier.Verify(ctx, subject, r)
}

// Revoked returns an error that matches verify.ErrRejected where a chart is revoked,
// by the digest of its manifest or by its version, which is empty where it is not
// known yet. It needs no registry.
func (s Set) Revoked(repository string, d digest.Digest, version string) error {
	for _, r := range s.revoked {
		if err := r.Check("oci://"+repository, d, version); err != nil {
			return err
		}
	}
	return nil
}

// RevokedSigner returns an error that matches verify.ErrRejected where the key that a
// voucher rests on is revoked. It needs no registry.
func (s Set) RevokedSigner(v verify.Voucher) error {
	for _, r := range s.revoked {
		if id, ok := r.keys.Of(v); ok {
			return &revokedError{"key " + id, r.source}
		}
	}
	return nil
}

// WithFault returns a set that revokes what s does, and accepts nothing for want of
// what the error names.
func (s Set) WithFault(err error) Set {
	s.verifier = verify.Unavailable(err)
	return s
}

// Denying returns a set that revokes what s does, and rejects everything else, since
// no ClusterChartPolicy matches and the one of this name asks for that.
func (s Set) Denying(name string) Set {
	s.verifier = denying(name)
	return s
}

type denying string

// Verify implements verify.Verifier.
func (d denying) Verify(context.Context, verify.Subject, registry.Reader) (verify.Evidence, error) {
	return verify.Evidence{}, fmt.Errorf("%w: no ClusterChartPolicy matches, and %s denies what none does", verify.ErrRejected, string(d))
}

// Matches says whether a ClusterChartPolicy is for the chart at a URL, of a
// VerifiedChart in a namespace.
func Matches(m *v1alpha1.ChartMatch, url, namespace string) bool {
	return m == nil || (anyMatches(m.URLs, strings.TrimSuffix(url, "/")) && anyMatches(m.Namespaces, namespace))
}

// anyMatches says whether one of the globs matches; none at all match anything.
func anyMatches(globs []string, text string) bool {
	return len(globs) == 0 || slices.ContainsFunc(globs, func(g string) bool { return Glob(g).Matches(text) })
}

// Holds says whether an artifact goes on being served that is not trusted any more:
// where every policy says so.
func (s Set) Holds() bool {
	for _, p := range s.policies {
		if p.Verify.OnTrustLoss != v1alpha1.OnTrustLossHold {
			return false
		}
	}
	return len(s.policies) > 0
}

// MaxUnverifiedAge is how long an artifact is served that cannot be judged, the
// shortest that a policy says; false where none says any.
func (s Set) MaxUnverifiedAge() (shortest time.Duration, ok bool) {
	for _, p := range s.policies {
		if age := p.Verify.MaxUnverifiedAge; age != nil && (!ok || age.Duration < shortest) {
			shortest, ok = age.Duration, true
		}
	}
	return shortest, ok
}

// VersionMutation is what becomes of a version with another digest: the strictest that a policy says.
func (s Set) VersionMutation() string {
	strictest := v1alpha1.VersionMutationAllow
	for _, p := range s.policies {
		switch p.Verify.VersionMutation {
		case v1alpha1.VersionMutationAllow:
		case v1alpha1.VersionMutationWarn:
			if strictest == v1alpha1.VersionMutationAllow {
				strictest = v1alpha1.VersionMutationWarn
			}
		default:
			return v1alpha1.VersionMutationDeny
		}
	}
	return strictest
}
