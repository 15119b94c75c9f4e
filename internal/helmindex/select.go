// SPDX-License-Identifier: Apache-2.0

package helmindex

import (
	"cmp"
	"errors"
	"regexp"
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"

	"github.com/verifiedchart/verifiedchart/internal/chart"
	"github.com/verifiedchart/verifiedchart/internal/printable"
	"github.com/verifiedchart/verifiedchart/internal/problem"
)

// ErrNoMatch is matched by the error for entries of which none is wanted.
var ErrNoMatch = errors.New("no version matches")

// Selection names a version: by its digest, its text, or a range. The first that is set decides.
type Selection struct {
	// Digest is the hex SHA-256 of the archive. If several entries have this digest, Version decides among them. If no
	// entry has it, the other fields decide.
	Digest string
	// Version is the text of the version.
	Version string
	// Range holds the wanted versions. It holds prereleases only if it names one.
	Range *semver.Constraints
	// Filter matches the texts of the versions that a range considers; nil matches all.
	Filter *regexp.Regexp
}

// maxNamed is how many versions a message names.
const maxNamed = 5

// Select returns the wanted entry, or an error that matches ErrNoMatch.
//
// A version is found by its exact text, or else by a text that chart.SameVersion holds for the same: 1.2.3 finds v1.2.3.
// A range finds the highest version in it. As in an OCI repository, it considers only the versions that strict semver
// reads: v1.2.3, but not 1.2.
//
// If a version stands twice, the entry that was created later wins, as in Flux, or else the one that stands first. Of
// versions that differ only in build metadata, which have no order, the later one wins too, or else the last in the
// alphabet. So the result does not depend on the order of the entries, unless they agree in version and date.
func Select(entries []Entry, want Selection) (Entry, error) {
	var best *Entry
	if want.Digest != "" {
		hasDigest := func(e Entry) bool { return e.Digest == want.Digest }
		if best = ofVersion(entries, want.Version, hasDigest); best == nil {
			best = latest(entries, hasDigest)
		}
	}
	switch {
	case best != nil:
	case want.Version != "":
		best = ofVersion(entries, want.Version, func(Entry) bool { return true })
	case want.Range != nil:
		best = highest(entries, want)
	}
	if best == nil {
		return Entry{}, noMatch(entries, want)
	}
	return *best, nil
}

// ofVersion returns the matching entry with a version that was created last: with its exact text, or else with the same version.
func ofVersion(entries []Entry, version string, matches func(Entry) bool) *Entry {
	if best := latest(entries, func(e Entry) bool { return e.Version == version && matches(e) }); best != nil {
		return best
	}
	return latest(entries, func(e Entry) bool { return chart.SameVersion(e.Version, version) && matches(e) })
}

// latest returns the matching entry that was created last.
func latest(entries []Entry, matches func(Entry) bool) *Entry {
	var best *Entry
	for i := range entries {
		if e := &entries[i]; matches(*e) && (best == nil || compareDates(*e, *best) > 0) {
			best = e
		}
	}
	return best
}

// highest returns the entry with the highest version in the range.
func highest(entries []Entry, want Selection) *Entry {
	var best *Entry
	var bestVersion *semver.Version
	for i := range entries {
		e := &entries[i]
		version, ok := chart.TagVersion(e.Version)
		if !ok || want.Filter != nil && !want.Filter.MatchString(e.Version) || !want.Range.Check(version) {
			continue
		}
		if best == nil || cmp.Or(version.Compare(bestVersion), compareDates(*e, *best)) > 0 {
			best, bestVersion = e, version
		}
	}
	return best
}

// compareDates orders two entries with equal versions: by the date of their creation, and then by their texts.
func compareDates(a, b Entry) int {
	return cmp.Or(a.Created.Compare(b.Created), strings.Compare(a.Version, b.Version))
}

func noMatch(entries []Entry, want Selection) error {
	fix := "the index has no usable version of the chart"
	if names := newest(entries); len(names) > 0 {
		fix = "newest versions: " + strings.Join(names, ", ")
	}
	if want.Version == "" && want.Range == nil {
		return problem.New(ErrNoMatch, "no version in the index has the digest %s", printable.String(want.Digest, maxShown)).
			Fix("set ref.tag beside ref.digest, because the index may state no digests; %s", fix)
	}
	if want.Version != "" {
		return problem.New(ErrNoMatch, "version %q not found in the index", printable.String(want.Version, maxShown)).Fix("correct ref.tag; %s", fix)
	}
	filter := ""
	if want.Filter != nil && want.Filter.String() != "" {
		filter = " matches the filter and"
	}
	return problem.New(ErrNoMatch, "no version in the index%s is in the range", filter).Fix("correct ref.semver; %s", fix)
}

// newest returns the texts of the highest versions, the highest first.
func newest(entries []Entry) []string {
	type parsed struct {
		text    string
		version *semver.Version
	}
	all := make([]parsed, 0, len(entries))
	for _, e := range entries {
		if version, err := semver.NewVersion(e.Version); err == nil {
			all = append(all, parsed{text: e.Version, version: version})
		}
	}
	slices.SortStableFunc(all, func(a, b parsed) int { return b.version.Compare(a.version) })
	names := make([]string, 0, maxNamed)
	for _, v := range all {
		if len(names) == maxNamed {
			break
		}
		if text := printable.String(v.text, maxShown); !slices.Contains(names, text) {
			names = append(names, text)
		}
	}
	return names
}
