// SPDX-License-Identifier: Apache-2.0

// Package attached finds the manifests that are attached to a subject in a
// registry: those that refer to it, and those under tags that are made of its digest.
//
// It bounds what is read, and tells what could not be read from what is not
// there. It does not know what is in a manifest, nor what it is attached for.
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

// Found is a manifest that is attached, or a place where there may be one.
type Found struct {
	// Source is its place, relative to the repository.
	Source string
	// Raw is the manifest, as the registry stores it; nil if there is a Problem.
	Raw []byte
	// Problem is a *verify.Refusal if there is nothing to be read, and another error
	// if it could not be found out.
	Problem error
}

// Search looks for what is attached to one subject, once.
type Search struct {
	// Subject is the digest of the manifest to which others are attached.
	Subject digest.Digest
	// Reader reads the repository in which they are.
	Reader registry.Reader
	// In names that repository in Searched if it is not the subject's.
	In string
	// Preferred reports whether a referrer that is listed with an artifact type is worth
	// being opened before others. It is a matter of order alone.
	Preferred func(artifactType string) bool
	// Prefer are sources, as Found has them, that are looked at before others, if they are still there: those of the
	// signatures that were accepted last, which whoever pushes others must not be able to hide. A matter of order alone.
	Prefer []string

	searched []string
	count    int
	seen     map[digest.Digest]bool
}

// Searched says where was looked, so far.
func (s *Search) Searched() []string { return s.searched }

// Tag is the tag that a digest makes.
func Tag(d digest.Digest) string { return strings.ReplaceAll(d.String(), ":", "-") }

// All yields what is attached, one by one, so that nothing more is read than is
// needed: the referrers, and what stands under the given tags. A registry that
// is known to lack the referrers API is asked for it last; every place is looked at
// in the end, since a registry may have learnt the API after referrers were pushed.
// At most verify.MaxCandidates manifests are opened.
func (s *Search) All(ctx context.Context, tags ...string) iter.Seq[Found] {
	s.seen = map[digest.Digest]bool{}
	return func(yield func(Found) bool) {
		var places []place
		for _, tag := range tags {
			under := func(ctx context.Context, yield func(Found) bool) bool { return s.tag(ctx, tag, yield) }
			if !s.prefers("tag " + tag) {
				places = append(places, under)
			} else if !under(ctx, yield) {
				return
			}
		}
		known := s.Reader.LacksReferrers()
		if !known && !s.referrers(ctx, yield) {
			return
		}
		if s.Reader.LacksReferrers() {
			places = slices.Insert(places, 0, s.referrersTag)
		} else {
			places = append(places, s.referrersTag)
		}
		if known {
			places = append(places, s.referrers)
		}
		for _, look := range places {
			if !look(ctx, yield) {
				return
			}
		}
	}
}

// prefers reports whether a source is to be looked at before others.
func (s *Search) prefers(source string) bool { return slices.Contains(s.Prefer, source) }

// place looks at one place, and reports whether to go on.
type place func(ctx context.Context, yield func(Found) bool) bool

// offer yields what was found while there is room for it.
func (s *Search) offer(f Found, yield func(Found) bool) bool {
	if s.count++; s.count > verify.MaxCandidates {
		yield(Found{Source: f.Source, Problem: verify.Refuse("it and what follows is not considered: at most %d candidates are", verify.MaxCandidates)})
		return false
	}
	return yield(f)
}

// unread offers what was not read.
func (s *Search) unread(source string, err error, yield func(Found) bool) bool {
	return s.offer(Found{Source: source, Problem: Unread(source, err)}, yield)
}

// Unread returns why what a Reader did not give was not read: a *verify.Refusal where
// that is a verdict on what was pushed, which to ask again does not change, since
// whoever may push must not be able to hold up the verdict for ever. Any other error
// means that there might have been something.
func Unread(source string, err error) error {
	var refused *verify.Refusal
	switch {
	case errors.As(err, &refused):
		return refused
	case errors.Is(err, registry.ErrNotFound):
		return &verify.Refusal{Reason: "it is listed, and not in the registry"}
	case errors.Is(err, registry.ErrDescriptor):
		return &verify.Refusal{Reason: "it is listed with a digest or a size that cannot be"}
	case errors.Is(err, registry.ErrTooLarge):
		return &verify.Refusal{Reason: "it is too large"}
	}
	return fmt.Errorf("read %s: %w", source, err)
}

// referrers offers what the referrers API lists.
func (s *Search) referrers(ctx context.Context, yield func(Found) bool) bool {
	source := "referrers of " + s.Subject.String()
	list, err := s.Reader.Referrers(ctx, s.Subject)
	if errors.Is(err, registry.ErrNotFound) {
		return true
	}
	s.look(source)
	if err != nil {
		return s.unread(source, err, yield)
	}
	if !s.list(ctx, list.Descriptors, yield) {
		return false
	}
	if list.More {
		return s.offer(Found{Source: source, Problem: &verify.Refusal{Reason: "there are more referrers than are read"}}, yield)
	}
	return true
}

// referrersTag offers what the index lists that stands under the tag sha256-<hex>
// (distribution-spec 1.1, "Referrers Tag Schema"). Its manifests are opened,
// whatever their artifactType: some registries and tools write none, or that of their configuration.
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

// tag offers the manifest under a tag.
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
	s.look("tag " + tag)
	manifest, err := s.Reader.Resolve(ctx, tag)
	switch {
	case errors.Is(err, registry.ErrNotFound):
		return m, false, true
	case err != nil:
		return m, false, s.unread("tag "+tag, err, yield)
	}
	return manifest, true, true
}

// maxListed bounds a referrer that is read, by its listed size in bytes: the manifest of a signature has less than 64 KiB.
const maxListed = 1 << 20

// list offers the manifests of a list: the preferred ones first, then the likely ones, then those of which
// nothing is known. What a registry lists them as proves nothing. Alike ones are
// ordered by size, so that large ones do not use up what may be read, and then by digest,
// since some registries list them in a different order each time, and the same question has the same answer.
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

// listed offers a listed manifest.
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
	s.seen[d.Digest] = true // what is not read does not count: the size that a list names may be false
	manifest, err := s.Reader.Manifest(ctx, d.Digest)
	if err != nil {
		return s.unread(source, err, yield)
	}
	return s.offer(Found{Source: source, Raw: manifest.Raw}, yield)
}

func (s *Search) look(where string) {
	if s.In != "" {
		where += " in " + s.In
	}
	s.searched = append(s.searched, where)
}
