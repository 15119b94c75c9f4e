// SPDX-License-Identifier: Apache-2.0

package document_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/verifiedchart/verifiedchart/internal/verify/provenance/document"
)

// BenchmarkParse reads a usual text, a large one, and the most expensive texts that are allowed.
func BenchmarkParse(b *testing.B) {
	for name, text := range map[string]string{
		"Usual":   usual,
		"Full":    withMetadata(minimal + full),
		"256KiB":  ofSize(document.MaxSize),
		"Nodes":   with("notes: [" + strings.Repeat("a, ", 19_000) + "]\n"),
		"Words":   with("notes: " + strings.Repeat("a ", 120_000) + "\n"),
		"Keys":    with("notes: {" + keys(9_000) + "}\n"),
		"Refused": with("notes: " + strings.Repeat("[", 19_000) + "\n"),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				_, err := document.Parse([]byte(text))
				if (err != nil) != (name == "Refused") {
					b.Fatal(err)
				}
			}
		})
	}
}

// keys returns n entries of a mapping.
func keys(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "key%d: b, ", i)
	}
	return b.String()
}
