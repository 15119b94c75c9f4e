// SPDX-License-Identifier: Apache-2.0

package verify

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/verifiedchart/verifiedchart/internal/registry"
)

// Refusal says why a candidate does not vouch, or why there is nothing to be
// read. It is a verdict on that candidate alone.
type Refusal struct {
	// Reason for whoever looks at the candidate.
	Reason string
	// Short is the reason in a few words, for whoever looks at the chart; empty if Reason is short.
	Short string
	// Signer is who made the candidate, as far as that is known.
	Signer Signer
}

// Error returns the reason.
func (r *Refusal) Error() string { return r.Reason }

// Refuse returns a Refusal.
func Refuse(format string, args ...any) *Refusal {
	return &Refusal{Reason: fmt.Sprintf(format, args...)}
}

// Shortly adds the reason in a few words.
func (r *Refusal) Shortly(short string) *Refusal {
	r.Short = short
	return r
}

// By adds who made the refused candidate.
func (r *Refusal) By(s Signer) *Refusal {
	r.Signer = s
	return r
}

// Evaluation is how one authority decides by candidates of type C. Every field but Constraints and Fix is required.
type Evaluation[C any] struct {
	// Authority is the name of the authority in the policy.
	Authority string
	// Candidates, the likely ones first.
	Candidates iter.Seq[C]
	// Looked returns, once they are all taken, where they were looked for.
	Looked func() []string
	// Name returns where a candidate was found, and which format it has.
	Name func(C) (source, format string)
	// Judge returns the vouchers that a candidate holds, at least one. A *Refusal says why
	// it holds none; any other error means that this could not be found out.
	Judge func(context.Context, C) ([]Voucher, error)
	// Cost returns the work that a candidate takes, in units of MaxWork.
	Cost func(C) int
	// Fix is what to do if there is no candidate.
	Fix string
	// Constraints apply to every voucher.
	Constraints Constraints
	// Enough reports whether no further voucher matters.
	Enough func([]Voucher) bool
}

// Decide judges one candidate after the other. A candidate that is unrelated, broken or
// out of reach never hides another that is good; if a candidate that could not be read
// might have been the good one, there is no verdict. The error matches ErrRejected if
// no candidate vouches.
func (e Evaluation[C]) Decide(ctx context.Context) (Evidence, error) {
	var evidence Evidence
	for c := range e.Candidates {
		if err := ctx.Err(); err != nil { // cached material is read even if no time is left
			evidence.Unread = errors.Join(evidence.Unread, err)
			break
		}
		e.vote(ctx, c, &evidence)
		if e.Enough(evidence.Vouchers) {
			break
		}
	}
	switch {
	case !evidence.IsZero():
		return evidence, nil
	case evidence.Unread != nil && !e.isComplete(evidence):
		return Evidence{}, evidence.Unread
	}
	return Evidence{}, &Rejection{Authority: e.Authority, Looked: e.Looked(), Candidates: evidence.Seen, Fix: e.Fix}
}

// isComplete reports whether all that could not be read is what stored signature material does not hold, and it holds
// signatures: those on which the acceptance rested. Where no search led then, there is nothing to wait for.
func (e Evaluation[C]) isComplete(evidence Evidence) bool {
	return len(evidence.Seen) > 0 && OnlyUnasked(evidence.Unread)
}

// OnlyUnasked reports whether every error in a tree is that stored signature material holds no answer.
func OnlyUnasked(err error) bool {
	if !errors.Is(err, registry.ErrNoAnswer) {
		return false
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return !slices.ContainsFunc(joined.Unwrap(), func(each error) bool { return !OnlyUnasked(each) })
	}
	if within := errors.Unwrap(err); within != nil {
		return OnlyUnasked(within)
	}
	return true
}

// vote adds the vouchers of one candidate, or why it has none.
func (e Evaluation[C]) vote(ctx context.Context, c C, evidence *Evidence) {
	seen := Candidate{Authority: e.Authority}
	seen.Source, seen.Format = e.Name(c)
	vouchers, err := e.judge(ctx, c)
	var refused *Refusal
	switch {
	case errors.As(err, &refused):
		seen.Signer, seen.Reason, seen.Short = refused.Signer, refused.Reason, refused.Short
		evidence.Seen = append(evidence.Seen, seen)
	case err != nil:
		evidence.Unread = errors.Join(evidence.Unread, err)
	}
	for _, v := range vouchers {
		seen.Signer = signerOf(v)
		if seen.Reason, seen.Until = e.Constraints.Objection(v); seen.Reason == "" {
			evidence.Vouchers = appendNew(evidence.Vouchers, v)
		}
		evidence.Seen = append(evidence.Seen, seen)
	}
}

// judge asks Judge about a candidate, if there is work left for it.
func (e Evaluation[C]) judge(ctx context.Context, c C) ([]Voucher, error) {
	if !takeWork(ctx, e.Cost(c)) {
		return nil, Refuse("it is not considered: all signatures and keys together take too long").Shortly("too many signatures and keys")
	}
	return e.Judge(ctx, c)
}

// signerOf returns the signer that a voucher proves.
func signerOf(v Voucher) Signer {
	if v.Subject != "" {
		return Signer{Issuer: v.Issuer, Subject: v.Subject, Verified: true}
	}
	return Signer{KeyID: v.Signer, Verified: true}
}

// appendNew appends a voucher if its signer is not among the others.
func appendNew(vouchers []Voucher, v Voucher) []Voucher {
	for _, other := range vouchers {
		if other.Signer == v.Signer {
			return vouchers
		}
	}
	return append(vouchers, v)
}
