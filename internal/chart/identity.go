// SPDX-License-Identifier: Apache-2.0

package chart

import (
	"fmt"

	"github.com/verifiedchart/verifiedchart/internal/printable"
)

// CheckIdentity returns an error matching ErrMismatch unless m is the chart of
// that name, and of a version that the tag may name; see MayName. Without a tag,
// the chart may have any version.
func CheckIdentity(m Metadata, name, tag string) error {
	if m.Name != name {
		return fmt.Errorf("%w: asked for the chart %q, got %q; set spec.chartName if the repository is named otherwise",
			ErrMismatch, printable.String(name, maxShown), m.Name)
	}
	if !MayName(tag, m.Version) {
		return fmt.Errorf("%w: tag %q holds version %q of the chart %q: push each version under its own tag",
			ErrMismatch, printable.String(tag, maxShown), m.Version, m.Name)
	}
	return nil
}
