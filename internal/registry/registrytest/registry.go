// SPDX-License-Identifier: Apache-2.0

// Package registrytest runs an OCI registry in process, over real HTTP. Tests can push to it, count its
// requests and break it.
//
// It knows only the media types of the parts of a chart, and no signatures.
package registrytest

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"

	ggcr "github.com/google/go-containerregistry/pkg/registry"
	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Fault may answer a request instead of the registry; it returns true if it did.
type Fault func(w http.ResponseWriter, r *http.Request) bool

// Registry is a running registry. It is safe for concurrent use.
type Registry struct {
	// Server serves it.
	Server *httptest.Server

	content          http.Handler
	withoutReferrers bool

	mu       sync.Mutex
	fault    Fault
	requests []string
}

// Option changes a Registry before it starts.
type Option func(*config)

type config struct {
	tls          bool
	certificates []tls.Certificate
	referrers    bool
	address      string
}

// TLS serves HTTPS with httptest's certificate, which Roots holds.
func TLS(c *config) { c.tls = true }

// Certificate serves HTTPS with the given certificate.
func Certificate(certificate tls.Certificate) Option {
	return func(c *config) { c.tls, c.certificates = true, []tls.Certificate{certificate} }
}

// Addr sets the address to listen on; by default, a free one is chosen.
func Addr(address string) Option { return func(c *config) { c.address = address } }

// WithoutReferrers leaves out the referrers API, as GHCR does.
func WithoutReferrers(c *config) { c.referrers = false }

// New starts a registry. Close ends it.
func New(opts ...Option) *Registry {
	c := config{referrers: true}
	for _, o := range opts {
		o(&c)
	}
	r := &Registry{withoutReferrers: !c.referrers, content: ggcr.New(ggcr.Logger(log.New(io.Discard, "", 0)), ggcr.WithReferrersSupport(c.referrers))}
	r.Server = httptest.NewUnstartedServer(r.observe(r.content))
	if c.address != "" {
		_ = r.Server.Listener.Close()
		listener, err := net.Listen("tcp", c.address)
		if err != nil {
			panic(err)
		}
		r.Server.Listener = listener
	}
	r.Server.Config.ErrorLog = log.New(io.Discard, "", 0)
	if c.tls {
		r.Server.TLS = &tls.Config{MinVersion: tls.VersionTLS12, Certificates: c.certificates}
		r.Server.StartTLS()
		return r
	}
	r.Server.Start()
	return r
}

// Close ends the registry and its connections.
func (r *Registry) Close() {
	r.Server.CloseClientConnections()
	r.Server.Close()
}

// Host returns the registry's host and port.
func (r *Registry) Host() string { return strings.SplitN(r.Server.URL, "://", 2)[1] }

// Roots is a PEM bundle with the certificate of a registry with TLS.
func (r *Registry) Roots() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: r.Server.Certificate().Raw})
}

// Break passes each request to fault first; nil repairs the registry.
func (r *Registry) Break(fault Fault) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fault = fault
}

// Requests returns the requests since Reset, such as "GET /v2/…".
func (r *Registry) Requests() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string(nil), r.requests...)
}

// Reset clears the list of requests.
func (r *Registry) Reset() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.requests = nil
}

func (r *Registry) observe(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		r.mu.Lock()
		r.requests = append(r.requests, req.Method+" "+req.URL.Path)
		fault := r.fault
		r.mu.Unlock()
		if fault == nil || !fault(w, req) {
			next.ServeHTTP(w, req)
		}
	})
}

// PushBlob stores a blob and returns its descriptor with the media type.
func (r *Registry) PushBlob(repository, mediaType string, raw []byte) ocispec.Descriptor {
	d := digest.FromBytes(raw)
	r.send(http.MethodPost, fmt.Sprintf("/v2/%s/blobs/uploads/?digest=%s", repository, d), "application/octet-stream", raw)
	return ocispec.Descriptor{MediaType: mediaType, Digest: d, Size: int64(len(raw))}
}

// PushManifest stores raw under a tag, or under its digest if reference is empty.
func (r *Registry) PushManifest(repository, reference, mediaType string, raw []byte) ocispec.Descriptor {
	d := ocispec.Descriptor{MediaType: mediaType, Digest: digest.FromBytes(raw), Size: int64(len(raw))}
	if reference == "" {
		reference = d.Digest.String()
	}
	r.send(http.MethodPut, fmt.Sprintf("/v2/%s/manifests/%s", repository, reference), mediaType, raw)
	return d
}

