// SPDX-License-Identifier: Apache-2.0

// Package registry reads one repository of an OCI registry, with bounds: every byte that it returns was
// requested by digest and has this digest, or was hashed to learn its digest. Tags exist only in this package;
// all other packages use digests.
//
// It knows HTTP, the OCI distribution specification and registry credentials. It does not know charts,
// signatures or Kubernetes.
package registry

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Limits on reads from a registry in one request.
const (
	// MaxManifestSize bounds a manifest, a page of tags and a token response: 4 MiB,
	// the limit that the distribution specification asks registries to support.
	MaxManifestSize = 4 << 20
	// MaxTagPages bounds the pages of a tag list.
	MaxTagPages = 100
	// MaxTags bounds the tags of a tag list, and MaxTagBytes their total size: many lists may be in memory at
	// the same time.
	MaxTags     = 100_000
	MaxTagBytes = 4 << 20
	// MaxReferrers bounds the referrers that are read for one manifest, and MaxReferrerPages the pages of the
	// list; all pages together are at most MaxManifestSize.
	MaxReferrers     = 1_000
	MaxReferrerPages = 16
)

// Errors that a Reader's errors match. These errors, and any other error of a Reader, mean that no verdict
// about the content was reached.
var (
	// ErrNotFound means that the registry answered that the manifest, blob or repository does not exist.
	ErrNotFound = errors.New("not found in the registry")
	// ErrUnauthorized means that the registry refused the credentials, or their absence.
	ErrUnauthorized = errors.New("the registry refused access")
	// ErrExpired, which matches ErrUnauthorized, means that the registry answered that the password has expired.
	ErrExpired = fmt.Errorf("%w: the password has expired", ErrUnauthorized)
	// ErrWithheld, which matches ErrUnauthorized, means that the registry itself answered 401 or 403 for the content. Its
	// token service, and the target of its redirect, know nothing about the content.
	ErrWithheld = fmt.Errorf("%w to this content", ErrUnauthorized)
	// ErrIntegrity means that the content from the registry has a wrong digest or a wrong size.
	ErrIntegrity = errors.New("the registry sent other bytes than requested")
	// ErrTooLarge means that the answer exceeds its limit; the rest of it was not read.
	ErrTooLarge = errors.New("the answer of the registry is too large")
	// ErrMalformed means that the answer cannot be the requested content; for example, it has an unknown digest
	// algorithm or a negative size.
	ErrMalformed = errors.New("the answer of the registry is malformed")
	// ErrDescriptor, which matches ErrMalformed, means that the descriptor cannot describe any content: it has
	// an unknown digest algorithm or an absurd size, or its size differs from the size of the bytes with its
	// digest. The author of the descriptor made the mistake, not the registry: a retry changes nothing.
	ErrDescriptor = fmt.Errorf("%w: a descriptor that describes nothing", ErrMalformed)
)

// Manifest is a manifest as the registry stores it. Descriptor.Digest and
// Descriptor.Size are computed from Raw, never taken from a header;
// Descriptor.MediaType is the one inside Raw, or else the response's Content-Type.
type Manifest struct {
	Descriptor ocispec.Descriptor
	Raw        []byte
}

// Reader reads one repository. It is safe for concurrent use. Its errors name the repository and the requested
// content, hold no credential and no query of a URL, and are at most 1 KiB long.
type Reader interface {
	// Tags returns every tag of the repository, in the registry's order.
	Tags(ctx context.Context) ([]string, error)

	// Resolve returns the manifest that the tag names now.
	Resolve(ctx context.Context, tag string) (Manifest, error)

	// Manifest returns the manifest with the given digest.
	Manifest(ctx context.Context, d digest.Digest) (Manifest, error)

	// Referrers returns the registry's list of manifests that refer to the manifest d. If the registry has no
	// referrers API, the error matches ErrNotFound; if there are no referrers, the error is nil.
	Referrers(ctx context.Context, d digest.Digest) (Referrers, error)

	// LacksReferrers reports whether the registry's last answer to Referrers, about any repository, was that it
	// has no such API. The answer is a hint about the location to read first; LacksReferrers sends no request.
	LacksReferrers() bool

	// Blob returns a whole small blob. It rejects a descriptor with a size over limit with ErrTooLarge before
	// it sends a request. It rejects bytes with the right digest, but a size that differs from the
	// descriptor's, with ErrDescriptor.
	Blob(ctx context.Context, d ocispec.Descriptor, limit int64) ([]byte, error)

	// Open returns the bytes of a blob as they arrive. Read returns io.EOF only if size and digest match the
	// descriptor; otherwise it returns an error matching ErrIntegrity. Bytes that were read before io.EOF
	// therefore prove nothing yet.
	Open(ctx context.Context, d ocispec.Descriptor) (io.ReadCloser, error)

	// Beside returns the file beside an archive in a classic repository: at the URL of the archive with a suffix.
	// If there is no such file, the error matches ErrNotFound. A file of more than limit bytes is not read. In a
	// registry, there is no file beside anything.
	Beside(ctx context.Context, archive digest.Digest, suffix string, limit int64) ([]byte, error)

	// Sibling returns a Reader of another repository, given by host and path, with the same set of credentials.
	// The Reader uses the credentials of that registry only, and plain HTTP only if this Reader uses it for the
	// same host. The error matches ErrURL if the name is not that of a repository.
	Sibling(repository string) (Reader, error)

	// ReadThrough answers a question about content outside of registries: it returns the result of ask, or the
	// earlier result with the same access if the Reader caches answers. Access is a text that changes with the right
	// to read the content, such as the fingerprint of a password. It does not cache errors. The method belongs to the Reader
	// because one that answers from stored material must never call ask, and the compiler has to ensure that.
	ReadThrough(question, access string, ask func() ([]byte, error)) ([]byte, error)
}
