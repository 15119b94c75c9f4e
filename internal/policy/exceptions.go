// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"context"
	"errors"
	"time"

	"github.com/opencontainers/go-digest"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/internal/problem"
	"github.com/verifiedchart/verifiedchart/internal/registry"
	"github.com/verifiedchart/verifiedchart/internal/verify"
)

// excepting admits, by the exceptions of a policy, a chart that its verifier does
// not accept. A chart that cannot be read in a registry gets no exception: it could
// not be published either. A chart that is already published gets the exception, even
// if its stored signature material is incomplete.
type excepting struct {
	verify.Verifier
	policy Policy
	now    func() time.Time
}

// Verify implements verify.Verifier.
func (e excepting) Verify(ctx context.Context, s verify.Subject, r registry.Reader) (verify.Result, error) {
	result, err := e.Verifier.Verify(ctx, s, r)
	for i := range result.Signatures {
		result.Signatures[i].Policy = e.policy.Name
	}
	for i := range result.Seen {
		result.Seen[i].Policy = e.policy.Name
	}
	verify.InPolicy(err, e.policy.Name)
	if !errors.Is(err, verify.ErrRejected) && !errors.Is(err, verify.ErrTrustUnavailable) && !verify.OnlyUnanswered(err) {
		return result, err
	}
	if x := e.policy.exception(s.Manifest.Digest, e.now()); x != nil {
		x.Verdict = err
		return verify.Result{Exceptions: []verify.Exception{*x}, Seen: verify.Seen(err)}, nil
	}
	if x := e.policy.exemption(s.Manifest.Digest); x != nil {
		err = problem.Note(err, "its exemption ended %s", x.ExpiresAt.UTC().Format(time.DateOnly))
	}
	return result, err
}

// exemption returns the policy's exemption of a manifest, whether or not it has ended, or nil.
func (p Policy) exemption(d digest.Digest) *v1alpha1.Exemption {
	for i, x := range p.Verify.Exemptions {
		if x.Digest == d.String() {
			return &p.Verify.Exemptions[i]
		}
	}
	return nil
}

// exception returns the rule by which the policy admits a manifest that is not proven, or nil.
func (p Policy) exception(d digest.Digest, now time.Time) *verify.Exception {
	if x := p.exemption(d); x != nil && now.Before(x.ExpiresAt.Time) {
		return &verify.Exception{Policy: p.Name, Rule: verify.Exemption, Reason: x.Reason, Until: x.ExpiresAt.Time}
	}
	if p.Verify.Mode == v1alpha1.ModeAudit {
		return &verify.Exception{Policy: p.Name, Rule: verify.Audit}
	}
	return nil
}
