// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"context"

	"github.com/verifiedchart/verifiedchart/internal/registry"
	"github.com/verifiedchart/verifiedchart/internal/verify"
)

// dated accepts only what somebody vouches for who proves when it was signed. That
// it was long enough ago is demanded of each such signature.
type dated struct{ verify.Verifier }

// Verify implements verify.Verifier.
func (d dated) Verify(ctx context.Context, s verify.Subject, r registry.Reader) (verify.Evidence, error) {
	evidence, err := d.Verifier.Verify(ctx, s, r)
	if err != nil {
		return evidence, err
	}
	for _, v := range evidence.Vouchers {
		if !v.Time.IsZero() {
			return evidence, nil
		}
	}
	if evidence.Unread != nil {
		return verify.Evidence{}, evidence.Unread
	}
	rejection := &verify.Rejection{Authority: "minSignatureAge", Candidates: evidence.Seen}
	for i := range rejection.Candidates {
		if rejection.Candidates[i].Reason == "" {
			rejection.Candidates[i].Reason = "nothing proves when it was signed, and a minimum age is asked for"
		}
	}
	return verify.Evidence{}, rejection
}
