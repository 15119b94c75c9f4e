// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"context"

	"github.com/verifiedchart/verifiedchart/internal/registry"
	"github.com/verifiedchart/verifiedchart/internal/verify"
)

// dated accepts a chart only if at least one verified signature has a proven
// signing time. The authorities verify that each such time is long enough ago.
type dated struct{ verify.Verifier }

// Verify implements verify.Verifier.
func (d dated) Verify(ctx context.Context, s verify.Subject, r registry.Reader) (verify.Result, error) {
	result, err := d.Verifier.Verify(ctx, s, r)
	if err != nil {
		return result, err
	}
	for _, v := range result.Signatures {
		if !v.Time.IsZero() {
			return result, nil
		}
	}
	if result.Unread != nil {
		return verify.Result{}, result.Unread
	}
	rejection := &verify.Rejection{Authority: "minSignatureAge", Candidates: result.Seen}
	for i := range rejection.Candidates {
		if rejection.Candidates[i].Reason == "" {
			rejection.Candidates[i].Reason = "no proof of the signing time, which minSignatureAge requires"
		}
	}
	return verify.Result{}, rejection
}
