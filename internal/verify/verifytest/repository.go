// SPDX-License-Identifier: Apache-2.0

// Package verifytest holds test doubles for verification: a repository in memory, signers that make genuine
// signatures, and verifiers with a fixed answer.
package verifytest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"sync"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/verifiedchart/verifiedchart/internal/registry"
	"github.com/verifiedchart/verifiedchart/internal/verify"
)

// Repository is a registry.Reader in memory. It records its requests, and fails if a test requests it. It is
// safe for concurrent use.
type Repository struct {
	mu        sync.Mutex
	tags      map[string]digest.Digest
	manifests map[digest.Digest][]byte
	blobs     map[digest.Digest][]byte
	order     []digest.Digest
	siblings  map[string]*Repository
	faults    map[string]error
	asked     []string
	sent      int

	// WithoutReferrers removes the referrers API, as in GHCR: clients that push a referrer then maintain the
	// referrers tag.
	WithoutReferrers bool
	// HideReferrers omits existing referrers from the answer of the API, like a registry that added the API
	// after they were pushed.
	HideReferrers bool
	// ListedAs is the artifactType under which referrers are listed, instead of their own.
	ListedAs string
}

// NewRepository returns an empty repository.
func NewRepository() *Repository {
	return &Repository{
		tags: map[string]digest.Digest{}, manifests: map[digest.Digest][]byte{},
		blobs: map[digest.Digest][]byte{}, faults: map[string]error{}, siblings: map[string]*Repository{},
	}
}

// Fail makes every request for ref (a tag or a digest) fail with err; nil makes it succeed again.
func (r *Repository) Fail(ref string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.faults[ref] = err
}

// Asked returns the requested tags and digests, in order.
func (r *Repository) Asked() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string(nil), r.asked...)
}

// Sent returns the number of bytes of manifests and blobs that were sent.
func (r *Repository) Sent() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.sent
}

// PushBlob stores a blob.
func (r *Repository) PushBlob(mediaType string, raw []byte) ocispec.Descriptor {
	r.mu.Lock()
	defer r.mu.Unlock()
	d := digest.FromBytes(raw)
	r.blobs[d] = raw
	return ocispec.Descriptor{MediaType: mediaType, Digest: d, Size: int64(len(raw))}
}

// PushManifest stores raw under its digest and, unless it is empty, under tag.
func (r *Repository) PushManifest(tag string, raw []byte) ocispec.Descriptor {
	r.mu.Lock()
	defer r.mu.Unlock()
	d := digest.FromBytes(raw)
	if r.manifests[d] == nil {
		r.order = append(r.order, d)
	}
	r.manifests[d] = raw
	if tag != "" {
		r.tags[tag] = d
	}
	return ocispec.Descriptor{MediaType: ocispec.MediaTypeImageManifest, Digest: d, Size: int64(len(raw))}
}

// PushLayers stores an image manifest with the given layers under tag.
func (r *Repository) PushLayers(tag string, layers ...ocispec.Descriptor) ocispec.Descriptor {
	config := r.PushBlob(ocispec.MediaTypeImageConfig, []byte("{}"))
	raw, err := json.Marshal(ocispec.Manifest{
		Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageManifest, Config: config, Layers: layers,
	})
	if err != nil {
		panic(err)
	}
	return r.PushManifest(tag, raw)
}

// Subject stores a manifest that depends on content, and returns it as a Subject.
func (r *Repository) Subject(content string) verify.Subject {
	d := r.PushLayers("", r.PushBlob("text/plain", []byte(content)))
	return verify.Subject{Repository: "registry.example/charts/app", Manifest: d, Raw: r.manifests[d.Digest]}
}

// Tags implements registry.Reader.
func (r *Repository) Tags(context.Context) ([]string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asked = append(r.asked, "tags")
	var tags []string
	for tag := range r.tags {
		tags = append(tags, tag)
	}
	return tags, r.faults["tags"]
}

// Resolve implements registry.Reader.
func (r *Repository) Resolve(_ context.Context, tag string) (registry.Manifest, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asked = append(r.asked, tag)
	if err := r.faults[tag]; err != nil {
		return registry.Manifest{}, err
	}
	return r.manifest(r.tags[tag])
}

// Manifest implements registry.Reader.
func (r *Repository) Manifest(_ context.Context, d digest.Digest) (registry.Manifest, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asked = append(r.asked, d.String())
	if err := r.faults[d.String()]; err != nil {
		return registry.Manifest{}, err
	}
	return r.manifest(d)
}

