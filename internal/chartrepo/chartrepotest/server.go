// SPDX-License-Identifier: Apache-2.0

// Package chartrepotest serves classic chart repositories to tests, over HTTP on loopback.
package chartrepotest

import (
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"time"

	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/repo"
	"sigs.k8s.io/yaml"
)

// Server is a web server with a repository under /stable. It counts its requests.
type Server struct {
	*httptest.Server
	// WithoutValidators makes the server send no ETag, as Gitea and chartmuseum do.
	WithoutValidators bool

	mu     sync.Mutex
	files  map[string][]byte
	index  *repo.IndexFile
	asked  []string
	sent   int
	answer func(http.ResponseWriter, *http.Request) bool
}

// New returns a server over plain HTTP, with an empty index. The caller closes it.
func New() *Server {
	s := newServer()
	s.Server = httptest.NewServer(s)
	return s
}

// NewTLS returns a server over HTTPS.
func NewTLS() *Server {
	s := newServer()
	s.Server = httptest.NewTLSServer(s)
	return s
}

func newServer() *Server {
	s := &Server{files: map[string][]byte{}, index: repo.NewIndexFile()}
	s.writeIndex()
	return s
}

// Repository returns the URL of the repository.
func (s *Server) Repository() string { return s.URL + "/stable" }

// Entry changes an entry of the index before it is written.
type Entry func(*repo.ChartVersion)

// WithoutDigest leaves the digest out, as Nexus and Gitea do.
func WithoutDigest(v *repo.ChartVersion) { v.Digest = "" }

// WithDigest states a digest.
func WithDigest(hex string) Entry { return func(v *repo.ChartVersion) { v.Digest = hex } }

// At states the URL of the archive.
func At(url string) Entry { return func(v *repo.ChartVersion) { v.URLs = []string{url} } }

// Add stores the archive of a version, and adds it to the index. It returns the hex SHA-256 of the archive.
func (s *Server) Add(name, version string, archive []byte, change ...Entry) string {
	sum := sha256.Sum256(archive)
	file := name + "-" + version + ".tgz"
	entry := &repo.ChartVersion{
		Metadata: &chart.Metadata{APIVersion: chart.APIVersionV2, Name: name, Version: version},
		URLs:     []string{file}, Digest: hex.EncodeToString(sum[:]), Created: time.Unix(1_700_000_000, 0),
	}
	for _, c := range change {
		c(entry)
	}
	s.mu.Lock()
	s.files["/stable/"+file] = archive
	s.index.Entries[name] = append(slices.DeleteFunc(s.index.Entries[name], func(v *repo.ChartVersion) bool { return v.Version == version }), entry)
	s.mu.Unlock()
	s.writeIndex()
	return hex.EncodeToString(sum[:])
}

// Remove removes a version from the index, and keeps its files.
func (s *Server) Remove(name, version string) {
	s.mu.Lock()
	s.index.Entries[name] = slices.DeleteFunc(s.index.Entries[name], func(v *repo.ChartVersion) bool { return v.Version == version })
	s.mu.Unlock()
	s.writeIndex()
}

func (s *Server) writeIndex() {
	s.mu.Lock()
	defer s.mu.Unlock()
	raw, err := yaml.Marshal(s.index)
	if err != nil {
		panic(err)
	}
	s.files["/stable/index.yaml"] = raw
}

// Put stores a file of the repository, such as "app-1.0.0.tgz.prov".
func (s *Server) Put(name string, raw []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.files["/stable/"+name] = raw
}

// Delete deletes a file of the repository.
func (s *Server) Delete(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.files, "/stable/"+name)
}

// Break answers requests by a function if it reports true; nil mends the server.
func (s *Server) Break(answer func(http.ResponseWriter, *http.Request) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer = answer
}

// Requests returns the paths of the requests so far, in order, without /stable/.
func (s *Server) Requests() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.asked)
}

// Sent returns the bytes of all files that were sent.
func (s *Server) Sent() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sent
}

// Reset forgets the requests so far.
func (s *Server) Reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked, s.sent = nil, 0
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.asked = append(s.asked, strings.TrimPrefix(r.URL.Path, "/stable/"))
	answer, raw, ok := s.answer, s.files[r.URL.Path], s.files[r.URL.Path] != nil
	s.mu.Unlock()
	switch {
	case answer != nil && answer(w, r):
		return
	case !ok:
		http.NotFound(w, r)
		return
	}
	if !s.WithoutValidators {
		sum := sha256.Sum256(raw)
		tag := `"` + hex.EncodeToString(sum[:8]) + `"`
		w.Header().Set("ETag", tag)
		if r.Header.Get("If-None-Match") == tag {
			w.WriteHeader(http.StatusNotModified)
			return
		}
	}
	s.mu.Lock()
	s.sent += len(raw)
	s.mu.Unlock()
	var to io.Writer = w
	if r.Header.Get("Accept-Encoding") == "gzip" {
		w.Header().Set("Content-Encoding", "gzip")
		zipped := gzip.NewWriter(w)
		defer zipped.Close() //nolint:errcheck // the client sees the fault
		to = zipped
	}
	_, _ = to.Write(raw)
}
