// SPDX-License-Identifier: Apache-2.0

// Package attached finds the manifests that are attached to a subject in a registry: the manifests that refer
// to it, and those under tags that are derived from its digest.
//
// It bounds the bytes that are read, and distinguishes missing manifests from unreadable ones. It does not know
// the content of a manifest, or its purpose.
package attached

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/verifiedchart/verifiedchart/internal/registry"
	"github.com/verifiedchart/verifiedchart/internal/verify"
)

// Found is an attached manifest, or a location that may hold one.
type Found struct {
	// Source is its location, relative to the repository.
	Source string
	// Raw is the manifest as the registry stores it; nil if there is a Problem.
	Raw []byte
	// Problem is a *verify.Refusal if there is nothing usable to read, and any other error if that could not be
	// found out.
	Problem error
}

// Search finds the manifests that are attached to one subject. Use it once.
type Search struct {
	// Subject is the digest of the manifest that the others are attached to.
	Subject digest.Digest
	// Reader reads the repository of the attached manifests.
	Reader registry.Reader
	// In names that repository in Searched if it differs from the repository of the subject.
	In string
	// Preferred reports whether a referrer that is listed with an artifact type is opened before others. It
	// affects only the order.
	Preferred func(artifactType string) bool
	// Prefer lists sources, in the form of Found.Source, that are searched before others if they still exist:
	// those of the signatures that were accepted last. Otherwise, an attacker could hide them by pushing other
	// manifests. It affects only the order.
	Prefer []string

	searched []string
	count    int
	seen     map[digest.Digest]bool
}

// Searched returns the locations that were searched so far.
func (s *Search) Searched() []string { return s.searched }

// Tag returns the tag that is derived from a digest.
func Tag(d digest.Digest) string { return strings.ReplaceAll(d.String(), ":", "-") }

// All yields the attached manifests one by one, so that no more is read than needed: the referrers, and the
// manifests under the given tags. If a registry is known to lack the referrers API, the API is asked last.
// Every location is searched in the end, because a registry may have added the API after referrers were pushed.
// At most verify.MaxCandidates manifests are opened.
func (s *Search) All(ctx context.Context, tags ...string) iter.Seq[Found] {
	s.seen = map[digest.Digest]bool{}
	return func(yield func(Found) bool) {
		var locations []location
		for _, tag := range tags {
			under := func(ctx context.Context, yield func(Found) bool) bool { return s.tag(ctx, tag, yield) }
			if !s.prefers("tag " + tag) {
				locations = append(locations, under)
			} else if !under(ctx, yield) {
				return
			}
		}
		known := s.Reader.LacksReferrers()
		if !known && !s.referrers(ctx, yield) {
			return
		}
		if s.Reader.LacksReferrers() {
			locations = slices.Insert(locations, 0, s.referrersTag)
		} else {
			locations = append(locations, s.referrersTag)
		}
		if known {
			locations = append(locations, s.referrers)
		}
		for _, search := range locations {
			if !search(ctx, yield) {
				return
			}
		}
	}
}

// prefers reports whether a source is searched before others.
func (s *Search) prefers(source string) bool { return slices.Contains(s.Prefer, source) }

// location searches one location, and reports whether to go on.
type location func(ctx context.Context, yield func(Found) bool) bool

// offer yields a found manifest if fewer than verify.MaxCandidates were yielded.
func (s *Search) offer(f Found, yield func(Found) bool) bool {
	if s.count++; s.count > verify.MaxCandidates {
		yield(Found{Source: f.Source, Problem: verify.Refuse("too many candidates: this one and all later ones are ignored, at most %d are considered", verify.MaxCandidates)})
		return false
	}
	return yield(f)
}

// unread yields a manifest that could not be read.
func (s *Search) unread(source string, err error, yield func(Found) bool) bool {
	return s.offer(Found{Source: source, Problem: Unread(source, err)}, yield)
}

// isWithheld reports whether a registry refuses to show a location beside a subject that it shows to the same
// credentials. JFrog answers 403 for a tag that does not exist, and other registries 401 for an API that they
// lack. In a repository of its own, the credentials may be at fault.
func (s *Search) isWithheld(err error) bool {
	return s.In == "" && errors.Is(err, registry.ErrWithheld)
}

// withheld yields a location that the registry refuses to show.
func (s *Search) withheld(source string, yield func(Found) bool) bool {
	return s.offer(Found{Source: source, Problem: &verify.Refusal{
		Reason:   "the registry refuses access: it does not exist, or these credentials may not read it",
		Short:    "no signature in the locations that the registry shows",
		Withheld: true,
	}}, yield)
}

// Unread returns why a Reader did not return something. It returns a *verify.Refusal if this is a verdict on
// pushed material that a retry does not change: an attacker who may push must not be able to delay the verdict
// forever. Any other error means that there might have been a signature. It names the source, unless that is empty because
// err names it.
func Unread(source string, err error) error {
	var refused *verify.Refusal
	switch {
	case errors.As(err, &refused):
		return refused
	case errors.Is(err, registry.ErrNotFound):
		return &verify.Refusal{Reason: "it is listed, but not in the registry"}
	case errors.Is(err, registry.ErrDescriptor):
		return &verify.Refusal{Reason: "it is listed with an invalid digest or size"}
	case errors.Is(err, registry.ErrTooLarge):
		return &verify.Refusal{Reason: "it is too large"}
	}
	if source == "" {
		return err
	}
	return fmt.Errorf("read %s: %w", source, err)
}

