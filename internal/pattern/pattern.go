// SPDX-License-Identifier: Apache-2.0

// Package pattern holds the patterns of users: globs, and regular expressions (RE2). It compiles them within
// bounds, because a short pattern with repetitions may take megabytes. It does not know the texts that the
// patterns match.
package pattern

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
)

// MaxSize bounds the size of a compiled pattern: the sum of its instructions and ranges of characters. Patterns
// for identities and tags have some hundred.
const MaxSize = 10_000

// ErrPattern is matched by the error for an invalid regular expression, or for a pattern over MaxSize.
var ErrPattern = errors.New("not a usable regular expression")

// Compile returns the regular expression; its error matches ErrPattern.
func Compile(pattern string) (*regexp.Regexp, error) {
	if err := check(pattern); err != nil {
		return nil, err
	}
	return compile(pattern)
}

// Whole returns the regular expression for texts that match it from beginning to end; its error matches
// ErrPattern. The pattern must be valid by itself: `a)|(b` is invalid, but would be valid inside the added
// parentheses.
func Whole(pattern string) (*regexp.Regexp, error) {
	if err := check(pattern); err != nil {
		return nil, err
	}
	return compile(`\A(?:` + pattern + `)\z`)
}

func check(pattern string) error {
	parsed, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrPattern, err)
	}
	if size(parsed) > MaxSize {
		return fmt.Errorf("%w: too many repetitions: use smaller numbers in {n}", ErrPattern)
	}
	return nil
}

func compile(pattern string) (*regexp.Regexp, error) {
	compiled, err := regexp.Compile(pattern)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrPattern, err)
	}
	return compiled, nil
}

// size returns the size of the compiled expression. syntax.Parse allows at most 1,000 repetitions, including
// nested ones, so the size cannot overflow.
func size(e *syntax.Regexp) int {
	n := 1 + len(e.Rune)
	for _, part := range e.Sub {
		n += size(part)
	}
	if e.Op == syntax.OpRepeat {
		n *= max(e.Min, e.Max, 1)
	}
	return n
}
