// SPDX-License-Identifier: Apache-2.0

package chart

import (
	"regexp"
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"
)

// TagOf returns the tag under which `helm push` stores a version: a tag must not
// hold '+', so it has '_' instead.
func TagOf(version string) string { return strings.ReplaceAll(version, "+", "_") }

// SameVersion reports whether two versions, or the tags of versions, are the
// same text, apart from a leading 'v' and '_' for '+'. Versions that semver
// considers equal, such as 1.2.0 and 1.2, or 1.2.3+a and 1.2.3+b, are not.
func SameVersion(a, b string) bool { return plain(a) == plain(b) }

// plain returns the text of a version, or of the tag of a version, with '+' for
// '_' and without a leading 'v'.
func plain(version string) string {
	text := strings.ReplaceAll(version, "_", "+")
	if len(text) > 1 && text[0] == 'v' && '0' <= text[1] && text[1] <= '9' {
		return text[1:]
	}
	return text
}

// TagVersion returns the version of a tag if strict semver reads it: three parts,
// no leading zeros. Ranges consider these tags only.
func TagVersion(tag string) (*semver.Version, bool) {
	version, err := semver.StrictNewVersion(plain(tag))
	return version, err == nil
}

// NamedVersion returns the only version that a chart under this tag may have,
// without a leading 'v'. A tag such as "1.2", which may name many versions, and
// a tag such as "latest", which may name any, have none.
func NamedVersion(tag string) (string, bool) {
	text, ok := parseVersion(tag)
	return plain(tag), ok && !text.isSeries()
}

// MayName reports whether a chart of this version may be stored under the tag.
//
// A tag that does not begin like a version, such as "latest" or the commit id
// "9fceb02", may name any version. Any other tag must be the version, as
// SameVersion has it, or a series that holds it: "1" and "1.2" hold 1.2.3 and
// 1.2.3+build, but not 1.3.0, 1.20.0 or the pre-release 1.2.3-rc.1.
//
// A series holds no pre-releases: Helm's ranges exclude them unless asked, and
// the usual tools move a tag such as "1.2" only at a release, so a user of "1.2"
// does not expect one. To get a pre-release, ask for its full version.
//
// The parts are compared as texts, whether or not semver reads them: "2024.02"
// holds 2024.02.0, but not 2024.2.0.
func MayName(tag, version string) bool {
	t, ok := parseVersion(tag)
	if !ok || SameVersion(tag, version) {
		return true
	}
	v, ok := parseVersion(version)
	return ok && t.isSeries() && !v.isPreRelease() &&
		len(t.parts) < len(v.parts) && slices.Equal(t.parts, v.parts[:len(t.parts)])
}

// versionFormat matches a text that begins like a version: numbers with dots
// between them, then nothing, a pre-release or build metadata.
var versionFormat = regexp.MustCompile(`(?s)^(\d+(?:\.\d+)*)([-+].*)?$`)

// fullParts is the number of parts of a version that is written in full.
const fullParts = 3

// versionText is a version that strict semver may not read.
type versionText struct {
	parts  []string // the numbers, of any length and count, as they are written
	suffix string   // the rest of the text, which begins with '-' or '+'; may be empty
}

// parseVersion splits the text of a version, or of the tag of a version.
func parseVersion(text string) (versionText, bool) {
	m := versionFormat.FindStringSubmatch(plain(text))
	if m == nil {
		return versionText{}, false
	}
	return versionText{parts: strings.Split(m[1], "."), suffix: m[2]}, true
}

// isSeries reports whether a tag with this text may name several versions.
func (v versionText) isSeries() bool { return v.suffix == "" && len(v.parts) < fullParts }

func (v versionText) isPreRelease() bool { return strings.HasPrefix(v.suffix, "-") }
