// SPDX-License-Identifier: Apache-2.0

// Package printable makes text of unknown origin fit to be shown.
//
// It does not know the source or the destination of the text.
package printable

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

const ellipsis = "…"

// String returns s fit for a status, an event or a log: valid UTF-8, each
// character that does not print replaced by a space, at most limit bytes, with
// an ellipsis if it was cut (CVE-2021-21303 class). A limit too small for
// the ellipsis yields the empty string if s does not fit.
func String(s string, limit int) string {
	s = strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, s)
	if len(s) <= limit {
		return s
	}
	if limit < len(ellipsis) {
		return ""
	}
	cut := limit - len(ellipsis)
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + ellipsis
}
