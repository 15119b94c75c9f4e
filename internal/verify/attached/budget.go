// SPDX-License-Identifier: Apache-2.0

package attached

import (
	"context"
	"errors"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/verifiedchart/verifiedchart/internal/registry"
	"github.com/verifiedchart/verifiedchart/internal/verify"
)

// Budget returns a Reader that reads at most limit bytes of r in total. Material over the limit is refused with
// a *verify.Refusal, and does not count as unread: an attacker who fills a repository must not be able to delay
// the verdict forever.
func Budget(r registry.Reader, limit int) registry.Reader { return &budget{Reader: r, left: limit} }

type budget struct {
	registry.Reader
	left int
}

// reserve returns an error unless an answer of up to size bytes still fits.
func (b *budget) reserve(size int64) error {
	if int64(b.left) < size {
		return &verify.Refusal{Reason: "not considered: all candidates together have too many bytes"}
	}
	return nil
}

// Resolve implements registry.Reader.
func (b *budget) Resolve(ctx context.Context, tag string) (registry.Manifest, error) {
	return b.manifest(func() (registry.Manifest, error) { return b.Reader.Resolve(ctx, tag) })
}

// Manifest implements registry.Reader.
func (b *budget) Manifest(ctx context.Context, d digest.Digest) (registry.Manifest, error) {
	return b.manifest(func() (registry.Manifest, error) { return b.Reader.Manifest(ctx, d) })
}

func (b *budget) manifest(ask func() (registry.Manifest, error)) (registry.Manifest, error) {
	if err := b.reserve(registry.MaxManifestSize); err != nil {
		return registry.Manifest{}, err
	}
	m, err := ask()
	b.spend(len(m.Raw), registry.MaxManifestSize, err)
	return m, err
}

// spend subtracts the bytes that were read: size, or limit if they were thrown away. If an answer was dropped
// from stored material, it costs the same as when it was read, so that the same candidates are considered.
func (b *budget) spend(size, limit int, err error) {
	var dropped *registry.DroppedError
	if errors.As(err, &dropped) {
		b.left -= int(dropped.Size)
		return
	}
	for _, wasted := range []error{registry.ErrDescriptor, registry.ErrIntegrity, registry.ErrTooLarge} {
		if errors.Is(err, wasted) {
			size = limit
		}
	}
	b.left -= size
}

// Referrers implements registry.Reader. All pages together are at most as large as a manifest.
func (b *budget) Referrers(ctx context.Context, d digest.Digest) (registry.Referrers, error) {
	list, err := b.Reader.Referrers(ctx, d)
	b.left -= list.Size()
	return list, err
}

// Beside implements registry.Reader.
func (b *budget) Beside(ctx context.Context, archive digest.Digest, suffix string, limit int64) ([]byte, error) {
	if err := b.reserve(limit); err != nil {
		return nil, err
	}
	raw, err := b.Reader.Beside(ctx, archive, suffix, limit)
	b.spend(len(raw), int(limit), err)
	return raw, err
}

// Blob implements registry.Reader.
func (b *budget) Blob(ctx context.Context, d ocispec.Descriptor, limit int64) ([]byte, error) {
	if err := b.reserve(d.Size); err != nil {
		return nil, err
	}
	raw, err := b.Reader.Blob(ctx, d, limit)
	b.spend(len(raw), int(limit), err)
	return raw, err
}
