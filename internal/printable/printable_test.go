// SPDX-License-Identifier: Apache-2.0

package printable_test

import (
	"testing"
	"unicode/utf8"

	"github.com/verifiedchart/verifiedchart/internal/printable"
)

func TestString(t *testing.T) {
	for _, row := range []struct {
		name, in string
		limit    int
		want     string
	}{
		{"plain text stays", "nginx", 64, "nginx"},
		{"printable runes of any script stay", "grüße 図", 64, "grüße 図"},
		{"text of exactly the limit stays", "abcdef", 6, "abcdef"},
		{"C14: an ANSI escape loses its escape character", "a\x1b[31mred", 64, "a [31mred"},
		{"C14: line breaks and NUL become spaces", "a\r\nb\x00c", 64, "a  b c"},
		{"C14: a right-to-left override becomes a space", "a\u202eb", 64, "a b"},
		{"H15: invalid UTF-8 becomes a space", "a\xff\xfeb", 64, "a  b"},
		{"H15: too long a text ends in an ellipsis", "abcdefgh", 6, "abc…"},
		{"H15: no rune is cut in two", "äöüäöü", 8, "äö…"},
		{"a limit too small for an ellipsis leaves nothing", "abcdef", 2, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			got := printable.String(row.in, row.limit)
			if got != row.want {
				t.Errorf("got %q, want %q", got, row.want)
			}
			if len(got) > row.limit || !utf8.ValidString(got) {
				t.Errorf("%q is longer than %d bytes or invalid UTF-8", got, row.limit)
			}
		})
	}
}
