// SPDX-License-Identifier: Apache-2.0

package helmindex_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/verifiedchart/verifiedchart/internal/helmindex"
)

// BenchmarkFind reads one of 144 charts with 110 versions each from an index of the size and shape of Bitnami's. The
// index is a file, as in the controller.
func BenchmarkFind(b *testing.B) {
	for _, format := range []string{"yaml", "json"} {
		b.Run(format, func(b *testing.B) { benchmarkFind(b, bitnami(format)) })
	}
}

func benchmarkFind(b *testing.B, text string) {
	path := filepath.Join(b.TempDir(), "index.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		b.Fatal(err)
	}
	file, err := os.Open(path)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	size := int64(len(text))
	b.SetBytes(size)
	b.ReportMetric(float64(size)/(1<<20), "MiB")
	b.ReportAllocs()
	for b.Loop() {
		found, err := helmindex.Find(file, size, "chart-100")
		if err != nil || len(found.Entries) != 110 {
			b.Fatal(len(found.Entries), err)
		}
	}
}

// bitnami is an index of 144 charts with 110 versions each.
func bitnami(format string) string {
	var out strings.Builder
	begin, chart, entry, end := yamlParts()
	if format == "json" {
		begin, chart, entry, end = jsonParts()
	}
	out.WriteString(begin)
	for c := range 144 {
		if format == "json" && c > 0 {
			out.WriteString("],")
		}
		fmt.Fprintf(&out, chart, c)
		for v := range 110 {
			if format == "json" && v > 0 {
				out.WriteString(",")
			}
			fmt.Fprintf(&out, entry, c, v)
		}
	}
	out.WriteString(end)
	return out.String()
}

func yamlParts() (begin, chart, entry, end string) {
	images := strings.Repeat("        - name: os-shell\n          image: docker.io/bitnami/os-shell:12-debian-12-r%[2]d\n", 12)
	return "apiVersion: v1\nentries:\n", "  chart-%d:\n", `  - annotations:
      category: Infrastructure
      images: |
` + images + `      licenses: Apache-2.0
    apiVersion: v2
    appVersion: 1.%[2]d.0
    created: "2024-01-02T03:04:05.123456789Z"
    dependencies:
    - name: common
      repository: oci://registry-1.docker.io/bitnamicharts
      tags:
      - bitnami-common
      version: 2.x.x
    description: 'A server for many purposes. Trademarks: this software listing is packaged
      by somebody. The respective trademarks are owned by the respective companies.'
    digest: ` + strings.Repeat("0123456789abcdef", 4) + `
    home: https://bitnami.com
    icon: https://bitnami.com/assets/stacks/chart/img/chart-stack-220x234.png
    keywords:
    - server
    - infrastructure
    maintainers:
    - name: Broadcom, Inc. All Rights Reserved.
      url: https://github.com/bitnami/charts
    name: chart-%[1]d
    sources:
    - https://github.com/bitnami/charts/tree/main/bitnami/chart-%[1]d
    urls:
    - https://charts.bitnami.com/bitnami/chart-%[1]d-1.%[2]d.0.tgz
    version: 1.%[2]d.0
`, "generated: \"2024-01-02T03:04:05.123456789Z\"\n"
}

func jsonParts() (begin, chart, entry, end string) {
	images := strings.Repeat(`- name: os-shell\n  image: docker.io/bitnami/os-shell:12-debian-12-r1\n`, 12)
	return `{"apiVersion":"v1","entries":{`, `"chart-%d":[`, `{"annotations":{"category":"Infrastructure","images":"` + images + `"},"apiVersion":"v2","appVersion":"1.%[2]d.0",
"created":"2024-01-02T03:04:05.123456789Z","dependencies":[{"name":"common","repository":"oci://registry-1.docker.io/bitnamicharts","version":"2.x.x"}],
"description":"A server for many purposes. Trademarks: this software listing is packaged by somebody.","digest":"` + strings.Repeat("0123456789abcdef", 4) + `",
"home":"https://bitnami.com","keywords":["server","infrastructure"],"name":"chart-%[1]d","urls":["https://charts.bitnami.com/bitnami/chart-%[1]d-1.%[2]d.0.tgz"],
"version":"1.%[2]d.0"}`, `]},"generated":"2024-01-02T03:04:05.123456789Z"}`
}
