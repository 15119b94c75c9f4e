// SPDX-License-Identifier: Apache-2.0

package provenance

import (
	"net/url"
	"strings"
)

// Template is a text in which {{name}} and {{version}} stand for those of a chart.
type Template string

// DefaultTag is the tag of a provenance file that `oras push` stored next to the chart.
const DefaultTag Template = "{{version}}.prov"

// Tag returns the template filled in for a tag, or for a key of a Secret. Neither may hold a +, so it becomes
// _, as in `helm push`.
func (t Template) Tag(name, version string) string {
	return t.fill(name, strings.ReplaceAll(version, "+", "_"))
}

// URL returns the template filled in for any part of a URL.
func (t Template) URL(name, version string) string {
	return t.fill(url.QueryEscape(name), url.QueryEscape(version))
}

func (t Template) fill(name, version string) string {
	return strings.NewReplacer("{{name}}", name, "{{version}}", version).Replace(string(t))
}
