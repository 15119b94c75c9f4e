// SPDX-License-Identifier: Apache-2.0

package verify

import (
	"context"
	"errors"

	"github.com/verifiedchart/verifiedchart/internal/registry"
)

var (
	// ErrTrustUnavailable is matched by errors that say that the material of a verdict,
	// such as a key or a trusted root, is missing. It is no verdict.
	ErrTrustUnavailable = errors.New("trust material is missing")
	// ErrTrustMalformed is matched by errors that say that trust material is there but
	// cannot be used, so that asking again is in vain until it changes. Such errors
	// match ErrTrustUnavailable too.
	ErrTrustMalformed error = malformedError{}
)

type malformedError struct{}

func (malformedError) Error() string        { return "trust material is malformed" }
func (malformedError) Is(target error) bool { return target == ErrTrustUnavailable }

// Unavailable returns the Verifier of an authority that cannot be asked: it answers err every time.
func Unavailable(err error) Verifier { return unavailable{err} }

type unavailable struct{ err error }

func (u unavailable) Verify(context.Context, Subject, registry.Reader) (Result, error) {
	return Result{}, u.err
}
