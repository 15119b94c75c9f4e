// SPDX-License-Identifier: Apache-2.0

package pipeline

import (
	"context"
	"time"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/verifiedchart/verifiedchart/internal/chart"
	"github.com/verifiedchart/verifiedchart/internal/chartrepo"
	"github.com/verifiedchart/verifiedchart/internal/helmindex"
	"github.com/verifiedchart/verifiedchart/internal/registry"
	"github.com/verifiedchart/verifiedchart/internal/verify"
)

// Find returns the archive that w names now in a classic repository, by an index that is no older than maxAge. The
// archive has the digest of w if that has one.
func Find(ctx context.Context, r *chartrepo.Repository, w Request, maxAge time.Duration) (chartrepo.Archive, error) {
	want := helmindex.Selection{Version: w.Tag}
	if w.Digest != "" {
		want.Digest = w.Digest.Encoded()
	}
	if w.SemVer != "" {
		selected, err := newVersions(w)
		if err != nil {
			return chartrepo.Archive{}, failed(StepResolve, err)
		}
		want.Range, want.Filter = selected.within, selected.filter
	}
	found, err := r.Find(ctx, want, maxAge)
	if err != nil {
		return chartrepo.Archive{}, failed(StepResolve, err)
	}
	return found, nil
}

// OfArchive returns the resolution of a reference to an archive with a digest.
func OfArchive(a chartrepo.Archive, d digest.Digest) Resolved {
	return Resolved{Tag: a.Version, Manifest: registry.Manifest{Descriptor: ocispec.Descriptor{MediaType: chart.ArchiveMediaType, Digest: d}}}
}

// Archive returns an archive in a classic repository as a subject.
func Archive(repository, name, version string, d digest.Digest) verify.Subject {
	archive := ocispec.Descriptor{MediaType: chart.ArchiveMediaType, Digest: d}
	return verify.Subject{Repository: repository, Manifest: archive, Chart: verify.Chart{Name: name, Version: version, Archive: archive}}
}

// LayoutOf returns the descriptors of the parts of a chart. An archive is its only part.
func LayoutOf(s verify.Subject) (chart.Layout, error) {
	if s.IsArchive() {
		return chart.Layout{Archive: s.Chart.Archive}, nil
	}
	return chart.ParseManifest(s.Raw)
}
