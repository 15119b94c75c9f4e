package chart

import (
	"fmt"
	"strings"

	"github.com/Masterminds/semver/v3"

	"github.com/verifiedchart/verifiedchart/internal/printable"
)

// CheckIdentity returns an error matching ErrMismatch unless m is the chart of
// that name and, where tag is a version, of that version. A tag is a version if
// it has all three parts, as `helm push` makes it, with '_' for '+' and perhaps
// a leading 'v'; any other tag, such as "latest" or "1.2", and no tag say
// nothing about the version.
func CheckIdentity(m Metadata, name, tag string) error {
	if m.Name != name {
		return fmt.Errorf("%w: asked for the chart %q, got %q; set spec.chartName if the repository is named otherwise",
			ErrMismatch, printable.String(name, maxShown), m.Name)
	}
	want, ok := versionOf(tag)
	if ok && strings.TrimPrefix(m.Version, "v") != want {
		return fmt.Errorf("%w: the tag %q holds the version %q of the chart %q; push each version under its own tag",
			ErrMismatch, printable.String(tag, maxShown), m.Version, m.Name)
	}
	return nil
}

// versionOf returns the version that a tag stands for, without a leading 'v'.
func versionOf(tag string) (string, bool) {
	v := strings.TrimPrefix(strings.ReplaceAll(tag, "_", "+"), "v")
	_, err := semver.StrictNewVersion(v)
	return v, err == nil
}
