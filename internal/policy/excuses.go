package policy

import (
	"context"
	"errors"
	"time"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/internal/registry"
	"github.com/verifiedchart/verifiedchart/internal/verify"
)

// excusing admits, by the explicit rules of a policy, what its verifier does not
// accept. What could not be read in a registry is not excused: it could not be
// published either.
type excusing struct {
	verify.Verifier
	policy Policy
	now    func() time.Time
}

// Verify implements verify.Verifier.
func (e excusing) Verify(ctx context.Context, s verify.Subject, r registry.Reader) (verify.Evidence, error) {
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
	if x := e.exemption(s); x != nil {
		return excused(verify.Excuse{Policy: e.policy.Name, Rule: verify.Exemption, Reason: x.Reason, Until: x.ExpiresAt.Time, Verdict: err}), nil
	}
	if e.policy.Verify.Mode == v1alpha1.ModeAudit {
		return excused(verify.Excuse{Policy: e.policy.Name, Rule: verify.Audit, Verdict: err}), nil
	}
	return evidence, err
}

func excused(e verify.Excuse) verify.Evidence {
	return verify.Evidence{Excuses: []verify.Excuse{e}, Seen: verify.Seen(e.Verdict)}
}

// exemption returns the exemption of the subject that has not expired, or nil.
func (e excusing) exemption(s verify.Subject) *v1alpha1.Exemption {
	for i, x := range e.policy.Verify.Exemptions {
		if x.Digest == s.Manifest.Digest.String() && e.now().Before(x.ExpiresAt.Time) {
			return &e.policy.Verify.Exemptions[i]
		}
	}
	return nil
}
