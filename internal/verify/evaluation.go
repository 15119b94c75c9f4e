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

// Refusal is why a candidate is not accepted, or cannot be read. It is a verdict on that candidate alone.
type Refusal struct {
	// Reason is the full text, about the candidate.
	Reason string
	// Short is the reason in a few words, for the chart; empty if Reason is short.
	Short string
	// Signer is the signer of the candidate, if known.
	Signer Signer
	// Withheld means that the registry refuses to show whether there is a candidate.
	Withheld bool
}

// Error returns the reason.
func (r *Refusal) Error() string { return r.Reason }

// Refuse returns a Refusal.
func Refuse(format string, args ...any) *Refusal {
	return &Refusal{Reason: fmt.Sprintf(format, args...)}
}

// Shortly sets Short, and returns r.
func (r *Refusal) Shortly(short string) *Refusal {
	r.Short = short
	return r
}

// By sets the signer of the refused candidate, and returns r.
func (r *Refusal) By(s Signer) *Refusal {
	r.Signer = s
	return r
}

// Evaluation decides for one authority, based on candidates of type C. All fields are required, except
// Constraints and Fix.
type Evaluation[C any] struct {
	// Authority is the name of the authority in the policy.
	Authority string
	// Candidates yields the candidates, the preferred ones first.
	Candidates iter.Seq[C]
	// Searched returns the searched locations. It is called after all candidates are taken.
	Searched func() []string
	// Name returns the source and the format of a candidate.
	Name func(C) (source, format string)
	// Verify returns the verified signatures in a candidate, at least one. A *Refusal is the reason why there
	// is none; any other error means that this could not be found out.
	Verify func(context.Context, C) ([]VerifiedSignature, error)
	// Cost returns the work for verifying a candidate, in units of MaxWork.
	Cost func(C) int
	// Fix tells the user what to do if there is no candidate.
	Fix string
	// Constraints apply to every verified signature.
	Constraints Constraints
	// Enough reports whether the verified signatures suffice, so that further ones do not matter.
	Enough func([]VerifiedSignature) bool
}

// Decide verifies the candidates in their order. An unrelated, broken or unreachable candidate never hides a
// good one. There is no verdict if an unread candidate might have been the good one. The error matches
// ErrRejected if no candidate is accepted.
func (e Evaluation[C]) Decide(ctx context.Context) (Result, error) {
	var result Result
	for c := range e.Candidates {
		if err := ctx.Err(); err != nil { // cached material is read even if ctx has ended
			result.Unread = errors.Join(result.Unread, err)
			break
		}
		e.evaluate(ctx, c, &result)
		if e.Enough(result.Signatures) {
			break
		}
	}
	switch {
	case !result.IsZero():
		return result, nil
	case result.Unread != nil && !e.isComplete(result):
		return Result{}, result.Unread
	}
	return Result{}, &Rejection{Authority: e.Authority, Searched: e.Searched(), Candidates: result.Seen, Fix: e.Fix}
}

// isComplete reports whether the only unread material is missing from the stored signature material, which
// holds the signatures of the last acceptance. If that acceptance did not need the missing material, there is
// nothing to wait for.
func (e Evaluation[C]) isComplete(result Result) bool {
	return len(result.Seen) > 0 && OnlyUnanswered(result.Unread)
}

// OnlyUnanswered reports whether every error in a tree means that the stored signature material holds no answer.
func OnlyUnanswered(err error) bool {
	if !errors.Is(err, registry.ErrNoAnswer) {
		return false
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return !slices.ContainsFunc(joined.Unwrap(), func(each error) bool { return !OnlyUnanswered(each) })
	}
	if within := errors.Unwrap(err); within != nil {
		return OnlyUnanswered(within)
	}
	return true
}

// evaluate adds the verified signatures of one candidate, or the reason why it has none.
func (e Evaluation[C]) evaluate(ctx context.Context, c C, result *Result) {
	seen := Candidate{Authority: e.Authority}
	seen.Source, seen.Format = e.Name(c)
	signatures, err := e.verify(ctx, c)
	var refused *Refusal
	switch {
	case errors.As(err, &refused):
		seen.Signer, seen.Reason, seen.Short, seen.Withheld = refused.Signer, refused.Reason, refused.Short, refused.Withheld
		result.Seen = append(result.Seen, seen)
	case err != nil:
		result.Unread = errors.Join(result.Unread, err)
	}
	for _, v := range signatures {
		seen.Signer = signerOf(v)
		if seen.Reason, seen.Until = e.Constraints.Objection(v); seen.Reason == "" {
			result.Signatures = appendNew(result.Signatures, v)
		}
		result.Seen = append(result.Seen, seen)
	}
}

// verify calls Verify for a candidate, if enough work is left for it.
func (e Evaluation[C]) verify(ctx context.Context, c C) ([]VerifiedSignature, error) {
	if !takeWork(ctx, e.Cost(c)) {
		return nil, Refuse("it is not considered: all signatures and keys together take too long").Shortly("too many signatures and keys")
	}
	return e.Verify(ctx, c)
}

// signerOf returns the signer that a verified signature proves.
func signerOf(v VerifiedSignature) Signer {
	if v.Subject != "" {
		return Signer{Issuer: v.Issuer, Subject: v.Subject, Verified: true}
	}
	return Signer{KeyID: v.Signer, Verified: true}
}

// appendNew appends a verified signature if its signer is not among the others.
func appendNew(signatures []VerifiedSignature, v VerifiedSignature) []VerifiedSignature {
	for _, other := range signatures {
		if other.Signer == v.Signer {
			return signatures
		}
	}
	return append(signatures, v)
}
