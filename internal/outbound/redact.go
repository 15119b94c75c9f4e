// SPDX-License-Identifier: Apache-2.0

package outbound

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"github.com/verifiedchart/verifiedchart/internal/printable"
)

// maxError bounds the text of an error in bytes.
const maxError = 1 << 10

// Signed URLs carry their secret in the query, and others in the userinfo (CVE-2024-31216).
var (
	quoted   = regexp.MustCompile(`"(?:\\.|[^"\\])*"?`)
	query    = regexp.MustCompile(`(//[^\s"?]*)\?[^\s"]*`)
	userinfo = regexp.MustCompile(`//[^\s"/]*@`)
)

// redactedError has the class of the wrapped error and a text that may be shown.
type redactedError struct {
	text  string
	cause error
}

func (e *redactedError) Error() string { return e.text }

// Is matches the classes of the cause; an Unwrap method would expose its text.
func (e *redactedError) Is(target error) bool { return errors.Is(e.cause, target) }

// Redacted returns an error of at most 1 KiB that names the failed operation, without the userinfo and the
// queries of URLs. It matches the same errors as err.
func Redacted(what string, err error) error {
	return &redactedError{text: printable.String(what+": "+redactedText(err), maxError), cause: err}
}

func redactedText(err error) string {
	var parse *url.Error
	if errors.As(err, &parse) && parse.Op == "parse" {
		return "it leads to what is not a URL" // its parts may be anywhere in the text
	}
	text := quoted.ReplaceAllStringFunc(fmt.Sprint(err), redactedURL)
	text = userinfo.ReplaceAllString(text, "//")
	return query.ReplaceAllString(text, "$1?…")
}

// redactedURL redacts a text that package fmt quoted, which is most likely a URL.
func redactedURL(q string) string {
	if i := strings.IndexAny(q, "?#"); i >= 0 {
		q = q[:i] + `?…"`
	}
	if i, j := strings.Index(q, "//"), strings.LastIndex(q, "@"); i >= 0 && j > i {
		q = q[:i+2] + q[j+1:]
	}
	return q
}
