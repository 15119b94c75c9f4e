package pipeline

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/Masterminds/semver/v3"

	"github.com/verifiedchart/verifiedchart/internal/chart"
	"github.com/verifiedchart/verifiedchart/internal/registry"
)

var (
	// ErrNoMatch is matched by the error for a range that no tag is in.
	ErrNoMatch = errors.New("no tag matches")
	// ErrReference is matched by the error for a range or filter that cannot be parsed.
	ErrReference = errors.New("the reference is malformed")
)

// maxNamed is how many tags a message names.
const maxNamed = 10

// Resolve finds out, in one request or with a range in two, what w names now.
// It is the only step that a tag goes into; digests go on. What a tag names is
// never recalled, only what a digest does, which cannot have changed.
func Resolve(ctx context.Context, r *registry.Remembering, w Wanted) (Resolved, error) {
	if w.Digest != "" {
		manifest, err := r.Manifest(ctx, w.Digest)
		if err != nil {
			return Resolved{}, failed(StepResolve, err)
		}
		return Resolved{Manifest: manifest}, nil
	}
	tag := tagOf(w.Tag)
	if w.SemVer != "" {
		var err error
		if tag, err = greatest(ctx, r.Live(), w); err != nil {
			return Resolved{}, failed(StepResolve, err)
		}
	}
	manifest, err := r.Live().Resolve(ctx, tag)
	if err != nil {
		return Resolved{}, failed(StepResolve, err)
	}
	r.Remember(manifest)
	return Resolved{Tag: tag, Manifest: manifest}, nil
}

// tagOf writes a version as Helm does in a registry, where `+` is not allowed.
func tagOf(version string) string { return strings.ReplaceAll(version, "+", "_") }

// greatest returns the tag with the greatest version in the range.
func greatest(ctx context.Context, r registry.Reader, w Wanted) (string, error) {
	constraint, err := semver.NewConstraint(w.SemVer)
	if err != nil {
		return "", fmt.Errorf("%w: ref.semver %q: %w", ErrReference, w.SemVer, err)
	}
	filter, err := regexp.Compile(w.SemverFilter)
	if err != nil {
		return "", fmt.Errorf("%w: ref.semverFilter %q: %w", ErrReference, w.SemverFilter, err)
	}
	tags, err := r.Tags(ctx)
	if err != nil {
		return "", err
	}
	var best *semver.Version
	bestTag := ""
	var seen []string
	for _, tag := range tags {
		version, ok := chart.TagVersion(tag)
		if !ok {
			continue
		}
		seen = append(seen, tag)
		if !filter.MatchString(tag) || !constraint.Check(version) {
			continue
		}
		if best == nil || version.GreaterThan(best) || (version.Equal(best) && tag > bestTag) {
			best, bestTag = version, tag
		}
	}
	if best == nil {
		return "", fmt.Errorf("%w: %s has no version in %q%s: %s", ErrNoMatch, w.Repository, w.SemVer, filtered(w), named(seen, len(tags)))
	}
	return bestTag, nil
}

func filtered(w Wanted) string {
	if w.SemverFilter == "" {
		return ""
	}
	return fmt.Sprintf(" that matches %q", w.SemverFilter)
}

// named says which versions there are, bounded; the last of the list are the likeliest to be new.
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

// IsDowngrade says whether version is less than published. Where either is not
// a semantic version nothing is said.
func IsDowngrade(published, version string) bool {
	from, err := semver.StrictNewVersion(published)
	if err != nil {
		return false
	}
	to, err := semver.StrictNewVersion(version)
	return err == nil && to.LessThan(from)
}
