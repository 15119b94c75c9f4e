// SPDX-License-Identifier: Apache-2.0

package registrytest

import (
	"encoding/json"
	"slices"
	"strings"
	"sync"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Repository holds the content of one repository in memory. It is safe for concurrent use, but for its fields.
type Repository struct {
	// Name is the repository's path in its Registry.
	Name string
	// WithoutReferrers removes the referrers API, as in GHCR: clients that push a referrer then maintain the
	// referrers tag.
	WithoutReferrers bool
	// HideReferrers omits existing referrers from the answer of the API, like a registry that added the API
	// after they were pushed.
	HideReferrers bool
	// ListedAs is the artifactType under which referrers are listed, instead of their own.
	ListedAs string

	mu sync.Mutex
	// content holds each answer under the end of its URL, such as "manifests/1.0.0".
	content map[string]stored
	order   []digest.Digest
}

type stored struct {
	mediaType string
	raw       []byte
}

// NewRepository returns an empty repository, which no Registry serves.
func NewRepository() *Repository { return &Repository{content: map[string]stored{}} }

// Get returns the answer to a GET of the path inside the repository, such as "tags/list" or "manifests/1.0.0".
func (r *Repository) Get(path string) (mediaType string, raw []byte, ok bool) {
	kind, reference, _ := strings.Cut(path, "/")
	switch {
	case kind == "tags":
		return "application/json", marshal(map[string]any{"name": r.Name, "tags": r.tags()}), true
	case kind == "referrers" && r.WithoutReferrers:
		return "", nil, false
	case kind == "referrers" && r.HideReferrers:
		return ocispec.MediaTypeImageIndex, index(nil), true
	case kind == "referrers":
		return ocispec.MediaTypeImageIndex, index(r.referrers(digest.Digest(reference))), true
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	s, ok := r.content[path]
	return s.mediaType, s.raw, ok
}

// Put stores the answer to a GET of a path inside the repository.
func (r *Repository) Put(path string, raw []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.content[path] = stored{raw: raw}
}

// Raw returns a manifest by a tag or a digest, or nil if there is none.
func (r *Repository) Raw(reference string) []byte {
	_, raw, _ := r.Get("manifests/" + reference)
	return raw
}

// PushBlob stores a blob and returns its descriptor with the media type.
func (r *Repository) PushBlob(mediaType string, raw []byte) ocispec.Descriptor {
	r.mu.Lock()
	defer r.mu.Unlock()
	d := digest.FromBytes(raw)
	r.content["blobs/"+d.String()] = stored{"application/octet-stream", raw}
	return ocispec.Descriptor{MediaType: mediaType, Digest: d, Size: int64(len(raw))}
}

// PushManifest stores raw as an image manifest under its digest and, unless it is empty, under tag.
func (r *Repository) PushManifest(tag string, raw []byte) ocispec.Descriptor {
	return r.PushAs(tag, ocispec.MediaTypeImageManifest, raw)
}

// PushAs stores raw like PushManifest, as a manifest with the given media type.
func (r *Repository) PushAs(tag, mediaType string, raw []byte) ocispec.Descriptor {
	r.mu.Lock()
	defer r.mu.Unlock()
	d := digest.FromBytes(raw)
	if _, known := r.content["manifests/"+d.String()]; !known {
		r.order = append(r.order, d)
	}
	r.content["manifests/"+d.String()] = stored{mediaType, raw}
	if tag != "" {
		r.content["manifests/"+tag] = stored{mediaType, raw}
	}
	return ocispec.Descriptor{MediaType: mediaType, Digest: d, Size: int64(len(raw))}
}

// PushImage stores an image manifest of the parts under a tag.
func (r *Repository) PushImage(tag string, config ocispec.Descriptor, layers ...ocispec.Descriptor) ocispec.Descriptor {
	return r.PushManifest(tag, image(ocispec.Manifest{Config: config, Layers: layers}))
}

// PushLayers stores an image manifest with the layers under a tag.
func (r *Repository) PushLayers(tag string, layers ...ocispec.Descriptor) ocispec.Descriptor {
	return r.PushImage(tag, r.PushBlob(ocispec.MediaTypeImageConfig, []byte("{}")), layers...)
}

// PushChart stores a chart as helm push does (HIP-0006).
func (r *Repository) PushChart(tag string, config, archive []byte) ocispec.Descriptor {
	return r.PushImage(tag,
		r.PushBlob("application/vnd.cncf.helm.config.v1+json", config),
		r.PushBlob("application/vnd.cncf.helm.chart.content.v1.tar+gzip", archive))
}

// PushIndex stores an image index under a tag.
func (r *Repository) PushIndex(tag string, manifests ...ocispec.Descriptor) ocispec.Descriptor {
	return r.PushAs(tag, ocispec.MediaTypeImageIndex, index(manifests))
}

// PushReferrer stores an artifact manifest with the layers that refers to a subject. If there is no referrers
// API, it also lists the manifest under the referrers tag, as clients do.
func (r *Repository) PushReferrer(artifactType string, subject ocispec.Descriptor, layers ...ocispec.Descriptor) ocispec.Descriptor {
	d := r.PushManifest("", image(ocispec.Manifest{
		ArtifactType: artifactType, Config: r.PushBlob(ocispec.MediaTypeEmptyJSON, []byte("{}")), Layers: layers, Subject: &subject,
	}))
	d.ArtifactType = artifactType
	if r.WithoutReferrers {
		r.PushIndex(ReferrersTag(subject.Digest), r.referrers(subject.Digest)...)
	}
	return d
}

// ReferrersTag returns the tag that lists the referrers of a manifest in a registry without the referrers API.
func ReferrersTag(d digest.Digest) string { return strings.ReplaceAll(d.String(), ":", "-") }

// DeleteTag deletes a tag, which must exist.
func (r *Repository) DeleteTag(tag string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, ok := r.content["manifests/"+tag]; !ok {
		panic("no tag " + tag)
	}
	delete(r.content, "manifests/"+tag)
}

// empty reports whether no manifest was pushed; registries then do not know the repository.
func (r *Repository) empty() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.order) == 0
}

func (r *Repository) tags() (tags []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for path := range r.content {
		if tag, ok := strings.CutPrefix(path, "manifests/"); ok && !strings.Contains(tag, ":") {
			tags = append(tags, tag)
		}
	}
	slices.Sort(tags)
	return tags
}

// referrers returns the descriptors of the manifests whose subject is d, in the order of their first push.
func (r *Repository) referrers(d digest.Digest) (list []ocispec.Descriptor) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, candidate := range r.order {
		var m ocispec.Manifest
		raw := r.content["manifests/"+candidate.String()].raw
		if json.Unmarshal(raw, &m) != nil || m.Subject == nil || m.Subject.Digest != d {
			continue
		}
		listed := ocispec.Descriptor{MediaType: m.MediaType, Digest: candidate, Size: int64(len(raw)), ArtifactType: m.ArtifactType}
		if r.ListedAs != "" {
			listed.ArtifactType = r.ListedAs
		}
		list = append(list, listed)
	}
	return list
}

func image(m ocispec.Manifest) []byte {
	m.Versioned, m.MediaType = specs.Versioned{SchemaVersion: 2}, ocispec.MediaTypeImageManifest
	return marshal(m)
}

func index(manifests []ocispec.Descriptor) []byte {
	return marshal(ocispec.Index{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageIndex, Manifests: append([]ocispec.Descriptor{}, manifests...)})
}

func marshal(v any) []byte {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return raw
}