// PushImage stores an image manifest of the parts under a tag.
func (r *Registry) PushImage(repository, tag string, config ocispec.Descriptor, layers ...ocispec.Descriptor) ocispec.Descriptor {
	raw, err := json.Marshal(ocispec.Manifest{
		Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageManifest, Config: config, Layers: layers,
	})
	if err != nil {
		panic(err)
	}
	return r.PushManifest(repository, tag, ocispec.MediaTypeImageManifest, raw)
}

// PushChart stores a chart as helm push does (HIP-0006).
func (r *Registry) PushChart(repository, tag string, config, archive []byte) ocispec.Descriptor {
	return r.PushImage(repository, tag,
		r.PushBlob(repository, "application/vnd.cncf.helm.config.v1+json", config),
		r.PushBlob(repository, "application/vnd.cncf.helm.chart.content.v1.tar+gzip", archive))
}

// Repository is one repository of a Registry, for pushing.
type Repository struct {
	Registry *Registry
	Name     string
}

// PushBlob stores a blob and describes it with the media type.
func (r Repository) PushBlob(mediaType string, raw []byte) ocispec.Descriptor {
	return r.Registry.PushBlob(r.Name, mediaType, raw)
}

// PushLayers stores an image manifest with the layers under a tag.
func (r Repository) PushLayers(tag string, layers ...ocispec.Descriptor) ocispec.Descriptor {
	return r.Registry.PushImage(r.Name, tag, r.PushBlob(ocispec.MediaTypeImageConfig, []byte("{}")), layers...)
}

// PushReferrer stores an artifact manifest with the layers that refers to a subject. If there is no referrers
// API, it adds the manifest to the referrers tag, as clients do.
func (r Repository) PushReferrer(artifactType string, subject ocispec.Descriptor, layers ...ocispec.Descriptor) ocispec.Descriptor {
	raw, err := json.Marshal(ocispec.Manifest{
		Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageManifest, ArtifactType: artifactType,
		Config: r.PushBlob(ocispec.MediaTypeEmptyJSON, []byte("{}")), Layers: layers, Subject: &subject,
	})
	if err != nil {
		panic(err)
	}
	d := r.Registry.PushManifest(r.Name, "", ocispec.MediaTypeImageManifest, raw)
	if r.Registry.withoutReferrers {
		d.ArtifactType = ocispec.MediaTypeEmptyJSON // as in GHCR
		r.listReferrer(subject.Digest, d)
	}
	return d
}

// listReferrer adds a referrer to the index under the referrers tag.
func (r Repository) listReferrer(subject digest.Digest, d ocispec.Descriptor) {
	index := ocispec.Index{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageIndex}
	tag := strings.ReplaceAll(subject.String(), ":", "-")
	if listed := r.Registry.Manifest(r.Name, tag); listed != nil {
		if err := json.Unmarshal(listed, &index); err != nil {
			panic(err)
		}
	}
	index.Manifests = append(index.Manifests, d)
	raw, err := json.Marshal(index)
	if err != nil {
		panic(err)
	}
	r.Registry.PushManifest(r.Name, tag, ocispec.MediaTypeImageIndex, raw)
}

// Manifest returns a manifest by a tag or a digest.
func (r *Registry) Manifest(repository, reference string) []byte {
	resp := httptest.NewRecorder()
	r.content.ServeHTTP(resp, httptest.NewRequest(http.MethodGet, fmt.Sprintf("/v2/%s/manifests/%s", repository, reference), nil))
	if resp.Code != http.StatusOK {
		return nil
	}
	return resp.Body.Bytes()
}

// DeleteTag deletes a tag.
func (r *Registry) DeleteTag(repository, tag string) {
	r.send(http.MethodDelete, fmt.Sprintf("/v2/%s/manifests/%s", repository, tag), "", nil)
}

// send calls the registry directly, so that pushing is neither counted nor broken.
func (r *Registry) send(method, path, mediaType string, body []byte) {
	req := httptest.NewRequest(method, path, bytes.NewReader(body))
	req.Header.Set("Content-Type", mediaType)
	resp := httptest.NewRecorder()
	r.content.ServeHTTP(resp, req)
	if resp.Code >= http.StatusMultipleChoices {
		panic(fmt.Sprintf("%s %s: %d %s", method, path, resp.Code, resp.Body))
	}
}
