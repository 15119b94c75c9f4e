package registry

import (
	"errors"
	"fmt"
	"regexp"

	"github.com/verifiedchart/verifiedchart/internal/printable"
)

// maxError bounds the text of an error in bytes.
const maxError = 1 << 10

// Signed URLs carry their secret in the query, and others in the userinfo (CVE-2024-31216).
var (
	query    = regexp.MustCompile(`(https?://[^\s"'?]*)\?[^\s"']*`)
	userinfo = regexp.MustCompile(`(https?://)[^\s"'/@]*@`)
)

// redactedError has the class of the error it wraps and a text that may be shown.
type redactedError struct {
	text  string
	cause error
}

func (e *redactedError) Error() string { return e.text }

// Is matches the classes of the cause; unwrapping would give its text away.
func (e *redactedError) Is(target error) bool { return errors.Is(e.cause, target) }

func redacted(what string, err error) error {
	text := fmt.Sprintf("%s: %v", what, err)
	text = userinfo.ReplaceAllString(text, "$1")
	text = query.ReplaceAllString(text, "$1?…")
	return &redactedError{text: printable.String(text, maxError), cause: err}
}
