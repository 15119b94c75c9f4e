// SPDX-License-Identifier: Apache-2.0

package pipeline

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"

	"github.com/verifiedchart/verifiedchart/internal/chart"
	"github.com/verifiedchart/verifiedchart/internal/pattern"
	"github.com/verifiedchart/verifiedchart/internal/problem"
	"github.com/verifiedchart/verifiedchart/internal/registry"
)

var (
	// ErrNoMatch is matched by the error for a range that holds no tag.
	ErrNoMatch = errors.New("no tag matches")
	// ErrReference is matched by the error for a range or filter that cannot be parsed.
	ErrReference = errors.New("the reference is malformed")
)

// maxNamed is how many tags a message names.
const maxNamed = 10

// maxSpellings is how many tags that spell one version are read to find the one that is a chart.
const maxSpellings = 4

// Resolve returns the manifest that w names now. It makes at most one request, or two for a range.
// If several tags spell the highest version of a range, it may read more of them, at most maxSpellings.
// If a tag is missing, it also lists the tags to name some in the error. Only this step
// reads a tag: later steps use the digest. Resolve never takes the digest of a tag from the
// cache, only the manifest of a digest, which cannot change.
func Resolve(ctx context.Context, r *registry.CachingReader, w Request) (Resolved, error) {
	resolved, err := resolve(ctx, r, w)
	if err != nil {
		return Resolved{}, failed(StepResolve, err)
	}
	return resolved, nil
}

func resolve(ctx context.Context, r *registry.CachingReader, w Request) (Resolved, error) {
	switch {
	case w.Digest != "":
		manifest, err := r.Manifest(ctx, w.Digest)
		return Resolved{Manifest: manifest}, err
	case w.SemVer != "":
		tags, err := highestTags(ctx, r.Uncached(), w)
		if err != nil {
			return Resolved{}, err
		}
		return firstChart(ctx, r, tags)
	}
	tag := chart.TagOf(w.Tag)
	manifest, err := r.Current(ctx, tag)
	if errors.Is(err, registry.ErrNotFound) {
		err = absent(ctx, r.Uncached(), w, tag, err)
	}
	return Resolved{Tag: tag, Manifest: manifest}, err
}

// firstChart returns the first of the tags, all of one version, that names the manifest of a chart. If there is none among the
// tags that it reads, it returns the first tag or its error. A tag that could not be read may be a chart, and ends the search.
func firstChart(ctx context.Context, r *registry.CachingReader, tags []string) (Resolved, error) {
	var first Resolved
	var firstErr error
	for i, tag := range tags[:min(len(tags), maxSpellings)] {
		manifest, err := r.Tagged(ctx, tag)
		if err != nil && !errors.Is(err, registry.ErrNotFound) {
			return Resolved{}, err
		}
		resolved := Resolved{Tag: tag, Manifest: manifest}
		if err == nil && isChart(manifest) {
			r.Add(manifest)
			return resolved, nil
		}
		if i == 0 {
			first, firstErr = resolved, err
		}
	}
	if firstErr == nil {
		r.Add(first.Manifest)
	}
	return first, firstErr
}

func isChart(m registry.Manifest) bool {
	_, err := chart.ParseManifest(m.Raw)
	return err == nil
}

// absent returns an error that explains why a tag was not found: it names the newest tags of the repository, or says that the
// repository does not exist. If the tags cannot be listed, it returns the error unchanged.
func absent(ctx context.Context, r registry.Reader, w Request, tag string, notFound error) error {
	tags, err := r.Tags(ctx)
	switch {
	case errors.Is(err, registry.ErrNotFound):
		return problem.New(nil, "repository %s not found", w.Repository).
			Fix("correct url; if the repository is private, set secretRef to credentials that may read the repository").Because(notFound)
	case err != nil:
		return notFound
	}
	names := newest(tags)
	if len(names) == 0 {
		return notFound
	}
	return problem.New(nil, "tag %s not found in %s", tag, w.Repository).
		Fix("correct ref.tag; newest tags: %s", strings.Join(names, ", ")).Because(notFound)
}

// maxNewest is how many of the newest tags a message names.
const maxNewest = 5

// signatureTag matches the tags under which cosign and the referrers tag schema keep signatures.
var signatureTag = regexp.MustCompile(`^sha(256|512)-[0-9a-f]{32,128}(\.[a-z]+)?$`)

