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

// Resolve returns the manifest that w names now. It makes at most one request, or two for a range.
// If a tag is missing, it also lists the tags to name some in the error. Only this step
// reads a tag: later steps use the digest. Resolve never takes the digest of a tag from the
// cache, only the manifest of a digest, which cannot change.
func Resolve(ctx context.Context, r *registry.CachingReader, w Request) (Resolved, error) {
	if w.Digest != "" {
		manifest, err := r.Manifest(ctx, w.Digest)
		if err != nil {
			return Resolved{}, failed(StepResolve, err)
		}
		return Resolved{Manifest: manifest}, nil
	}
	tag := chart.TagOf(w.Tag)
	if w.SemVer != "" {
		var err error
		if tag, err = highestTag(ctx, r.Uncached(), w); err != nil {
			return Resolved{}, failed(StepResolve, err)
		}
	}
	manifest, err := r.Current(ctx, tag)
	if errors.Is(err, registry.ErrNotFound) && w.SemVer == "" {
		err = absent(ctx, r.Uncached(), w, tag, err)
	}
	if err != nil {
		return Resolved{}, failed(StepResolve, err)
	}
	return Resolved{Tag: tag, Manifest: manifest}, nil
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

// highest returns the tag with the highest selected version, or an empty tag, and all
// tags that are versions. Of tags with the same version it returns the last in the
// alphabet, so that the result does not depend on their order.
func (v versions) highest(tags []string) (tag string, seen []string) {
	var best *semver.Version
	for _, t := range tags {
		version, ok := chart.TagVersion(t)
		if !ok {
			continue
		}
		seen = append(seen, t)
		if v.filter.MatchString(t) && v.within.Check(version) && isHigher(version, t, best, tag) {
			best, tag = version, t
		}
	}
	return tag, seen
}

func isHigher(version *semver.Version, tag string, best *semver.Version, bestTag string) bool {
	if best == nil {
		return true
	}
	order := version.Compare(best)
	return order > 0 || (order == 0 && tag > bestTag)
}

// highestTag returns the tag with the highest version in the range.
func highestTag(ctx context.Context, r registry.Reader, w Request) (string, error) {
	selected, err := newVersions(w)
	if err != nil {
		return "", err
	}
	tags, err := r.Tags(ctx)
	if err != nil {
		return "", err
	}
	tag, seen := selected.highest(tags)
	if tag == "" {
		return "", problem.New(ErrNoMatch, "no version in %q%s", w.SemVer, filtered(w)).Fix("%s: %s", w.Repository, named(seen, len(tags)))
	}
	return tag, nil
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
