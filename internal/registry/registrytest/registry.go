// SPDX-License-Identifier: Apache-2.0

// Package registrytest holds OCI repositories in memory, and serves them over real HTTP. Tests can push to
// them, count the requests and break the registry.
//
// It does not know signatures, credentials or the client that reads it, and of charts only the media types. It
// refuses no content: a hostile publisher pushes what real registries may refuse. Clients cannot push over HTTP.
package registrytest

import (
	"crypto/tls"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Fault may answer a request instead of the registry; it returns true if it did.
type Fault func(w http.ResponseWriter, r *http.Request) bool

// Registry is a running registry. It is safe for concurrent use.
type Registry struct {
	// Server serves it.
	Server *httptest.Server

	withoutReferrers bool

	mu           sync.Mutex
	repositories map[string]*Repository
	fault        Fault
	requests     []string
}

// Option changes a Registry before it starts.
type Option func(*config)

type config struct {
	tls          bool
	certificates []tls.Certificate
	bare         bool
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

// WithoutReferrers leaves out the referrers API, as GHCR does. Clients then list each referrer without its type.
func WithoutReferrers(c *config) { c.bare = true }

// New starts a registry. Close ends it.
func New(opts ...Option) *Registry {
	var c config
	for _, o := range opts {
		o(&c)
	}
	r := &Registry{withoutReferrers: c.bare, repositories: map[string]*Repository{}}
	r.Server = httptest.NewUnstartedServer(http.HandlerFunc(r.serve))
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

// Repository returns the repository with that name, which is empty at first.
func (r *Registry) Repository(name string) *Repository {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.repositories[name] == nil {
		repository := NewRepository()
		repository.Name = name
		if r.withoutReferrers {
			repository.WithoutReferrers, repository.ListedAs = true, ocispec.MediaTypeEmptyJSON
		}
		r.repositories[name] = repository
	}
	return r.repositories[name]
}

var content = regexp.MustCompile("^/v2/(.+)/((?:manifests|blobs|referrers|tags)/[^/]+)$")

func (r *Registry) serve(w http.ResponseWriter, req *http.Request) {
	r.mu.Lock()
	r.requests = append(r.requests, req.Method+" "+req.URL.Path)
	fault := r.fault
	r.mu.Unlock()
	if fault != nil && fault(w, req) {
		return
	}
	path := content.FindStringSubmatch(req.URL.Path)
	if path == nil || req.Method != http.MethodGet && req.Method != http.MethodHead {
		unknown(w, "UNSUPPORTED")
		return
	}
	repository := r.Repository(path[1])
	mediaType, raw, ok := repository.Get(path[2])
	switch {
	case repository.empty():
		unknown(w, "NAME_UNKNOWN")
		return
	case !ok && strings.HasPrefix(path[2], "blobs/"):
		unknown(w, "BLOB_UNKNOWN")
		return
	case !ok:
		unknown(w, "MANIFEST_UNKNOWN")
		return
	}
	w.Header().Set("Content-Type", mediaType)
	w.Header().Set("Content-Length", strconv.Itoa(len(raw)))
	w.Header().Set("Docker-Content-Digest", digest.FromBytes(raw).String())
	_, _ = w.Write(raw)
}

// unknown answers 404 with a code of the distribution specification.
func unknown(w http.ResponseWriter, code string) {
	http.Error(w, fmt.Sprintf(`{"errors":[{"code":%q}]}`, code), http.StatusNotFound)
}
