// SPDX-License-Identifier: Apache-2.0

package provenance

import (
	"context"
	"errors"
	"iter"
	"strings"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/verifiedchart/verifiedchart/internal/registry"
	"github.com/verifiedchart/verifiedchart/internal/verify"
	"github.com/verifiedchart/verifiedchart/internal/verify/attached"
	"github.com/verifiedchart/verifiedchart/internal/verify/provenance/document"
)

const (
	// MediaType is the media type of a provenance file (HIP-0006).
	MediaType = "application/vnd.cncf.helm.chart.provenance.v1.prov"
	// MaxSize is the maximum size of a provenance file in bytes.
	MaxSize = document.MaxSize
	// suffix ends the names of provenance files.
	suffix = ".prov"
	// maxFiles bounds the provenance files of one manifest.
	maxFiles = 16
)

// ExternalSource reads the provenance file of a chart, by its name and version, from outside the registry, and
// returns its location. If there is no file, both the bytes and the error are nil. A *verify.Refusal is the
// reason why it cannot be a provenance file; any other error means that this could not be found out. It sends
// its requests through ReadThrough of the reader, so that answers are cached as long as those of the reader
// itself.
type ExternalSource func(ctx context.Context, r registry.Reader, name, version string) (where string, raw []byte, err error)

// file is a possible provenance file of the chart.
type file struct {
	source string
	read   func(context.Context) ([]byte, error)
}

// unread returns a file that cannot be read.
func unread(source string, problem error) file {
	return file{source: source, read: func(context.Context) ([]byte, error) { return nil, problem }}
}

// inLayer returns a file in a repository.
func inLayer(r registry.Reader, source string, layer ocispec.Descriptor) file {
	if layer.Digest.Validate() != nil || layer.Size <= 0 || layer.Size > MaxSize {
		return unread(source, verify.Refuse("it claims %d bytes, of 1 to %d", layer.Size, MaxSize))
	}
	return file{source: source, read: func(ctx context.Context) ([]byte, error) {
		raw, err := r.Blob(ctx, layer, MaxSize)
		if err != nil {
			return nil, attached.Unread("the provenance file at "+source, err)
		}
		return raw, nil
	}}
}

// search finds the provenance files of one chart.
type search struct {
	subject   verify.Subject
	reader    registry.Reader
	chart     identity
	authority Authority

	places   []string // searched locations, without those of attached
	cosigned bool     // a signature of cosign was found
	attached attached.Search
}

// searched returns the searched locations.
func (s *search) searched() []string { return append(s.places, s.attached.Searched()...) }

// files yields the possible provenance files, one by one.
func (s *search) files(ctx context.Context) iter.Seq[file] {
	s.attached = attached.Search{Subject: s.subject.Manifest.Digest, Reader: s.reader, Prefer: s.subject.Sources, Preferred: func(artifactType string) bool { return artifactType == MediaType }}
	return func(yield func(file) bool) {
		switch source := s.authority.Source; {
		case source == Outside:
			s.outside(ctx, yield)
		case s.subject.IsArchive():
			s.besideArchive(ctx, yield)
		case source == Layer:
			s.inManifest(yield)
		case source == Referrer:
			s.inAttached(ctx, yield)
		default:
			if s.inManifest(yield) {
				s.inAttached(ctx, yield)
			}
		}
	}
}

// inManifest yields the file in the manifest of the chart, and reports whether to go on.
func (s *search) inManifest(yield func(file) bool) bool {
	const place = "the chart's manifest"
	s.places = append(s.places, place)
	layer := s.subject.Chart.Provenance
	return layer == nil || yield(inLayer(s.reader, place, *layer))
}

// inAttached yields the files in the referrers of the chart, and under the tag.
func (s *search) inAttached(ctx context.Context, yield func(file) bool) {
	tag := s.authority.Tag
	if tag == "" {
		tag = DefaultTag
	}
	for found := range s.attached.All(ctx, tag.Tag(s.chart.name, s.chart.version)) {
		for _, f := range s.filesIn(found) {
			if !yield(f) {
				return
			}
		}
	}
}

// besideArchive yields the file beside an archive in a classic repository. It is the only place there, so that
// Layer and Referrer find nothing.
func (s *search) besideArchive(ctx context.Context, yield func(file) bool) {
	if s.authority.Source != Auto {
		return
	}
	const place = "file " + suffix + " beside the archive"
	s.places = append(s.places, place)
	raw, err := s.reader.Beside(ctx, s.subject.Manifest.Digest, suffix, MaxSize)
	switch {
	case errors.Is(err, registry.ErrNotFound):
	case err != nil:
		yield(unread(place, attached.Unread("", err)))
	default:
		yield(file{source: place, read: func(context.Context) ([]byte, error) { return raw, nil }})
	}
}

// outside yields the file from outside the registry.
func (s *search) outside(ctx context.Context, yield func(file) bool) {
	where, raw, err := s.authority.External(ctx, s.reader, s.chart.name, s.chart.version)
	s.places = append(s.places, where)
	switch {
	case err != nil:
		yield(unread(where, attached.Unread(where, err)))
	case len(raw) > MaxSize:
		yield(unread(where, verify.Refuse("it has %d bytes, of at most %d", len(raw), MaxSize)))
	case raw != nil:
		yield(file{source: where, read: func(context.Context) ([]byte, error) { return raw, nil }})
	}
}

// filesIn returns the provenance files in a manifest: by media type, or by the name that oras gives a file. A
// manifest without one is not a candidate: a chart has many kinds of referrers.
func (s *search) filesIn(f attached.Found) []file {
	if f.Problem != nil {
		return []file{unread(f.Source, f.Problem)}
	}
	manifest, err := attached.ParseManifest(f.Raw)
	if err != nil {
		return nil
	}
	var files []file
	for _, layer := range manifest.Layers {
		s.cosigned = s.cosigned || isCosign(layer.MediaType)
		named := strings.HasSuffix(layer.Annotations[ocispec.AnnotationTitle], suffix)
		if (layer.MediaType == MediaType || named) && len(files) < maxFiles {
			files = append(files, inLayer(s.reader, f.Source, layer))
		}
	}
	return files
}

// otherwise describes a cosign signature of the chart; empty if none is seen. It is only a hint for the user:
// if the registry does not answer, there is no hint.
func (s *search) otherwise(ctx context.Context) string {
	if !s.cosigned && s.authority.Source != Outside && !s.subject.IsArchive() {
		_, err := s.reader.Resolve(ctx, attached.Tag(s.subject.Manifest.Digest)+".sig")
		s.cosigned = err == nil
	}
	if !s.cosigned {
		return ""
	}
	return "no provenance file, but a cosign signature"
}

// isCosign reports whether cosign uses this media type for its signatures.
func isCosign(mediaType string) bool {
	return strings.HasPrefix(mediaType, "application/vnd.dev.sigstore.bundle") || mediaType == "application/vnd.dev.cosign.simplesigning.v1+json"
}
