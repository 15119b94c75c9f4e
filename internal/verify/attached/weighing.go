// SPDX-License-Identifier: Apache-2.0

package attached

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/verifiedchart/verifiedchart/internal/verify"
)

// Refusal says why something that was found does not vouch, or why there is
// nothing to be read. It is a verdict on that alone.
type Refusal struct {
	Reason string
	// Signer is who made it, as far as that is known.
	Signer verify.Signer
}

// Error returns the reason.
func (r *Refusal) Error() string { return r.Reason }

// Refuse returns a Refusal.
func Refuse(format string, args ...any) *Refusal {
	return &Refusal{Reason: fmt.Sprintf(format, args...)}
}

// By adds who made what is refused.
func (r *Refusal) By(s verify.Signer) *Refusal {
	r.Signer = s
	return r
}

// Weighing is how one authority decides by candidates of type C. Every field but Demands is required.
type Weighing[C any] struct {
	// Authority is the name of the authority in the policy.
	Authority string
	// Candidates, the likely ones first.
	Candidates iter.Seq[C]
	// Looked says, once they are all taken, where they were looked for.
	Looked func() []string
	// Name says where a candidate was found, and which format it has.
	Name func(C) (source, format string)
	// Judge returns the vouchers that a candidate holds, one at least. A *Refusal says why
	// it holds none; any other error that this could not be found out.
	Judge func(context.Context, C) ([]verify.Voucher, error)
	// Demands are what is asked of every voucher.
	Demands verify.Demands
	// Enough says whether no further voucher matters.
	Enough func([]verify.Voucher) bool
}

// Decide judges one candidate after the other. One that is unrelated, broken or
// out of reach never hides another that is good; where one that could not be read
// might have been the good one there is no verdict. The error matches
// verify.ErrRejected where no candidate vouches.
func (w Weighing[C]) Decide(ctx context.Context) (verify.Evidence, error) {
	var evidence verify.Evidence
	for c := range w.Candidates {
		if err := ctx.Err(); err != nil { // what is remembered is read whether there is time or not
			evidence.Unread = errors.Join(evidence.Unread, err)
			break
		}
		w.weigh(ctx, c, &evidence)
		if w.Enough(evidence.Vouchers) {
			break
		}
	}
	switch {
	case !evidence.IsZero():
		return evidence, nil
	case evidence.Unread != nil:
		return verify.Evidence{}, evidence.Unread
	}
	return verify.Evidence{}, &verify.Rejection{Authority: w.Authority, Looked: w.Looked(), Candidates: evidence.Seen}
}

// weigh adds what one candidate comes to.
func (w Weighing[C]) weigh(ctx context.Context, c C, evidence *verify.Evidence) {
	seen := verify.Candidate{Authority: w.Authority}
	seen.Source, seen.Format = w.Name(c)
	vouchers, err := w.Judge(ctx, c)
	var refused *Refusal
	switch {
	case errors.As(err, &refused):
		seen.Signer, seen.Reason = refused.Signer, refused.Reason
		evidence.Seen = append(evidence.Seen, seen)
	case err != nil:
		evidence.Unread = errors.Join(evidence.Unread, err)
	}
	for _, v := range vouchers {
		seen.Signer = signerOf(v)
		if seen.Reason, seen.Until = w.Demands.Objection(v); seen.Reason == "" {
			evidence.Vouchers = appendNew(evidence.Vouchers, v)
		}
		evidence.Seen = append(evidence.Seen, seen)
	}
}

// signerOf returns the signer that a voucher proves.
func signerOf(v verify.Voucher) verify.Signer {
	if v.Subject != "" {
		return verify.Signer{Issuer: v.Issuer, Subject: v.Subject, Verified: true}
	}
	return verify.Signer{KeyID: v.Signer, Verified: true}
}

// appendNew appends a voucher of a signer that is not among the others.
func appendNew(vouchers []verify.Voucher, v verify.Voucher) []verify.Voucher {
	for _, other := range vouchers {
		if other.Signer == v.Signer {
			return vouchers
		}
	}
	return append(vouchers, v)
}
