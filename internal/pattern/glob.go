// SPDX-License-Identifier: Apache-2.0

package pattern

import "strings"

// Glob is a pattern of a URL or a name, in which `*` stands for any characters but a slash, and `**` for any
// characters. It must match the whole text. The time to match is proportional to the length of the pattern
// times the length of the text.
type Glob string

// The wildcards of a glob.
const (
	// OneSegment stands for any characters but a slash.
	OneSegment = "*"
	// AnySegments stands for any characters.
	AnySegments = "**"
)

// Matches reports whether the pattern matches the whole text.
func (g Glob) Matches(text string) bool {
	literal, _, wild := strings.Cut(string(g), OneSegment)
	if !wild || !strings.HasPrefix(text, literal) {
		return string(g) == text
	}
	text = text[len(literal):]
	// reached[i] means that the pattern up to here can end before text[i].
	reached := make([]bool, len(text)+1)
	reached[0] = true
	for pattern := string(g[len(literal):]); pattern != ""; {
		switch {
		case strings.HasPrefix(pattern, AnySegments):
			pattern = strings.TrimLeft(pattern, OneSegment)
			spread(reached, func(int) bool { return true })
		case strings.HasPrefix(pattern, OneSegment):
			pattern = pattern[1:]
			spread(reached, func(i int) bool { return text[i] != '/' })
		default:
			reached = advance(reached, text, pattern[0])
			pattern = pattern[1:]
		}
	}
	return reached[len(text)]
}

// spread extends every reached position by the characters that a wildcard may skip.
func spread(reached []bool, passes func(int) bool) {
	for i := range len(reached) - 1 {
		reached[i+1] = reached[i+1] || (reached[i] && passes(i))
	}
}

// advance extends the reached positions that are followed by the character c, and drops all others.
func advance(reached []bool, text string, c byte) []bool {
	next := make([]bool, len(reached))
	for i := range len(text) {
		next[i+1] = reached[i] && text[i] == c
	}
	return next
}
