// SPDX-License-Identifier: Apache-2.0

package document

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// endOfDocument is the line that Helm puts between Chart.yaml and the files.
const endOfDocument = "..."

// split returns the two YAML documents of a text, with LF as line ends.
func split(text []byte) (metadata, sums string, err error) {
	if len(text) > MaxSize {
		return "", "", fmt.Errorf("it has more than %d bytes", MaxSize)
	}
	if !utf8.Valid(text) {
		return "", "", errors.New("it is not UTF-8")
	}
	s := string(bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n")))
	if i := strings.IndexFunc(s, forbidden); i >= 0 {
		r, _ := utf8.DecodeRuneInString(s[i:])
		return "", "", fmt.Errorf("it holds the character %U", r)
	}
	if syntax(s) > maxSyntax {
		return "", "", fmt.Errorf("it may have more than %d nodes", maxSyntax)
	}
	return splitLines(s)
}

// syntax counts the characters that can begin a node: parsing a document that consists only of such characters
// takes hundreds of times its size.
func syntax(s string) int {
	n := 0
	for _, c := range []string{"-", "?", ":", ",", "[", "{"} {
		n += strings.Count(s, c)
	}
	return n
}

// forbidden reports whether a text must not hold the character: a control character, or a character that only
// some YAML decoders treat as the end of a line or the beginning of a text. A CR is forbidden unless it was
// part of a CRLF.
func forbidden(r rune) bool {
	switch r {
	case '\t', '\n':
		return false
	case '\u2028', '\u2029', '\ufeff':
		return true
	}
	return unicode.IsControl(r)
}

// splitLines splits a text at its only line "...", as Helm does: the line feed before it belongs to neither
// document. A line "---" may begin the text. No other line may begin like a document marker, so that YAML decoders
// find the same documents as Helm.
func splitLines(s string) (metadata, sums string, err error) {
	s = strings.TrimPrefix(s, "---\n")
	at, start := -1, 0
	for line := range strings.Lines(s) {
		if strings.HasPrefix(line, endOfDocument) || strings.HasPrefix(line, "---") {
			if at >= 0 || line != endOfDocument+"\n" {
				return "", "", errors.New(`it has another marker of a document than one line "..."`)
			}
			at = start
		}
		start += len(line)
	}
	if at < 0 {
		return "", "", errors.New(`it has no line "..."`)
	}
	return strings.TrimSuffix(s[:at], "\n"), s[at+len(endOfDocument)+1:], nil
}
