// SPDX-License-Identifier: Apache-2.0

package attached_test

import (
	"strings"
	"testing"

	"github.com/verifiedchart/verifiedchart/internal/registry"
	"github.com/verifiedchart/verifiedchart/internal/verify/attached"
)

// BenchmarkParseManifest parses a manifest of 4 MiB that lists a million empty layers, and a manifest with the
// maximum number of layers.
func BenchmarkParseManifest(b *testing.B) {
	for name, raw := range map[string]string{
		"hostile": `{"config":{},"layers":[{}` + strings.Repeat(",{}", registry.MaxManifestSize/3-20) + `]}`,
		"largest": `{"config":{},"layers":[{}` + strings.Repeat(",{}", registry.MaxDescriptors-1) + `]}`,
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, err := attached.ParseManifest([]byte(raw))
				if (err != nil) != (name == "hostile") {
					b.Fatal(err)
				}
			}
		})
	}
}
