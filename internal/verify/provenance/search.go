package provenance

import (
	"context"
	"fmt"
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
	// DefaultTag is where a provenance file may stand that `oras push` put beside the chart.
	DefaultTag = "{{version}}.prov"
	// suffix is how the names of provenance files end.
	suffix = ".prov"
)

// file is what may be the chart's provenance file.
type file struct {
	source  string
	layer   ocispec.Descriptor
	problem error
}

// read returns the bytes of the file.
func (f file) read(ctx context.Context, r registry.Reader) ([]byte, error) {
	if f.problem != nil {
		return nil, f.problem
	}
	if f.layer.Digest.Validate() != nil || f.layer.Size <= 0 || f.layer.Size > document.MaxSize {
		return nil, &attached.Refusal{Reason: fmt.Sprintf("it claims %d bytes, of 1 to %d", f.layer.Size, document.MaxSize)}
	}
	raw, err := r.Blob(ctx, f.layer, document.MaxSize)
	if err != nil {
		return nil, attached.Unread("the provenance file at "+f.source, err)
	}
	return raw, nil
}

// search finds the provenance files of one chart.
type search struct {
	subject   verify.Subject
	reader    registry.Reader
	chart     identity
	authority Authority

	manifest bool // was looked at
	attached attached.Search
}

// looked says where was looked.
func (s *search) looked() []string {
	if s.manifest {
		return append([]string{"the chart's manifest"}, s.attached.Looked()...)
	}
	return s.attached.Looked()
}

// files yields what may be the provenance file, one by one.
func (s *search) files(ctx context.Context) iter.Seq[file] {
	s.attached = attached.Search{Subject: s.subject.Manifest.Digest, Reader: s.reader, Likely: func(artifactType string) bool { return artifactType == MediaType }}
	return func(yield func(file) bool) {
		if s.authority.Source != Referrer {
			s.manifest = true
			if layer := s.subject.Chart.Provenance; layer != nil && !yield(file{source: "the chart's manifest", layer: *layer}) {
				return
			}
		}
		if s.authority.Source == Layer {
			return
		}
		for found := range s.attached.All(ctx, s.tag()) {
			for _, f := range filesIn(found) {
				if !yield(f) {
					return
				}
			}
		}
	}
}

// tag is where a file may stand that `oras push` put beside the chart.
func (s *search) tag() string {
	pattern := s.authority.Tag
	if pattern == "" {
		pattern = DefaultTag
	}
	version := strings.ReplaceAll(s.chart.version, "+", "_") // as helm push writes it into tags
	return strings.NewReplacer("{{name}}", s.chart.name, "{{version}}", version).Replace(pattern)
}

// filesIn returns the provenance files in a manifest: by media type, or by the
// name that oras gives a file. What holds none is not a candidate: a chart has referrers of many kinds.
func filesIn(f attached.Found) []file {
	if f.Problem != nil {
		return []file{{source: f.Source, problem: f.Problem}}
	}
	manifest, err := attached.ParseManifest(f.Raw)
	if err != nil {
		return nil
	}
	var files []file
	for _, layer := range manifest.Layers {
		named := strings.HasSuffix(layer.Annotations[ocispec.AnnotationTitle], suffix)
		if (layer.MediaType == MediaType || named) && len(files) < maxFiles {
			files = append(files, file{source: f.Source, layer: layer})
		}
	}
	return files
}

// maxFiles bounds the provenance files of one manifest.
const maxFiles = 16
