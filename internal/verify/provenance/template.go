// SPDX-License-Identifier: Apache-2.0

package provenance

import (
	"net/url"
	"strings"
)

// Template is a text in which {{name}} and {{version}} stand for those of a chart.
type Template string

// DefaultTag is where a provenance file may stand that `oras push` put beside the chart.
const DefaultTag Template = "{{version}}.prov"

// Tag returns the template filled in for a tag, or a key of a Secret, neither of
// which may hold a +, for which they have _ as `helm push` does.
func (t Template) Tag(name, version string) string {
	return t.fill(name, strings.ReplaceAll(version, "+", "_"))
}

// URL returns the template filled in for a URL, in whatever part of it.
func (t Template) URL(name, version string) string {
	return t.fill(url.QueryEscape(name), url.QueryEscape(version))
}

func (t Template) fill(name, version string) string {
	return strings.NewReplacer("{{name}}", name, "{{version}}", version).Replace(string(t))
}
