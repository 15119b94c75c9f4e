// SPDX-License-Identifier: Apache-2.0

package material

import (
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/verifiedchart/verifiedchart/internal/printable"
	"github.com/verifiedchart/verifiedchart/internal/verify"
)

// maxText bounds the text of an error in bytes: objects and API servers may say anything at any length.
const maxText = 512

// problem is an error that matches its class and its cause, and whose text names
// the object, the fault and the fix, fit to be shown.
type problem struct {
	class error
	text  string
	cause error
}

func (p *problem) Error() string { return p.text }

func (p *problem) Unwrap() []error {
	if p.cause == nil {
		return []error{p.class}
	}
	return []error{p.class, p.cause}
}

// unavailable returns an error that matches verify.ErrTrustUnavailable, and cause if there is one.
func unavailable(cause error, format string, args ...any) error {
	return &problem{verify.ErrTrustUnavailable, shown(format, args...), cause}
}

// malformed returns an error that matches verify.ErrTrustMalformed, and cause if there is one.
func malformed(cause error, format string, args ...any) error {
	return &problem{verify.ErrTrustMalformed, shown(format, args...), cause}
}

func shown(format string, args ...any) string {
	return printable.String(fmt.Sprintf(format, args...), maxText)
}

// unread returns the error for an object that a Source did not return. The cause of
// a missing object is dropped: to callers, "not found" means the object that they asked for.
func unread(object string, err error) error {
	if apierrors.IsNotFound(err) {
		return unavailable(nil, "%s not found: create it, or correct the name in the spec", object)
	}
	return unavailable(err, "%s cannot be read: %v", object, err)
}
