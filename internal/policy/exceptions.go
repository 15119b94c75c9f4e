// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/opencontainers/go-digest"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/internal/registry"
	"github.com/verifiedchart/verifiedchart/internal/verify"
)

// excepting admits, by the explicit rules of a policy, what its verifier does not
// accept. What could not be read in a registry gets no exception: it could not be
// published either.
type excepting struct {
	verify.Verifier
	policy Policy
	now    func() time.Time
}

// Verify implements verify.Verifier.
func (e excepting) Verify(ctx context.Context, s verify.Subject, r registry.Reader) (verify.Evidence, error) {
	evidence, err := e.Verifier.Verify(ctx, s, r)
	for i := range evidence.Vouchers {
		evidence.Vouchers[i].Policy = e.policy.Name
	}
	for i := range evidence.Seen {
		evidence.Seen[i].Policy = e.policy.Name
	}
	verify.InPolicy(err, e.policy.Name)
	if !errors.Is(err, verify.ErrRejected) && !errors.Is(err, verify.ErrTrustUnavailable) {
		return evidence, err
	}
	if x := e.policy.exception(s.Manifest.Digest, e.now()); x != nil {
		x.Verdict = err
		return verify.Evidence{Exceptions: []verify.Exception{*x}, Seen: verify.Seen(err)}, nil
	}
	return evidence, err
}

// exception returns by which rule the policy admits a manifest that is not proven, or nil.
func (p Policy) exception(d digest.Digest, now time.Time) *verify.Exception {
	for _, x := range p.Verify.Exemptions {
		if x.Digest == d.String() && now.Before(x.ExpiresAt.Time) {
			return &verify.Exception{Policy: p.Name, Rule: verify.Exemption, Reason: x.Reason, Until: x.ExpiresAt.Time}
		}
	}
	if p.Verify.Mode == v1alpha1.ModeAudit {
		return &verify.Exception{Policy: p.Name, Rule: verify.Audit}
	}
	return nil
}

// DemandsProof says whether the policy of that name has no rule by which it admits a
// manifest that is not proven. One that is not in the set demands nothing.
func (s Set) DemandsProof(name string, d digest.Digest) bool {
	return slices.ContainsFunc(s.policies, func(p Policy) bool { return p.Name == name && p.exception(d, s.now()) == nil })
}
