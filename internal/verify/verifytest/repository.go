// SPDX-License-Identifier: Apache-2.0

// Package verifytest holds test doubles for verification: a reader of a repository in memory, signers that make
// genuine signatures, and verifiers with a fixed answer.
//
// It does not know HTTP, charts, policies, or the certificates and logs of Sigstore, and it verifies nothing.
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
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/verifiedchart/verifiedchart/internal/registry"
	"github.com/verifiedchart/verifiedchart/internal/registry/registrytest"
	"github.com/verifiedchart/verifiedchart/internal/verify"
)

// Repository is a repository in memory, and a registry.Reader of it that uses no network. It records its
// requests, and fails if a test requests it. It is safe for concurrent use.
type Repository struct {
	*registrytest.Repository

	mu       sync.Mutex
	siblings map[string]*Repository
	faults   map[string]error
	asked    []string
	sent     int
}

var _ registry.Reader = &Repository{}

// NewRepository returns an empty repository.
func NewRepository() *Repository {
	return &Repository{Repository: registrytest.NewRepository(), faults: map[string]error{}, siblings: map[string]*Repository{}}
}

// Fail makes every request for ref (a tag, a digest, "tags" or "referrers") fail with err; nil makes it succeed
// again.
func (r *Repository) Fail(ref string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.faults[ref] = err
}

// Asked returns the requested tags and digests, "tags" and "referrers", in order.
func (r *Repository) Asked() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.asked)
}

// Sent returns the number of bytes that were sent.
func (r *Repository) Sent() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.sent
}

// Subject stores a manifest that depends on content, and returns it as a Subject.
func (r *Repository) Subject(content string) verify.Subject {
	d := r.PushLayers("", r.PushBlob("text/plain", []byte(content)))
	return verify.Subject{Repository: "registry.example/charts/app", Manifest: d, Raw: r.Raw(d.Digest.String())}
}

func (r *Repository) record(ref string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asked = append(r.asked, ref)
}

// get records the request for ref and returns the answer under the path.
func (r *Repository) get(ref, path string) (mediaType string, raw []byte, err error) {
	r.record(ref)
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.faults[ref]; err != nil {
		return "", nil, err
	}
	mediaType, raw, ok := r.Get(path)
	if !ok {
		return "", nil, fmt.Errorf("%w: %s", registry.ErrNotFound, path)
	}
	r.sent += len(raw)
	return mediaType, raw, nil
}

// Tags implements registry.Reader.
func (r *Repository) Tags(context.Context) ([]string, error) {
	var list struct{ Tags []string }
	_, raw, err := r.get("tags", "tags/list")
	if err == nil {
		err = json.Unmarshal(raw, &list)
	}
	return list.Tags, err
}

// Resolve implements registry.Reader.
func (r *Repository) Resolve(_ context.Context, tag string) (registry.Manifest, error) {
	mediaType, raw, err := r.get(tag, "manifests/"+tag)
	if err != nil {
		return registry.Manifest{}, err
	}
	return registry.Manifest{
		Descriptor: ocispec.Descriptor{MediaType: mediaType, Digest: digest.FromBytes(raw), Size: int64(len(raw))}, Raw: raw,
	}, nil
}

// Manifest implements registry.Reader.
func (r *Repository) Manifest(ctx context.Context, d digest.Digest) (registry.Manifest, error) {
	return r.Resolve(ctx, d.String())
}

// Blob implements registry.Reader.
func (r *Repository) Blob(_ context.Context, d ocispec.Descriptor, limit int64) ([]byte, error) {
	if d.Size > limit {
		r.record(d.Digest.String())
		return nil, registry.ErrTooLarge
	}
	_, raw, err := r.get(d.Digest.String(), "blobs/"+d.Digest.String())
	if err == nil && int64(len(raw)) != d.Size {
		return nil, registry.ErrIntegrity
	}
	return raw, err
}

// Open implements registry.Reader.
func (r *Repository) Open(ctx context.Context, d ocispec.Descriptor) (io.ReadCloser, error) {
	raw, err := r.Blob(ctx, d, d.Size)
	return io.NopCloser(bytes.NewReader(raw)), err
}

// Referrers implements registry.Reader.
func (r *Repository) Referrers(_ context.Context, d digest.Digest) (registry.Referrers, error) {
	_, raw, err := r.get("referrers", "referrers/"+d.String())
	if err != nil {
		return registry.Referrers{}, err
	}
	return registry.ParseReferrers(raw)
}

// LacksReferrers implements registry.Reader.
func (r *Repository) LacksReferrers() bool {
	return r.WithoutReferrers && slices.Contains(r.Asked(), "referrers")
}

// Archive returns an archive in a classic repository as a Subject.
func (r *Repository) Archive(content string) verify.Subject {
	d := r.PushBlob("application/gzip", []byte(content))
	return verify.Subject{
		Repository: "https://charts.example/stable/app", Manifest: d, Chart: verify.Chart{Name: "app", Version: "1.0.0", Archive: d},
	}
}

// AddBeside adds the file beside an archive with a suffix.
func (r *Repository) AddBeside(archive digest.Digest, suffix string, raw []byte) {
	r.Put("beside/"+archive.String()+suffix, raw)
}

// Beside implements registry.Reader. Its requests are recorded under the suffix.
func (r *Repository) Beside(_ context.Context, archive digest.Digest, suffix string, limit int64) ([]byte, error) {
	_, raw, err := r.get(suffix, "beside/"+archive.String()+suffix)
	if err == nil && int64(len(raw)) > limit {
		return nil, registry.ErrTooLarge
	}
	return raw, err
}

// Other returns the repository with that name in the same registry, which is empty at first.
func (r *Repository) Other(name string) *Repository {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.siblings[name] == nil {
		r.siblings[name] = NewRepository()
	}
	return r.siblings[name]
}

// Sibling implements registry.Reader.
func (r *Repository) Sibling(name string) (registry.Reader, error) { return r.Other(name), nil }

// ReadThrough implements registry.Reader. It caches nothing.
func (r *Repository) ReadThrough(_, _ string, ask func() ([]byte, error)) ([]byte, error) {
	return ask()
}
