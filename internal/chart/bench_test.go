// SPDX-License-Identifier: Apache-2.0

package chart_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/verifiedchart/verifiedchart/internal/chart"
	"github.com/verifiedchart/verifiedchart/internal/chart/charttest"
)

// BenchmarkInspect reads a chart of the size of widely used charts: some 50 KiB packed, 200 KiB unpacked, 40
// templates and 16 KiB of documented values.
func BenchmarkInspect(b *testing.B) {
	raw := typicalChart()
	b.ReportMetric(float64(len(raw))/1024, "KiB-packed")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := chart.Inspect(bytes.NewReader(raw)); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParseManifest(b *testing.B) {
	raw := charttest.Manifest(charttest.ConfigJSON("podinfo", "6.7.0"), []byte("archive"))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := chart.ParseManifest(raw); err != nil {
			b.Fatal(err)
		}
	}
}

func typicalChart() []byte {
	text := prose{rand.New(rand.NewPCG(1, 2))}
	opts := []charttest.Option{
		charttest.File("README.md", text.lines(400, "")),
		charttest.File("values.schema.json", `{"type": "object"}`),
		charttest.File("values.yaml", text.values(16<<10)),
	}
	for i := range 40 {
		opts = append(opts, charttest.File(fmt.Sprintf("templates/part-%d.yaml", i), text.lines(60, "  {{- with .Values.x }} ")))
	}
	return charttest.Archive("typical", "1.2.3", opts...)
}

// prose writes text that compresses about as well as a chart does.
type prose struct{ random *rand.Rand }

func (p prose) words(n int) string {
	var b strings.Builder
	for range n {
		fmt.Fprintf(&b, "%s%s ", syllables[p.random.IntN(len(syllables))], syllables[p.random.IntN(len(syllables))])
	}
	return b.String()
}

func (p prose) lines(n int, indent string) string {
	var b strings.Builder
	for range n {
		b.WriteString(indent + p.words(2+p.random.IntN(6)) + "\n")
	}
	return b.String()
}

func (p prose) values(size int) string {
	var b strings.Builder
	for i := 0; b.Len() < size; i++ {
		fmt.Fprintf(&b, "# %s\n# @param [*], see &c: %s\nsection%d:\n  enabled: true\n  name: %q\n  ports: [80, 443]\n  nested:\n    list:\n      - a: 1\n",
			p.words(8), p.words(6), i, p.words(2))
	}
	return b.String()
}

var syllables = strings.Fields("ser vice con tainer image pull policy node port host name space secret volume mount probe live ready limit request label annotation role bind account cluster ingress class path prefix tls config map data key value pod spec replica set state ful job cron time out retry back off")
