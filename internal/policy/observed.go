// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"context"
	"errors"

	"github.com/verifiedchart/verifiedchart/internal/registry"
	"github.com/verifiedchart/verifiedchart/internal/verify"
)

// Verdicts of an authority that an Observer receives.
const (
	VerdictAccepted  = "accepted"
	VerdictRejected  = "rejected"
	VerdictUndecided = "undecided"
)

// Observer is called for every answer of an authority, with its provider and the verdict.
type Observer func(provider, verdict string)

// counted calls an Observer for each answer.
type counted struct {
	verify.Verifier
	provider string
	observe  Observer
}

// Verify implements verify.Verifier.
func (o counted) Verify(ctx context.Context, s verify.Subject, r registry.Reader) (verify.Result, error) {
	result, err := o.Verifier.Verify(ctx, s, r)
	switch {
	case errors.Is(err, verify.ErrRejected):
		o.observe(o.provider, VerdictRejected)
	case err != nil:
		o.observe(o.provider, VerdictUndecided)
	default:
		o.observe(o.provider, VerdictAccepted)
	}
	return result, err
}
