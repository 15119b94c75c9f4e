// SPDX-License-Identifier: Apache-2.0

package verifytest

import (
	"context"
	"errors"

	"github.com/verifiedchart/verifiedchart/internal/registry"
	"github.com/verifiedchart/verifiedchart/internal/verify"
)

// ErrUnreachable is the error of Inconclusive.
var ErrUnreachable = errors.New("out of reach")

// Answer is a Verifier with a fixed answer.
type Answer struct {
	Result verify.Result
	Err    error
}

// Verify implements verify.Verifier.
func (a Answer) Verify(context.Context, verify.Subject, registry.Reader) (verify.Result, error) {
	return a.Result, a.Err
}

// Accepts returns an Answer that accepts with a signature by each of the signers.
func Accepts(authority string, signers ...string) Answer {
	var a Answer
	for _, s := range signers {
		a.Result.Signatures = append(a.Result.Signatures, verify.VerifiedSignature{Authority: authority, Signer: s})
	}
	return a
}

// Doubtful returns an Answer that accepts with the signers, but with unread material.
func Doubtful(authority string, signers ...string) Answer {
	a := Accepts(authority, signers...)
	a.Result.Unread = ErrUnreachable
	return a
}

// Rejects returns an Answer with a Rejection.
func Rejects(authority string) Answer {
	return Answer{Err: &verify.Rejection{Authority: authority, Searched: []string{"nowhere"}}}
}

// Inconclusive returns an Answer without a verdict.
func Inconclusive() Answer { return Answer{Err: ErrUnreachable} }
