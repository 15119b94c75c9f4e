// SPDX-License-Identifier: Apache-2.0

package chart

import (
	"fmt"
	"strings"

	helm "helm.sh/helm/v3/pkg/chart"

	"github.com/verifiedchart/verifiedchart/internal/printable"
)

// checkDependencies returns an error if the archive lacks a dependency that Helm would install with the chart's own
// values. Helm installs such a chart without the dependency, or not at all.
func checkDependencies(c *helm.Chart) error {
	present := map[string]bool{}
	for _, subchart := range c.Dependencies() {
		present[subchart.Name()] = true
	}
	for _, d := range c.Metadata.Dependencies {
		if d != nil && !present[d.Name] && isEnabled(d, c.Values) {
			return fmt.Errorf("its dependency %q is missing in charts/: run helm dependency build, and package the chart again", printable.String(d.Name, maxShown))
		}
	}
	return nil
}

// isEnabled reports whether the values switch a dependency on, as Helm decides: by the first path in condition that
// is a bool, or else by tags, of which one that is on is enough.
func isEnabled(d *helm.Dependency, values map[string]any) bool {
	for condition := range strings.SplitSeq(d.Condition, ",") {
		if on, ok := valueAt(values, strings.TrimSpace(condition)).(bool); ok {
			return on
		}
	}
	switchedOff := false
	for _, tag := range d.Tags {
		if on, ok := valueAt(values, "tags."+tag).(bool); ok {
			if on {
				return true
			}
			switchedOff = true
		}
	}
	return !switchedOff
}

// valueAt returns the value at a path such as redis.enabled, or nil.
func valueAt(values map[string]any, path string) any {
	table, rest, isTable := strings.Cut(path, ".")
	if !isTable {
		return values[path]
	}
	inner, _ := values[table].(map[string]any)
	return valueAt(inner, rest)
}
