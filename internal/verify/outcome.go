// SPDX-License-Identifier: Apache-2.0

package verify

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/verifiedchart/verifiedchart/internal/printable"
	"github.com/verifiedchart/verifiedchart/internal/registry"
)

// Verdict is the decision of one policy about a Subject.
type Verdict int

// Verdicts of a policy. The zero value means that there is no verdict.
const (
	VerdictUndecided Verdict = iota
	VerdictAccepted
	VerdictRejected
)

// String returns the verdict as a word.
func (v Verdict) String() string {
	switch v {
	case VerdictAccepted:
		return "accepted"
	case VerdictRejected:
		return "rejected"
	}
	return "undecided"
}

// Named is the verifier of one policy.
type Named struct {
	// Policy is the name of the policy; empty for that of the object itself.
	Policy string
	// Verifier decides for the policy.
	Verifier Verifier
}

// Outcome is the answer of one policy.
type Outcome struct {
	// Policy is the name of the policy; empty for that of the object itself.
	Policy string
	// Verdict of the policy.
	Verdict Verdict
	// Result is why the Subject was accepted; zero if it was not.
	Result Result
	// Err is why the Subject was not accepted; it matches ErrRejected if and only if the
	// Verdict is VerdictRejected, and is nil for an acceptance.
	Err error
	// Ends is the first moment at which an acceptance ends by the clock; zero if none.
	Ends time.Time
	// Begins is the first moment at which a refused candidate may count; zero if none.
	Begins time.Time
}

// CheckEach asks every policy separately, in their order. Each policy gets its share of the time that is left
// in ctx, so that a slow policy takes no time from the next. The Accepted is non-zero only if every policy
// accepted; without policies nothing is accepted. The error matches ErrSubject and is only about s. The
// outcomes hold the errors of the policies, and Unaccepted joins them.
func CheckEach(ctx context.Context, policies []Named, s Subject, r registry.Reader) (Accepted, []Outcome, error) {
	if err := s.check(); err != nil {
		return Accepted{}, nil, err
	}
	var all Result
	outcomes := make([]Outcome, 0, len(policies))
	accepted := len(policies) > 0
	for i, p := range policies {
		o := p.decide(ctx, len(policies)-i, s, r)
		accepted = accepted && o.Verdict == VerdictAccepted
		all.add(o.Result)
		outcomes = append(outcomes, o)
	}
	if !accepted {
		return Accepted{}, outcomes, nil
	}
	return Accepted{subject: s, result: all}, outcomes, nil
}

// decide asks the policy, which may use one share of the time that is left.
func (n Named) decide(ctx context.Context, shares int, s Subject, r registry.Reader) Outcome {
	if deadline, ok := ctx.Deadline(); ok && shares > 1 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Until(deadline)/time.Duration(shares))
		defer cancel()
	}
	b := n.ask(withWork(ctx), s, r)
	switch {
	case b.verdict != nil:
		return Outcome{Policy: n.Policy, Verdict: VerdictRejected, Err: b.verdict, Begins: Until(b.verdict)}
	case b.result.IsZero():
		return Outcome{Policy: n.Policy, Err: b.open, Begins: Until(b.open)}
	}
	return Outcome{Policy: n.Policy, Verdict: VerdictAccepted, Result: b.result, Ends: b.result.ends(), Begins: b.result.begins()}
}

// ask converts the answer of the policy to a vote. A panic is a fault of this policy, and must not discard the
// answers of the others.
func (n Named) ask(ctx context.Context, s Subject, r registry.Reader) (b vote) {
	defer func() {
		if p := recover(); p != nil {
			b = vote{open: fmt.Errorf("policy %q could not be evaluated: %s", n.Policy, printable.String(fmt.Sprint(p), maxReason))}
		}
	}()
	return ask(ctx, n.Verifier, s, r)
}

// add appends the result of another policy.
func (e *Result) add(other Result) {
	e.Signatures = append(e.Signatures, other.Signatures...)
	e.Exceptions = append(e.Exceptions, other.Exceptions...)
	e.Seen = append(e.Seen, other.Seen...)
}

// ends returns the first moment at which the result ends by the clock.
func (e Result) ends() (first time.Time) {
	for _, v := range e.Signatures {
		first = earlier(first, v.Ends)
	}
	for _, x := range e.Exceptions {
		first = earlier(first, x.Until)
	}
	return first
}

// begins returns the first moment at which a refused candidate may count for which an exception applies until
// then.
func (e Result) begins() (first time.Time) {
	for _, x := range e.Exceptions {
		first = earlier(first, Until(x.Verdict))
	}
	return first
}

// earlier returns the earlier of two moments. A zero moment does not count.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || (!b.IsZero() && b.Before(a)) {
		return b
	}
	return a
}

// Unaccepted returns why the outcomes are not an acceptance, or nil if every policy accepted. It matches
// ErrRejected if and only if a policy rejected: undecided policies do not change that verdict, so their errors
// are left out.
func Unaccepted(outcomes []Outcome) error {
	var open, verdicts []error
	for _, o := range outcomes {
		switch o.Verdict {
		case VerdictAccepted:
		case VerdictRejected:
			verdicts = append(verdicts, o.Err)
		default:
			open = append(open, o.Err)
		}
	}
	switch {
	case len(outcomes) == 0:
		return fmt.Errorf("%w: there is no policy", ErrTrustMalformed)
	case len(verdicts) > 0:
		return errors.Join(verdicts...)
	case len(open) > 0:
		return undecided(open)
	}
	return nil
}

// Withhold turns the rejections in outcomes into missing verdicts because of err, if all of them rest on locations that the
// registry refuses to show. It reports whether it did: such rejections are no proof that signatures are gone.
func Withhold(outcomes []Outcome, err error) bool {
	rejects := func(o Outcome) bool { return o.Verdict == VerdictRejected }
	if !slices.ContainsFunc(outcomes, rejects) || slices.ContainsFunc(outcomes, func(o Outcome) bool { return rejects(o) && !isWithheld(o.Err) }) {
		return false
	}
	for i := range outcomes {
		if rejects(outcomes[i]) {
			outcomes[i].Verdict, outcomes[i].Err = VerdictUndecided, err
		}
	}
	return true
}
