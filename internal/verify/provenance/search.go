// SPDX-License-Identifier: Apache-2.0

package provenance

import (
	"context"
	"iter"
	"strings"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/verifiedchart/verifiedchart/internal/registry"
	"github.com/verifiedchart/verifiedchart/internal/verify"
	"github.com/verifiedchart/verifiedchart/internal/verify/attached"
	"github.com/verifiedchart/verifiedchart/internal/verify/provenance/document"
)

const (
	// MediaType is that of a provenance file (HIP-0006).
	MediaType = "application/vnd.cncf.helm.chart.provenance.v1.prov"
	// MaxSize is the size of the largest provenance file that is read, in bytes.
	MaxSize = document.MaxSize
	// suffix is how the names of provenance files end.
	suffix = ".prov"
	// maxFiles bounds the provenance files of one manifest.
	maxFiles = 16
)

// ExternalSource reads the provenance file of a chart, by its name and version, that
// is kept outside the registry, and says if that is. There is none if both
// the bytes and the error are nil. A *verify.Refusal says why it cannot be one;
// any other error that it could not be found out. What it asks for it asks through
// the reader's Recall, so that it is remembered as long as the reader's own answers.
type ExternalSource func(ctx context.Context, r registry.Reader, name, version string) (where string, raw []byte, err error)

// file is what may be the chart's provenance file.
type file struct {
	source string
	read   func(context.Context) ([]byte, error)
}

// unread is a file that cannot be read.
func unread(source string, problem error) file {
	return file{source: source, read: func(context.Context) ([]byte, error) { return nil, problem }}
}

// inLayer is a file in a repository.
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

	places   []string // looked at, besides what is attached
	cosigned bool     // a signature of cosign was found
	attached attached.Search
}

// searched says where was looked.
func (s *search) searched() []string { return append(s.places, s.attached.Searched()...) }

// files yields what may be the provenance file, one by one.
func (s *search) files(ctx context.Context) iter.Seq[file] {
	s.attached = attached.Search{Subject: s.subject.Manifest.Digest, Reader: s.reader, Prefer: s.subject.Sources, Preferred: func(artifactType string) bool { return artifactType == MediaType }}
	return func(yield func(file) bool) {
		switch s.authority.Source {
		case Layer:
			s.inManifest(yield)
		case Referrer:
			s.inAttached(ctx, yield)
		case Outside:
			s.outside(ctx, yield)
		default:
			if s.inManifest(yield) {
				s.inAttached(ctx, yield)
			}
		}
	}
}

// inManifest offers the file in the chart's own manifest, and reports whether to go on.
func (s *search) inManifest(yield func(file) bool) bool {
	const place = "the chart's manifest"
	s.places = append(s.places, place)
	layer := s.subject.Chart.Provenance
	return layer == nil || yield(inLayer(s.reader, place, *layer))
}

// inAttached offers the files in what refers to the chart, and under the tag.
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

// outside offers the file that is kept outside the registry.
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

// filesIn returns the provenance files in a manifest: by media type, or by the
// name that oras gives a file. What holds none is not a candidate: a chart has referrers of many kinds.
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

// otherwise names a signature of cosign that the chart has; empty if none is seen. It is asked for what to tell the user
// alone: if the registry does not answer, nothing is told.
func (s *search) otherwise(ctx context.Context) string {
	if !s.cosigned && s.authority.Source != Outside {
		_, err := s.reader.Resolve(ctx, attached.Tag(s.subject.Manifest.Digest)+".sig")
		s.cosigned = err == nil
	}
	if !s.cosigned {
		return ""
	}
	return "no provenance file, but a cosign signature"
}

// isCosign reports whether cosign gives its signatures this media type.
func isCosign(mediaType string) bool {
	return strings.HasPrefix(mediaType, "application/vnd.dev.sigstore.bundle") || mediaType == "application/vnd.dev.cosign.simplesigning.v1+json"
}
