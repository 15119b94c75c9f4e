// SPDX-License-Identifier: Apache-2.0

package material

import (
	"errors"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/verifiedchart/verifiedchart/internal/problem"
	"github.com/verifiedchart/verifiedchart/internal/verify"
)

// unavailable returns a problem that matches verify.ErrTrustUnavailable.
func unavailable(format string, args ...any) *problem.Problem {
	return problem.New(verify.ErrTrustUnavailable, format, args...)
}

// malformed returns a problem that matches verify.ErrTrustMalformed.
func malformed(format string, args ...any) *problem.Problem {
	return problem.New(verify.ErrTrustMalformed, format, args...)
}

// malformedIn returns the problem of an object, which matches verify.ErrTrustMalformed and err.
func malformedIn(object string, err error) error {
	return problem.Of(verify.ErrTrustMalformed, problem.In(object, err))
}

// errNotFound is matched by the error for an object that a spec names and that does not exist.
var errNotFound = errors.New("not found")

// unread returns the error for an object that a Source did not return, with the command that creates it. The cause of
// a missing object is dropped: to callers, "not found" means the object that they asked for.
func unread(object string, err error, create string) error {
	if apierrors.IsNotFound(err) {
		return unavailable("%s not found", object).Fix("%s", create).Because(errNotFound)
	}
	return unavailable("%s cannot be read: %v", object, err).Because(err)
}
