// SPDX-License-Identifier: Apache-2.0

package chartrepo

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/verifiedchart/verifiedchart/internal/chart"
	"github.com/verifiedchart/verifiedchart/internal/helmindex"
	"github.com/verifiedchart/verifiedchart/internal/registry"
)

// reader is a registry.Reader of one archive, and of the files beside it. A classic repository has no tags,
// manifests, referrers or blobs: they do not exist.
type reader struct {
	repository *Repository
	archive    Archive
	digest     digest.Digest
	isMeasured bool
}

// Reader returns a Reader of an archive with a digest. Set isMeasured if the server has just shown that the archive has the
// digest. Its Manifest reports only whether the archive still has the digest.
func (r *Repository) Reader(a Archive, d digest.Digest, isMeasured bool) registry.Reader {
	return reader{repository: r, archive: a, digest: d, isMeasured: isMeasured}
}

// Manifest implements registry.Reader. It returns the descriptor of the archive without its bytes, if the archive has the
// digest now.
func (r reader) Manifest(ctx context.Context, d digest.Digest) (registry.Manifest, error) {
	if d != r.digest {
		return registry.Manifest{}, r.lacks("archive " + d.String())
	}
	if !r.isMeasured {
		got, _, err := r.repository.Measure(ctx, r.archive, io.Discard)
		if err == nil && got != d {
			err = r.archive.Differs(d, got)
		}
		if err != nil {
			return registry.Manifest{}, err
		}
	}
	return registry.Manifest{Descriptor: ocispec.Descriptor{MediaType: chart.ArchiveMediaType, Digest: d}}, nil
}

// Beside implements registry.Reader.
func (r reader) Beside(ctx context.Context, d digest.Digest, suffix string, limit int64) ([]byte, error) {
	if d != r.digest {
		return nil, r.lacks("file beside archive " + d.String())
	}
	at := helmindex.Beside(r.archive.URL, suffix)
	raw, err := r.repository.client.downloads.File(ctx, r.repository.archiveRequest(r.archive, at, limit))
	if err != nil {
		return nil, r.repository.failed(besideArchive(suffix), at, err)
	}
	return raw, nil
}

// Open implements registry.Reader.
func (r reader) Open(ctx context.Context, d ocispec.Descriptor) (io.ReadCloser, error) {
	if d.Digest != r.digest {
		return nil, r.lacks("archive " + d.Digest.String())
	}
	return r.repository.open(ctx, r.archive, d.Digest)
}

// ReadThrough implements registry.Reader. It caches nothing.
func (r reader) ReadThrough(_, _ string, ask func() ([]byte, error)) ([]byte, error) { return ask() }

// Tags implements registry.Reader.
func (r reader) Tags(context.Context) ([]string, error) { return nil, r.lacks("tags") }

// Resolve implements registry.Reader.
func (r reader) Resolve(_ context.Context, tag string) (registry.Manifest, error) {
	return registry.Manifest{}, r.lacks("tag " + tag)
}

// Referrers implements registry.Reader.
func (r reader) Referrers(context.Context, digest.Digest) (registry.Referrers, error) {
	return registry.Referrers{}, r.lacks("referrers")
}

// LacksReferrers implements registry.Reader.
func (r reader) LacksReferrers() bool { return true }

// Blob implements registry.Reader.
func (r reader) Blob(context.Context, ocispec.Descriptor, int64) ([]byte, error) {
	return nil, r.lacks("blobs")
}

var errSibling = errors.New("a classic repository leads to no registry")

// Sibling implements registry.Reader.
func (r reader) Sibling(string) (registry.Reader, error) { return nil, errSibling }

func (r reader) lacks(what string) error {
	return fmt.Errorf("%w: %s in classic repository %s", registry.ErrNotFound, what, r.repository.target.Repository)
}
