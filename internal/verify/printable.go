package verify

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Printable returns s fit for a status, an event or a log: valid UTF-8, control
// characters replaced by a space, at most limit bytes (CVE-2021-21303 class).
func Printable(s string, limit int) string {
	const ellipsis = "…"
	s = strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, s)
	if len(s) <= limit {
		return s
	}
	cut := max(0, limit-len(ellipsis))
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + ellipsis
}
