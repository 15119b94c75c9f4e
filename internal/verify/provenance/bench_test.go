// SPDX-License-Identifier: Apache-2.0

package provenance_test

import (
	"context"
	"strings"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/verifiedchart/verifiedchart/internal/verify"
)

// BenchmarkVerify finds and verifies one provenance file in the manifest of the chart: a usual one takes at
// most 2 ms and 1 MiB; "long" describes its chart in 110 KiB.
func BenchmarkVerify(b *testing.B) {
	for name, descriptions := range map[string]int{"usual": 1, "long": 2000} {
		b.Run(name, func(b *testing.B) {
			RegisterTestingT(b)
			w := newWorld()
			described := "description: " + strings.Repeat("A chart of that kind which is described at great length. ", descriptions) + "\n"
			subject := w.subject(w.prov(w.ours, func(text string) string { return strings.Replace(text, "\n\n...", "\n"+described+"\n...", 1) }))
			v := w.trusting()
			b.ReportAllocs()
			for b.Loop() {
				if _, err := verify.Check(context.Background(), v, subject, w.repo); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
