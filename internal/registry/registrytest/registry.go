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

	quirks
	// elsewhere is a server on another port, for a token service, a storage and web pages.
	elsewhere        *httptest.Server
	withoutReferrers bool

	mu           sync.Mutex
	repositories map[string]*Repository
	fault        Fault
	requests     []string
	isLimited    bool
	expired      int // how often tokens expired
}

// Option changes a Registry before it starts.
type Option func(*config)

type config struct {
	tls          bool
	certificates []tls.Certificate
	bare         bool
	address      string
	quirks
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
	c := config{quirks: specified}
	for _, o := range opts {
		o(&c)
	}
	r := &Registry{withoutReferrers: c.bare, quirks: c.quirks, repositories: map[string]*Repository{}}
	r.Server = httptest.NewUnstartedServer(http.HandlerFunc(r.serve))
	if c.address != "" {
		_ = r.Server.Listener.Close()
		listener, err := net.Listen("tcp", c.address)
		if err != nil {
			panic(err)
		}
		r.Server.Listener = listener
	}
	if c.needsElsewhere() {
		r.elsewhere = httptest.NewUnstartedServer(http.HandlerFunc(r.serveElsewhere))
		c.start(r.elsewhere)
	}
	c.start(r.Server)
	return r
}

func (c config) start(s *httptest.Server) {
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	if !c.tls {
		s.Start()
		return
	}
	s.TLS = &tls.Config{MinVersion: tls.VersionTLS12, Certificates: c.certificates}
	s.StartTLS()
}

// Close ends the registry and its connections.
func (r *Registry) Close() {
	for _, s := range []*httptest.Server{r.Server, r.elsewhere} {
		if s != nil {
			s.CloseClientConnections()
			s.Close()
		}
	}
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

// Requests returns the requests since Reset, such as "GET /v2/…". Those to the other host of a registry that has one
// are such as "GET elsewhere/token".
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
	fault := r.record(req.Method + " " + req.URL.Path)
	if fault != nil && fault(w, req) || r.givesToken(w, req) {
		return
	}
	path := content.FindStringSubmatch(req.URL.Path)
	if path == nil || req.Method != http.MethodGet && req.Method != http.MethodHead {
		unknown(w, "UNSUPPORTED")
		return
	}
	if repository := r.Repository(path[1]); !r.limits(w, req) && r.admits(w, req, repository) {
		r.answer(w, req, repository, path[2])
	}
}

// record adds a request to the list, and returns the fault that is set.
func (r *Registry) record(request string) Fault {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.requests = append(r.requests, request)
	return r.fault
}

// answer answers a request for the path inside a repository.
func (r *Registry) answer(w http.ResponseWriter, req *http.Request, repository *Repository, path string) {
	mediaType, raw, ok := repository.Get(path)
	switch kind, _, _ := strings.Cut(path, "/"); {
	case repository.empty():
		r.refuseMissing(w, repository.Name)
	case r.redirects(w, repository.Name, path, ok):
	case !ok && kind != "manifests":
		unknown(w, map[string]string{"blobs": "BLOB_UNKNOWN", "referrers": "MANIFEST_UNKNOWN"}[kind])
	case !ok:
		r.missingTag.refuse(w)
	case kind == "tags":
		r.answerPage(w, req, repository)
	case kind == "manifests" && r.isUnchanged(w, req, raw):
	default:
		r.send(w, req, mediaType, raw)
	}
}

// send answers 200 OK.
func (r *Registry) send(w http.ResponseWriter, req *http.Request, mediaType string, raw []byte) {
	if !r.bareHead || req.Method != http.MethodHead {
		w.Header().Set("Docker-Content-Digest", digest.FromBytes(raw).String())
	}
	w.Header().Set("Content-Type", mediaType+r.charset)
	w.Header().Set("Content-Length", strconv.Itoa(len(raw)))
	_, _ = w.Write(raw)
}

// unknown answers 404 with a code of the distribution specification.
func unknown(w http.ResponseWriter, code string) { refusal{http.StatusNotFound, code}.refuse(w) }
