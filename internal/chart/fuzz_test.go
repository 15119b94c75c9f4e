package chart_test

import (
	"bytes"
	"errors"
	"testing"

	"helm.sh/helm/v3/pkg/chart/loader"

	"github.com/verifiedchart/verifiedchart/internal/chart"
	"github.com/verifiedchart/verifiedchart/internal/chart/charttest"
)

// FuzzInspect takes a tar and makes all checksums right, which the fuzzer cannot
// guess. What Inspect accepts, Helm must load as the same chart.
func FuzzInspect(f *testing.F) {
	for _, raw := range [][]byte{
		podinfo(),
		podinfo(charttest.Subchart("redis", "1.2.3"), charttest.File("charts/nginx/Chart.yaml", charttest.ChartYAML("nginx", "1.0.0"))),
		podinfo(global(map[string]string{"comment": "x"}), charttest.File("requirements.yaml", "dependencies: []\n"), named("podinfo/../a")),
		podinfo(charttest.File("values.yaml", "a: &a {x: 1}\nb: [*a, {<<: *a}]\n"), charttest.File("Chart.lock", "digest: x\n")),
	} {
		f.Add(gunzip(raw))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		raw = bytes.Clone(raw)
		for i := 0; i+512 <= len(raw); i += 512 {
			if block := raw[i : i+512]; bytes.HasPrefix(block[257:], []byte("ustar")) {
				sign(block)
			}
		}
		packed := compress(raw)
		m, err := chart.Inspect(bytes.NewReader(packed))
		if err != nil {
			if !errors.Is(err, chart.ErrInvalid) || len(err.Error()) > 1024 {
				t.Errorf("not a bounded verdict: %v", err)
			}
			return
		}
		c, err := loader.LoadArchive(bytes.NewReader(packed))
		if err != nil {
			t.Fatalf("accepted what Helm refuses: %v", err)
		}
		if c.Metadata.Name != m.Name || c.Metadata.Version != m.Version {
			t.Errorf("accepted %s %s, Helm loads %s %s", m.Name, m.Version, c.Metadata.Name, c.Metadata.Version)
		}
	})
}
