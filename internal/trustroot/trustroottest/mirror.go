// SPDX-License-Identifier: Apache-2.0

package trustroottest

import (
	"net/http"
	"net/http/httptest"
	"path"
	"slices"
	"strings"
)

// Fault sees each request before the repository. It answers the request and reports true, or reports false.
type Fault func(http.ResponseWriter, *http.Request) bool

// Down is the Fault of a mirror that drops each connection.
func Down(http.ResponseWriter, *http.Request) bool { panic(http.ErrAbortHandler) }

// Hang is the Fault of a mirror that answers nothing until the client gives up.
func Hang(_ http.ResponseWriter, request *http.Request) bool {
	<-request.Context().Done()
	return true
}

// SetFault makes the mirror fail from now on; nil repairs it.
func (r *Repository) SetFault(f Fault) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fault = f
}

// Requests returns the requested paths, in order, such as "timestamp.json".
func (r *Repository) Requests() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.requests)
}

// URL returns the URL at which the repository is served over HTTP, from the first call until Close.
func (r *Repository) URL() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.server == nil {
		r.server = httptest.NewServer(r)
	}
	return r.server.URL
}

// Close ends the server that URL started.
func (r *Repository) Close() {
	r.mu.Lock()
	server := r.server
	r.server = nil
	r.mu.Unlock()
	if server != nil {
		server.CloseClientConnections()
		server.Close()
	}
}

// ServeHTTP serves the repository.
func (r *Repository) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	name := strings.TrimPrefix(path.Clean(request.URL.Path), "/")
	r.mu.Lock()
	r.requests = append(r.requests, name)
	fault := r.fault
	raw, ok := r.files[name]
	r.mu.Unlock()
	if fault != nil && fault(w, request) {
		return
	}
	if !ok {
		http.NotFound(w, request)
		return
	}
	_, _ = w.Write(raw) // the client may be gone
}

// Transport serves the repository without a network, under any URL: for tests in a testing/synctest bubble, in
// which time stands still during network I/O.
func (r *Repository) Transport() http.RoundTripper { return transport{r} }

type transport struct{ repository *Repository }

func (t transport) RoundTrip(request *http.Request) (response *http.Response, err error) {
	defer func() {
		if cause := recover(); cause == http.ErrAbortHandler { //nolint:errorlint // a panic's value is that very error
			response, err = nil, http.ErrAbortHandler
		} else if cause != nil {
			panic(cause)
		}
	}()
	recorder := httptest.NewRecorder()
	t.repository.ServeHTTP(recorder, request)
	if err := request.Context().Err(); err != nil {
		return nil, err
	}
	return recorder.Result(), nil
}