func (r *Repository) manifest(d digest.Digest) (registry.Manifest, error) {
	raw, ok := r.manifests[d]
	if !ok {
		return registry.Manifest{}, fmt.Errorf("%w: manifest %s", registry.ErrNotFound, d)
	}
	r.sent += len(raw)
	return registry.Manifest{
		Descriptor: ocispec.Descriptor{MediaType: ocispec.MediaTypeImageManifest, Digest: d, Size: int64(len(raw))}, Raw: raw,
	}, nil
}

// Blob implements registry.Reader.
func (r *Repository) Blob(_ context.Context, d ocispec.Descriptor, limit int64) ([]byte, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asked = append(r.asked, d.Digest.String())
	if d.Size > limit {
		return nil, registry.ErrTooLarge
	}
	if err := r.faults[d.Digest.String()]; err != nil {
		return nil, err
	}
	raw, ok := r.blobs[d.Digest]
	if !ok {
		return nil, fmt.Errorf("%w: blob %s", registry.ErrNotFound, d.Digest)
	}
	if int64(len(raw)) != d.Size {
		return nil, registry.ErrIntegrity
	}
	r.sent += len(raw)
	return raw, nil
}

// PushReferrer stores an artifact manifest with the layers that refers to a subject. If there is no referrers
// API, it also lists the manifest under the referrers tag.
func (r *Repository) PushReferrer(artifactType string, subject ocispec.Descriptor, layers ...ocispec.Descriptor) ocispec.Descriptor {
	raw, d := referrer(r, artifactType, subject, layers)
	r.PushManifest("", raw)
	if r.WithoutReferrers {
		list, _ := r.list(subject.Digest)
		r.PushIndex(ReferrersTag(subject.Digest), list...)
	}
	return d
}

// PushIndex stores an image index under a tag.
func (r *Repository) PushIndex(tag string, manifests ...ocispec.Descriptor) {
	raw, err := json.Marshal(ocispec.Index{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageIndex, Manifests: manifests})
	must(err)
	r.PushManifest(tag, raw)
}

// list returns the descriptors of the manifests whose subject is d.
func (r *Repository) list(d digest.Digest) ([]ocispec.Descriptor, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asked = append(r.asked, "referrers")
	var list []ocispec.Descriptor
	for _, candidate := range r.order {
		var m ocispec.Manifest
		if json.Unmarshal(r.manifests[candidate], &m) != nil || m.Subject == nil || m.Subject.Digest != d {
			continue
		}
		listed := ocispec.Descriptor{MediaType: m.MediaType, Digest: candidate, Size: int64(len(r.manifests[candidate])), ArtifactType: m.ArtifactType}
		if r.ListedAs != "" {
			listed.ArtifactType = r.ListedAs
		}
		list = append(list, listed)
	}
	return list, r.faults["referrers"]
}

// Referrers implements registry.Reader.
func (r *Repository) Referrers(_ context.Context, d digest.Digest) (registry.Referrers, error) {
	list, err := r.list(d)
	switch {
	case err != nil:
		return registry.Referrers{}, err
	case r.WithoutReferrers:
		return registry.Referrers{}, registry.ErrNotFound
	case r.HideReferrers:
		return registry.Referrers{}, nil
	}
	raw, err := json.Marshal(ocispec.Index{Manifests: list})
	must(err)
	return registry.ParseReferrers(raw)
}

// LacksReferrers implements registry.Reader.
func (r *Repository) LacksReferrers() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.WithoutReferrers && slices.Contains(r.asked, "referrers")
}

// Beside returns the repository with that name in the same registry, which is empty at first.
func (r *Repository) Beside(name string) *Repository {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.siblings[name] == nil {
		r.siblings[name] = NewRepository()
	}
	return r.siblings[name]
}

// Sibling implements registry.Reader.
func (r *Repository) Sibling(name string) (registry.Reader, error) { return r.Beside(name), nil }

// Open implements registry.Reader.
func (r *Repository) Open(ctx context.Context, d ocispec.Descriptor) (io.ReadCloser, error) {
	raw, err := r.Blob(ctx, d, d.Size)
	return io.NopCloser(bytes.NewReader(raw)), err
}

var _ registry.Reader = &Repository{}

// ReadThrough implements registry.Reader. It caches nothing.
func (r *Repository) ReadThrough(_ string, ask func() ([]byte, error)) ([]byte, error) { return ask() }