// referrers yields the manifests that the referrers API lists.
func (s *Search) referrers(ctx context.Context, yield func(Found) bool) bool {
	source := "referrers of " + s.Subject.String()
	list, err := s.Reader.Referrers(ctx, s.Subject)
	if errors.Is(err, registry.ErrNotFound) {
		return true
	}
	s.record(source)
	switch {
	case s.isWithheld(err):
		return s.withheld(source, yield)
	case err != nil:
		return s.unread(source, err, yield)
	}
	if !s.list(ctx, list.Descriptors, yield) {
		return false
	}
	if list.More {
		return s.offer(Found{Source: source, Problem: &verify.Refusal{Reason: "there are too many referrers: the last ones are not read"}}, yield)
	}
	return true
}

// referrersTag yields the manifests listed by the index under the tag sha256-<hex> (distribution-spec 1.1,
// "Referrers Tag Schema"). They are opened whatever their artifactType: some registries and tools write none,
// or the type of the configuration.
func (s *Search) referrersTag(ctx context.Context, yield func(Found) bool) bool {
	tag := Tag(s.Subject)
	index, found, more := s.resolve(ctx, tag, yield)
	if !found {
		return more
	}
	list, err := registry.ParseReferrers(index.Raw)
	if err != nil {
		return s.offer(Found{Source: "tag " + tag, Problem: &verify.Refusal{Reason: "it is not an image index"}}, yield)
	}
	return s.list(ctx, list.Descriptors, yield)
}

// tag yields the manifest under a tag.
func (s *Search) tag(ctx context.Context, tag string, yield func(Found) bool) bool {
	manifest, found, more := s.resolve(ctx, tag, yield)
	if !found || s.seen[manifest.Descriptor.Digest] {
		return more
	}
	s.seen[manifest.Descriptor.Digest] = true
	return s.offer(Found{Source: "tag " + tag, Raw: manifest.Raw}, yield)
}

// resolve returns the manifest under a tag. It reports whether there is one, and whether to go on.
func (s *Search) resolve(ctx context.Context, tag string, yield func(Found) bool) (m registry.Manifest, found, more bool) {
	s.record("tag " + tag)
	manifest, err := s.Reader.Resolve(ctx, tag)
	switch {
	case errors.Is(err, registry.ErrNotFound):
		return m, false, true
	case s.isWithheld(err):
		return m, false, s.withheld("tag "+tag, yield)
	case err != nil:
		return m, false, s.unread("tag "+tag, err, yield)
	}
	return manifest, true, true
}

// maxListed bounds the listed size of a referrer that is read, in bytes: the manifest of a signature has less
// than 64 KiB.
const maxListed = 1 << 20

// list yields the manifests of a list in this order: the sources in Prefer, the types that Preferred reports,
// the manifests without a type, the others. The listed type proves nothing. Within a group, manifests are
// ordered by size, so that large ones do not use up the limit, and then by digest, because some registries
// change the order each time, and the result must not depend on it.
func (s *Search) list(ctx context.Context, descriptors []ocispec.Descriptor, yield func(Found) bool) bool {
	rank := func(d ocispec.Descriptor) int {
		switch {
		case s.prefers("referrer " + d.Digest.String()):
			return 0
		case s.Preferred(d.ArtifactType):
			return 1
		case d.ArtifactType == "" || d.ArtifactType == ocispec.MediaTypeEmptyJSON:
			return 2
		}
		return 3
	}
	ordered := slices.SortedFunc(slices.Values(descriptors), func(a, b ocispec.Descriptor) int {
		return cmp.Or(rank(a)-rank(b), cmp.Compare(a.Size, b.Size), strings.Compare(a.Digest.String(), b.Digest.String()))
	})
	for _, d := range ordered {
		if !s.listed(ctx, d, yield) {
			return false
		}
	}
	return true
}

// listed yields a listed manifest.
func (s *Search) listed(ctx context.Context, d ocispec.Descriptor, yield func(Found) bool) bool {
	if s.seen[d.Digest] {
		return true
	}
	source := "referrer " + d.Digest.String()
	if s.count >= verify.MaxCandidates {
		return s.offer(Found{Source: source}, yield)
	}
	if d.Size > maxListed {
		return s.offer(Found{Source: source, Problem: &verify.Refusal{Reason: "it is too large"}}, yield)
	}
	s.seen[d.Digest] = true // mark only manifests that are read: the listed size may be false
	manifest, err := s.Reader.Manifest(ctx, d.Digest)
	if err != nil {
		return s.unread(source, err, yield)
	}
	return s.offer(Found{Source: source, Raw: manifest.Raw}, yield)
}

func (s *Search) record(source string) {
	if s.In != "" {
		source += " in " + s.In
	}
	s.searched = append(s.searched, source)
}
