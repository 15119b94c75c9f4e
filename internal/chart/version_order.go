// SPDX-License-Identifier: Apache-2.0

package chart

import (
	"cmp"
	"strings"
)

// CompareVersions returns the order of two versions, or tags of versions: -1 if
// a is less, 1 if a is greater, 0 if neither is. It orders as semver does, and
// also texts that strict semver does not read: the numbers may have leading
// zeros, any length and any count (1.2 is 1.2.0). Build metadata is ignored.
// If either text does not begin like a version, ok is false.
func CompareVersions(a, b string) (order int, ok bool) {
	x, okX := parseVersion(a)
	y, okY := parseVersion(b)
	if !okX || !okY {
		return 0, false
	}
	return cmp.Or(compareParts(x.parts, y.parts), comparePreReleases(x, y)), true
}

// compareParts compares the numbers of two versions; a missing number is 0.
func compareParts(a, b []string) int {
	for i := range max(len(a), len(b)) {
		if order := compareNumbers(partAt(a, i), partAt(b, i)); order != 0 {
			return order
		}
	}
	return 0
}

func partAt(parts []string, i int) string {
	if i < len(parts) {
		return parts[i]
	}
	return "0"
}

// compareNumbers compares decimal numbers as texts, since they may exceed any integer type.
func compareNumbers(a, b string) int {
	a, b = strings.TrimLeft(a, "0"), strings.TrimLeft(b, "0")
	return cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b))
}

// comparePreReleases compares two versions with equal numbers: a pre-release is
// less than the release, and pre-releases are compared by their identifiers.
func comparePreReleases(a, b versionText) int {
	switch {
	case !a.isPreRelease() && !b.isPreRelease():
		return 0
	case !a.isPreRelease():
		return 1
	case !b.isPreRelease():
		return -1
	}
	x, y := a.identifiers(), b.identifiers()
	for i := range min(len(x), len(y)) {
		if order := compareIdentifiers(x[i], y[i]); order != 0 {
			return order
		}
	}
	return cmp.Compare(len(x), len(y))
}

// identifiers returns the parts of the pre-release.
func (v versionText) identifiers() []string {
	preRelease, _, _ := strings.Cut(strings.TrimPrefix(v.suffix, "-"), "+")
	return strings.Split(preRelease, ".")
}

// compareIdentifiers compares numbers as numbers and other texts as texts; a
// number is less than any other text.
func compareIdentifiers(a, b string) int {
	switch numberA, numberB := isNumber(a), isNumber(b); {
	case numberA && numberB:
		return compareNumbers(a, b)
	case numberA:
		return -1
	case numberB:
		return 1
	}
	return strings.Compare(a, b)
}

func isNumber(text string) bool { return text != "" && strings.Trim(text, "0123456789") == "" }
