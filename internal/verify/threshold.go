// SPDX-License-Identifier: Apache-2.0

package verify

import (
	"context"
	"errors"
	"fmt"

	"github.com/verifiedchart/verifiedchart/internal/registry"
)

// All returns the Verifier that accepts a Subject if every authority accepts it. Without authorities it accepts
// nothing.
func All(authorities ...Verifier) Verifier {
	return threshold{need: len(authorities), authorities: authorities}
}

// AtLeast returns the Verifier that accepts a Subject if n of the authorities accept it, each with a different
// signer: one key in two authorities is one signer. With n < 1, or n over the number of authorities, it accepts
// nothing.
func AtLeast(n int, authorities ...Verifier) Verifier {
	return threshold{need: n, distinct: true, authorities: authorities}
}

// threshold accepts as soon as need authorities have accepted.
type threshold struct {
	need        int
	distinct    bool
	authorities []Verifier
}

// vote is the answer of one authority.
type vote struct {
	result Result
	// open is why the authority might still accept, or accept with a different signer.
	open error
	// verdict is why the authority does not accept.
	verdict error
}

// Verify implements Verifier. Too few verified signatures are a rejection, unless undecided authorities could
// still add enough.
func (t threshold) Verify(ctx context.Context, s Subject, r registry.Reader) (Result, error) {
	if t.need < 1 || t.need > len(t.authorities) {
		return Result{}, fmt.Errorf("%w: the policy requires %d of %d authorities", ErrTrustMalformed, t.need, len(t.authorities))
	}
	var votes []vote
	for _, authority := range t.authorities {
		votes = append(votes, ask(ctx, authority, s, r))
		if result, enough := t.count(votes); enough {
			return result, nil
		}
	}
	return Result{}, t.refuse(votes)
}

// ask converts the answer of one authority to a vote. An answer that breaks the contract of Verifier does not
// count.
func ask(ctx context.Context, authority Verifier, s Subject, r registry.Reader) vote {
	result, err := authority.Verify(ctx, s, r)
	switch {
	case errors.Is(err, ErrRejected):
		return vote{verdict: err}
	case err != nil:
		return vote{open: err}
	case result.IsZero():
		return vote{open: fmt.Errorf("verifier %T accepted without a result", authority)}
	}
	return vote{result: result, open: result.Unread}
}

// count returns the result of the votes, and reports whether there are enough.
func (t threshold) count(votes []vote) (Result, bool) {
	assigned := match(t.signers(votes, false))
	if len(assigned) < t.need {
		return Result{}, false
	}
	var result Result
	for i, b := range votes {
		result.Seen = append(result.Seen, append(b.result.Seen, Seen(b.verdict)...)...)
		result.Unread = errors.Join(result.Unread, b.open)
		for _, v := range b.result.Signatures {
			if signer, ok := assigned[i]; ok && (!t.distinct || v.Signer == signer) {
				result.Signatures = append(result.Signatures, v)
				break
			}
		}
	}
	return result, true
}

// refuse returns why the votes do not suffice: a rejection, or no verdict if the open votes could still
// suffice.
func (t threshold) refuse(votes []vote) error {
	possible := len(match(t.signers(votes, true)))
	var open, verdicts []error
	accepting := 0
	for _, b := range votes {
		switch {
		case b.verdict != nil:
			verdicts = append(verdicts, b.verdict)
		case !b.result.IsZero():
			accepting++
		}
		if b.open != nil {
			open = append(open, b.open)
		}
	}
	if possible >= t.need {
		return undecided(open)
	}
	if len(verdicts) == 0 {
		return fmt.Errorf("%w: %d authorities accept, but with fewer than %d distinct signers", ErrRejected, accepting, t.need)
	}
	// Open votes cannot change the verdict. Wrapping their errors would make the result look undecided, so only
	// their text is added.
	if len(open) > 0 {
		verdicts = append(verdicts, fmt.Errorf("%w: authorities without a verdict: %s", ErrRejected, errors.Join(open...).Error()))
	}
	return errors.Join(verdicts...)
}

// undecided joins the errors of open votes. Retrying is useless only if it is useless for all of them, so a
// temporary error hides the permanent ones.
func undecided(open []error) error {
	var passing, lasting []error
	for _, err := range open {
		if errors.Is(err, ErrTrustMalformed) {
			lasting = append(lasting, err)
		} else {
			passing = append(passing, err)
		}
	}
	if len(passing) == 0 || len(lasting) == 0 {
		return errors.Join(open...)
	}
	return fmt.Errorf("%w; and: %s", errors.Join(passing...), errors.Join(lasting...).Error())
}

// signers returns the signers that may count for each authority. If authorities need not have distinct signers,
// each gets a signer of its own. If open votes count, so does each authority with an open vote, since it might
// find a different signer.
func (t threshold) signers(votes []vote, countOpen bool) [][]string {
	all := make([][]string, len(votes))
	for i, b := range votes {
		own := fmt.Sprintf("authority %d", i)
		for _, v := range b.result.Signatures {
			if t.distinct {
				all[i] = append(all[i], v.Signer)
			} else {
				all[i] = append(all[i], own)
			}
		}
		if countOpen && b.open != nil {
			all[i] = append(all[i], own)
		}
	}
	return all
}

// match assigns a signer to as many authorities as possible, no signer twice: a
// maximum bipartite matching by augmenting paths. Authorities are few (≤ 16).
func match(signers [][]string) map[int]string {
	holder := map[string]int{}
	var place func(i int, tried map[string]bool) bool
	place = func(i int, tried map[string]bool) bool {
		for _, s := range signers[i] {
			if tried[s] {
				continue
			}
			tried[s] = true
			if other, taken := holder[s]; !taken || place(other, tried) {
				holder[s] = i
				return true
			}
		}
		return false
	}
	for i := range signers {
		place(i, map[string]bool{})
	}
	assigned := make(map[int]string, len(holder))
	for signer, i := range holder {
		assigned[i] = signer
	}
	return assigned
}
