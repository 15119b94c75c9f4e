// SPDX-License-Identifier: Apache-2.0

package chart_test

import (
	"bytes"
	"errors"
	"regexp"
	"testing"

	"helm.sh/helm/v3/pkg/chart/loader"

	"github.com/verifiedchart/verifiedchart/internal/chart"
	"github.com/verifiedchart/verifiedchart/internal/chart/charttest"
)

// FuzzInspect takes a tar and corrects all checksums, which the fuzzer cannot guess. If Inspect accepts a
// chart, Helm must load it as the same chart.
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
			t.Fatalf("accepted a chart that Helm refuses: %v", err)
		}
		if c.Metadata.Name != m.Name || c.Metadata.Version != m.Version {
			t.Errorf("accepted %s %s, Helm loads %s %s", m.Name, m.Version, c.Metadata.Name, c.Metadata.Version)
		}
	})
}

// FuzzVersions takes two texts as tags and versions. It checks that the names of tags do not depend on the
// order of arguments, and that the order agrees with strict semver.
func FuzzVersions(f *testing.F) {
	for _, seed := range [][2]string{
		{"1.2.3", "v1.2.3"}, {"2024.02.0", "2024.01.0"}, {"1.2", "1.2.3-rc.1"}, {"1.2.3_b", "1.2.3+b"},
		{"latest", "9fceb02"}, {"1.0.0-1", "1.0.0-a.b"}, {"v", ""}, {"1.2.3-\n", "1.2.3-é"}, {"0.0.0-", "00.0"},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		if chart.SameVersion(a, b) != chart.SameVersion(b, a) {
			t.Errorf("equality of %q and %q depends on the order", a, b)
		}
		if chart.SameVersion(a, b) && !chart.MayName(a, b) {
			t.Errorf("tag %q may not name its own version %q", a, b)
		}
		if named, ok := chart.NamedVersion(a); ok && chart.MayName(a, b) != chart.SameVersion(named, b) {
			t.Errorf("tag %q names only %q, and may name %q: %v", a, named, b, chart.MayName(a, b))
		}
		order, ok := chart.CompareVersions(a, b)
		if reverse, also := chart.CompareVersions(b, a); reverse != -order || also != ok {
			t.Errorf("order of %q and %q is %d, reversed %d", a, b, order, reverse)
		}
		x, strictA := chart.TagVersion(a)
		y, strictB := chart.TagVersion(b)
		if strictA && strictB && !hugeNumber.MatchString(a+" "+b) && order != x.Compare(y) {
			t.Errorf("order of %q and %q is %d, semver has %d", a, b, order, x.Compare(y))
		}
	})
}

// hugeNumber is a number in a pre-release that semver compares as a text, contrary to its specification.
var hugeNumber = regexp.MustCompile(`\d{19}`)
