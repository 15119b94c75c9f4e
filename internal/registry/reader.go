// SPDX-License-Identifier: Apache-2.0

// Package registry reads one repository of an OCI registry, with bounds: every
// byte it returns was asked for by digest and hashes to it, or was hashed to
// learn its digest. It is the only place where a tag exists; everything after
// it speaks of digests.
//
// It knows HTTP, the OCI distribution specification and registry credentials.
// It does not know what a chart or a signature is, nor Kubernetes.
package registry

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Limits on what is read from a registry in one request.
const (
	// MaxManifestSize bounds a manifest, a page of tags and a token response: 4 MiB,
	// the limit that the distribution specification asks registries to support.
	MaxManifestSize = 4 << 20
	// MaxTagPages bounds the pages of a tag list.
	MaxTagPages = 100
	// MaxTags bounds the tags of a tag list, MaxTagBytes all of them together: many lists may be in memory at the same time.
	MaxTags     = 100_000
	MaxTagBytes = 4 << 20
	// MaxReferrers bounds the referrers of one manifest that are read, MaxReferrerPages
	// the pages they come in; all pages together are at most MaxManifestSize.
	MaxReferrers     = 1_000
	MaxReferrerPages = 16
)

// Errors that a Reader's errors match. All of them, and any other error of a
// Reader, mean that no verdict about the content was reached.
var (
	// ErrNotFound means the registry answered that there is no such manifest, blob or repository.
	ErrNotFound = errors.New("not found in the registry")
	// ErrUnauthorized means the registry refused the credentials, or the lack of them.
	ErrUnauthorized = errors.New("the registry refused the credentials")
	// ErrIntegrity means that what the registry sent is not what was asked for:
	// another digest or another size.
	ErrIntegrity = errors.New("the registry sent other bytes than were asked for")
	// ErrTooLarge means that the answer exceeds its limit; the rest of it was not read.
	ErrTooLarge = errors.New("the answer of the registry is too large")
	// ErrMalformed means the answer cannot be what was asked for, such as an unknown
	// digest algorithm or a negative size.
	ErrMalformed = errors.New("the answer of the registry is malformed")
	// ErrDescriptor, which matches ErrMalformed, means that the descriptor can be
	// that of nothing: by an unknown digest algorithm, an absurd size, or another
	// size than the bytes with that digest have. Whoever wrote the descriptor is
	// wrong, and not the registry: to ask again changes nothing.
	ErrDescriptor = fmt.Errorf("%w: a descriptor that describes nothing", ErrMalformed)
)

// Manifest is a manifest as the registry stores it. Descriptor.Digest and
// Descriptor.Size are computed from Raw, never taken from a header;
// Descriptor.MediaType is the one inside Raw, or else the response's Content-Type.
type Manifest struct {
	Descriptor ocispec.Descriptor
	Raw        []byte
}

// Reader reads one repository. It is safe for concurrent use. Its errors name
// the repository and what was asked for, hold no credential and no query of a
// URL, and are at most 1 KiB long.
type Reader interface {
	// Tags returns every tag of the repository, in the order of the registry.
	Tags(ctx context.Context) ([]string, error)

	// Resolve returns the manifest that tag names at this moment.
	Resolve(ctx context.Context, tag string) (Manifest, error)

	// Manifest returns the manifest with the given digest.
	Manifest(ctx context.Context, d digest.Digest) (Manifest, error)

	// Referrers returns what the registry says refers to the manifest d. Where it
	// has no referrers API the error matches ErrNotFound; if there are none it is nil.
	Referrers(ctx context.Context, d digest.Digest) (Referrers, error)

	// LacksReferrers reports whether the registry's last answer to Referrers, about any
	// repository, was that it has no such API. It is a hint of where to look first, and asks for nothing.
	LacksReferrers() bool

	// Blob returns the whole of a small blob. A descriptor with a size over limit
	// is refused with ErrTooLarge before anything is asked for. Bytes of the digest
	// and of another size than the descriptor says are refused with ErrDescriptor.
	Blob(ctx context.Context, d ocispec.Descriptor, limit int64) ([]byte, error)

	// Open returns the bytes of a blob as they arrive. Read returns io.EOF only
	// after exactly the descriptor's size and digest were seen; otherwise an error
	// matching ErrIntegrity, so bytes that were read before io.EOF prove nothing yet.
	Open(ctx context.Context, d ocispec.Descriptor) (io.ReadCloser, error)

	// Sibling returns a Reader of another repository, a host and a path, for
	// whoever may read this one: with the same set of credentials, of which the
	// registry's own are used, and in plain HTTP only where this one is read so
	// from the same host. The error matches ErrURL where the name is not that of a repository.
	Sibling(repository string) (Reader, error)

	// Recall returns the answer to a question about what is kept outside of
	// registries: what ask returns, or what it returned before where the Reader
	// remembers answers. Errors are not remembered.
	Recall(question string, ask func() ([]byte, error)) ([]byte, error)
}
