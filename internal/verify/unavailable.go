// SPDX-License-Identifier: Apache-2.0

package verify

import (
	"context"
	"errors"

	"github.com/verifiedchart/verifiedchart/internal/registry"
)

var (
	// ErrTrustUnavailable is matched by errors for missing trust material, such as a key or a trusted root. It
	// is not a verdict.
	ErrTrustUnavailable = errors.New("trust material is missing")
	// ErrTrustMalformed is matched by errors for trust material that exists but is not usable: retrying is
	// useless until the material changes. Such errors also match ErrTrustUnavailable.
	ErrTrustMalformed error = malformedError{}
)

type malformedError struct{}

func (malformedError) Error() string        { return "trust material is malformed" }
func (malformedError) Is(target error) bool { return target == ErrTrustUnavailable }

// Unavailable returns the Verifier of an authority that is unavailable: it always returns err.
func Unavailable(err error) Verifier { return unavailable{err} }

type unavailable struct{ err error }

func (u unavailable) Verify(context.Context, Subject, registry.Reader) (Result, error) {
	return Result{}, u.err
}
