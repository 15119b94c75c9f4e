package cosign

import (
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
	"github.com/verifiedchart/verifiedchart/internal/verify/bundle"
)

// discovery finds what may be a signature of a subject, where cosign keeps them.
type discovery struct {
	subject verify.Subject
	reader  registry.Reader
	in      string // another repository, or empty
	looked  []string
	count   int
	seen    map[digest.Digest]bool
}

// candidates yields what may be a signature, one by one, so that nothing more is
// read than is needed. Where cosign writes now is looked at first, and a registry
// that is known to lack the referrers API is asked for it last; every place is
// looked at before anything is refused, since a registry may have learnt the API after signatures were pushed.
func (d *discovery) candidates(ctx context.Context) iter.Seq[candidate] {
	d.seen = map[digest.Digest]bool{}
	return func(yield func(candidate) bool) {
		known := d.reader.LacksReferrers()
		if !known && !d.referrers(ctx, yield) {
			return
		}
		places := []func(context.Context, func(candidate) bool) bool{d.signatureTag, d.referrersTag}
		if d.reader.LacksReferrers() {
			slices.Reverse(places)
		}
		if known {
			places = append(places, d.referrers)
		}
		for _, look := range places {
			if !look(ctx, yield) {
				return
			}
		}
	}
}

// offer yields a candidate while there is room for it. It says whether to go on.
func (d *discovery) offer(c candidate, yield func(candidate) bool) bool {
	if d.count++; d.count > verify.MaxCandidates {
		c.problem = refuse("it and what follows is not considered: at most %d candidates are", verify.MaxCandidates)
		yield(c)
		return false
	}
	return yield(c)
}

// unread offers what could not be read: it might have been a signature.
func (d *discovery) unread(source string, err error, yield func(candidate) bool) bool {
	return d.offer(candidate{source: source, format: otherFormat, problem: fmt.Errorf("read %s: %w", source, err)}, yield)
}

// referrers offers what the referrers API lists, the likely ones first.
func (d *discovery) referrers(ctx context.Context, yield func(candidate) bool) bool {
	source := "referrers of " + d.subject.Manifest.Digest.String()
	list, err := d.reader.Referrers(ctx, d.subject.Manifest.Digest)
	if errors.Is(err, registry.ErrNotFound) {
		return true
	}
	d.look(source)
	if err != nil {
		return d.unread(source, err, yield)
	}
	for _, referrer := range likelyFirst(list.Descriptors) {
		if !d.referrer(ctx, referrer, yield) {
			return false
		}
	}
	if list.More {
		return d.offer(candidate{source: source, format: otherFormat, problem: refuse("there are more referrers than are read")}, yield)
	}
	return true
}

// likelyFirst returns those first that are listed as signatures, then those of
// which nothing is known. It is a matter of order alone: what a registry lists
// them as proves nothing. Alike ones are ordered by digest, since some registries
// list them in another order each time, and the same question has the same answer.
func likelyFirst(descriptors []ocispec.Descriptor) []ocispec.Descriptor {
	descriptors = slices.SortedFunc(slices.Values(descriptors), func(a, b ocispec.Descriptor) int {
		return strings.Compare(a.Digest.String(), b.Digest.String())
	})
	var likely, unknown, other []ocispec.Descriptor
	for _, d := range descriptors {
		switch {
		case isBundle(d.ArtifactType) || d.ArtifactType == experimentalArtifactType:
			likely = append(likely, d)
		case d.ArtifactType == "" || d.ArtifactType == ocispec.MediaTypeEmptyJSON:
			unknown = append(unknown, d)
		default:
			other = append(other, d)
		}
	}
	return append(append(likely, unknown...), other...)
}

// referrersTag offers what the index lists that stands under the tag sha256-<hex>
// (distribution-spec 1.1, "Referrers Tag Schema"). Its manifests are opened,
// whatever their artifactType: some registries and tools write none, or that of their configuration.
func (d *discovery) referrersTag(ctx context.Context, yield func(candidate) bool) bool {
	tag := tagOf(d.subject.Manifest.Digest)
	index, found, more := d.tag(ctx, tag, yield)
	if !found {
		return more
	}
	list, err := registry.ParseReferrers(index.Raw)
	if err != nil {
		return d.offer(candidate{source: "tag " + tag, format: otherFormat, problem: refuse("it is not an image index")}, yield)
	}
	for _, referrer := range likelyFirst(list.Descriptors) {
		if !d.referrer(ctx, referrer, yield) {
			return false
		}
	}
	return true
}

// signatureTag offers the legacy signatures, which stand under the tag sha256-<hex>.sig.
func (d *discovery) signatureTag(ctx context.Context, yield func(candidate) bool) bool {
	tag := tagOf(d.subject.Manifest.Digest) + ".sig"
	manifest, found, more := d.tag(ctx, tag, yield)
	if !found || d.seen[manifest.Descriptor.Digest] {
		return more
	}
	return d.layers(manifest, "tag "+tag, yield)
}

// tag returns the manifest under a tag. It says whether there is one, and whether to go on.
func (d *discovery) tag(ctx context.Context, tag string, yield func(candidate) bool) (m registry.Manifest, found, more bool) {
	d.look("tag " + tag)
	manifest, err := d.reader.Resolve(ctx, tag)
	switch {
	case errors.Is(err, registry.ErrNotFound):
		return m, false, true
	case err != nil:
		return m, false, d.unread("tag "+tag, err, yield)
	}
	return manifest, true, true
}

// referrer offers what a listed manifest holds.
func (d *discovery) referrer(ctx context.Context, listed ocispec.Descriptor, yield func(candidate) bool) bool {
	if d.seen[listed.Digest] {
		return true
	}
	d.seen[listed.Digest] = true
	source := "referrer " + listed.Digest.String()
	if err := listed.Digest.Validate(); err != nil {
		return d.offer(candidate{source: "referrer", format: otherFormat, problem: refuse("its digest is malformed")}, yield)
	}
	if d.count >= verify.MaxCandidates {
		return d.offer(candidate{source: source, format: otherFormat}, yield)
	}
	manifest, err := d.reader.Manifest(ctx, listed.Digest)
	switch {
	case errors.Is(err, registry.ErrNotFound):
		return d.offer(candidate{source: source, format: otherFormat, problem: refuse("it is listed, and not in the registry")}, yield)
	case err != nil:
		return d.unread(source, err, yield)
	}
	return d.layers(manifest, source, yield)
}

// layers offers what a manifest holds, classified by what it is and not by what it is listed as.
func (d *discovery) layers(manifest registry.Manifest, source string, yield func(candidate) bool) bool {
	for _, c := range classify(manifest.Raw, source) {
		if !d.offer(c, yield) {
			return false
		}
	}
	return true
}

func (d *discovery) look(where string) {
	if d.in != "" {
		where += " in " + d.in
	}
	d.looked = append(d.looked, where)
}

// tagOf is the tag that a digest makes.
func tagOf(d digest.Digest) string { return strings.ReplaceAll(d.String(), ":", "-") }

func isBundle(mediaType string) bool { return strings.HasPrefix(mediaType, bundle.MediaTypePrefix) }
