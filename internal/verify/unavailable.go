// SPDX-License-Identifier: Apache-2.0

package verify

import (
	"context"
	"errors"
	"fmt"

	"github.com/verifiedchart/verifiedchart/internal/registry"
)

var (
	// ErrTrustUnavailable is matched by errors that say that what a verdict needs,
	// a key or a trust root, is not there. It is no verdict.
	ErrTrustUnavailable = errors.New("what a verdict needs is not there")

	// ErrTrustMalformed is matched by errors that say that what a verdict needs is
	// there but cannot be used, so that asking again is in vain until it changes.
	// Such errors match ErrTrustUnavailable too.
	ErrTrustMalformed = fmt.Errorf("%w in a usable form", ErrTrustUnavailable)
)

// Unavailable returns the Verifier of an authority that cannot be asked: it answers err every time.
func Unavailable(err error) Verifier { return unavailable{err} }

type unavailable struct{ err error }

func (u unavailable) Verify(context.Context, Subject, registry.Reader) (Evidence, error) {
	return Evidence{}, u.err
}
