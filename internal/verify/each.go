// SPDX-License-Identifier: Apache-2.0

package verify

import (
	"context"
	"errors"

	"github.com/verifiedchart/verifiedchart/internal/registry"
)

// Each returns the Verifier that accepts what every one of the policies accepts, with
// the evidence of all. With no policy it accepts nothing. One that rejects is a
// rejection, whatever another might still say.
func Each(policies ...Verifier) Verifier { return each(policies) }

type each []Verifier

// Verify implements Verifier.
func (e each) Verify(ctx context.Context, s Subject, r registry.Reader) (Evidence, error) {
	var all Evidence
	var open, verdicts []error
	for _, policy := range e {
		b := ask(ctx, policy, s, r)
		switch {
		case b.verdict != nil:
			verdicts = append(verdicts, b.verdict)
		case b.evidence.IsZero():
			open = append(open, b.open)
		}
		all.Vouchers = append(all.Vouchers, b.evidence.Vouchers...)
		all.Exceptions = append(all.Exceptions, b.evidence.Exceptions...)
		all.Seen = append(all.Seen, b.evidence.Seen...)
	}
	switch {
	case len(verdicts) > 0:
		return Evidence{}, errors.Join(verdicts...)
	case len(open) > 0:
		return Evidence{}, undecided(open)
	}
	return all, nil
}