// newest returns the tags with the highest versions, the highest first; tags that are no versions come last, in the reverse order
// of the alphabet. Tags of signatures are left out.
func newest(tags []string) []string {
	type tagged struct {
		tag     string
		version *semver.Version // nil if the tag is no version
	}
	all := make([]tagged, 0, len(tags))
	for _, tag := range tags {
		if signatureTag.MatchString(tag) {
			continue
		}
		version, _ := chart.TagVersion(tag)
		all = append(all, tagged{tag: tag, version: version})
	}
	slices.SortFunc(all, func(a, b tagged) int {
		switch {
		case a.version != nil && b.version != nil:
			return b.version.Compare(a.version)
		case a.version != nil:
			return -1
		case b.version != nil:
			return 1
		}
		return strings.Compare(b.tag, a.tag)
	})
	names := make([]string, 0, maxNewest)
	for _, t := range all[:min(len(all), maxNewest)] {
		names = append(names, t.tag)
	}
	return names
}

// versions selects among tags by a range and a filter.
type versions struct {
	within *semver.Constraints
	filter *regexp.Regexp
}

func newVersions(w Request) (versions, error) {
	within, err := semver.NewConstraint(w.SemVer)
	if err != nil {
		return versions{}, problem.New(ErrReference, "ref.semver %q is no range", w.SemVer).Fix(`write one such as ">=1.0.0 <2.0.0", "1.x" or "*"`).Because(err)
	}
	filter, err := pattern.Compile(w.SemverFilter)
	if err != nil {
		return versions{}, problem.New(ErrReference, "ref.semverFilter %q is no regular expression", w.SemverFilter).Fix("%v", err).Because(err)
	}
	return versions{within: within, filter: filter}, nil
}

// highest returns the tags with the highest selected version, and all tags that are versions. Tags with
// the same version come in the reverse order of the alphabet, so that the result does not depend on the
// order of the list.
func (v versions) highest(tags []string) (highest, seen []string) {
	var best *semver.Version
	for _, t := range tags {
		version, ok := chart.TagVersion(t)
		if !ok {
			continue
		}
		seen = append(seen, t)
		if !v.filter.MatchString(t) || !v.within.Check(version) {
			continue
		}
		switch order := compare(version, best); {
		case order > 0:
			best, highest = version, []string{t}
		case order == 0:
			highest = append(highest, t)
		}
	}
	slices.SortFunc(highest, func(a, b string) int { return strings.Compare(b, a) })
	return slices.Compact(highest), seen
}

// compare compares a version with the best one, which is nil at first.
func compare(version, best *semver.Version) int {
	if best == nil {
		return 1
	}
	return version.Compare(best)
}

// highestTags returns the tags with the highest version in the range.
func highestTags(ctx context.Context, r registry.Reader, w Request) ([]string, error) {
	selected, err := newVersions(w)
	if err != nil {
		return nil, err
	}
	tags, err := r.Tags(ctx)
	if err != nil {
		return nil, err
	}
	highest, seen := selected.highest(tags)
	if len(highest) == 0 {
		return nil, problem.New(ErrNoMatch, "no version in %q%s", w.SemVer, filtered(w)).Fix("%s: %s", w.Repository, named(seen, len(tags)))
	}
	return highest, nil
}

func filtered(w Request) string {
	if w.SemverFilter == "" {
		return ""
	}
	return fmt.Sprintf(" that matches %q", w.SemverFilter)
}

// named lists the existing versions for a message, at most maxNamed of them: the last in the list, since they are the likeliest to be new.
func named(versions []string, tags int) string {
	switch n := len(versions); {
	case n == 0:
		return fmt.Sprintf("none of its %d tags is a semantic version", tags)
	case n > maxNamed:
		return fmt.Sprintf("its versions are …, %s (%d in all)", strings.Join(versions[n-maxNamed:], ", "), n)
	default:
		return "its versions are " + strings.Join(versions, ", ")
	}
}

// InRange reports whether a version, or the tag of a version, is in the requested
// range. A version that strict semver does not read is in no range.
func InRange(w Request, version string) bool {
	within, err := semver.NewConstraint(w.SemVer)
	if err != nil {
		return false
	}
	parsed, ok := chart.TagVersion(version)
	return ok && within.Check(parsed)
}

// IsDowngrade reports whether a version, or its tag, is less than the published
// version. Versions that strict semver does not read are also ordered; see
// chart.CompareVersions. Texts without an order, such as "latest", are no
// downgrade: nothing shows that one of them is older, and a rejection would keep
// the chart from ever being replaced. A tag such as "1.2" is read as the version
// 1.2, so a caller that knows Chart.yaml's version passes that.
func IsDowngrade(published, version string) bool {
	order, ok := chart.CompareVersions(version, published)
	return ok && order < 0
}
