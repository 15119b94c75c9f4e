// SPDX-License-Identifier: Apache-2.0

package chart

import (
	"github.com/verifiedchart/verifiedchart/internal/printable"
	"github.com/verifiedchart/verifiedchart/internal/problem"
)

// CheckIdentity returns an error matching ErrMismatch unless m has this name and a version that the tag may
// name; see MayName. Without a tag, the chart may have any version.
func CheckIdentity(m Metadata, name, tag string) error {
	if m.Name != name {
		return problem.New(ErrMismatch, "the chart is named %q, not %q", m.Name, printable.String(name, maxShown)).
			Fix("set spec.chartName: %s, or correct url", m.Name)
	}
	if !MayName(tag, m.Version) {
		return problem.New(ErrMismatch, "tag %q holds version %q", printable.String(tag, maxShown), m.Version).
			Fix("push each version under its own tag")
	}
	return nil
}
