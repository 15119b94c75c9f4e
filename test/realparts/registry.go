// SPDX-License-Identifier: Apache-2.0

package realparts

import (
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/google/go-containerregistry/pkg/registry"
)

// Server is a server on the loopback interface.
type Server interface {
	// Addr is its host and port.
	Addr() string
	// Requests returns the method and path of each request since the start or the last Forget.
	Requests() []string
	// Clients returns the addresses, without their ports, that these requests came from.
	Clients() []string
	// Forget clears the list of requests.
	Forget()
	// Close ends it. It may be called again.
	Close() error
}

// OCIRegistry is a registry.
type OCIRegistry interface {
	Server
	// OutOfReach sets whether the registry closes connections without an answer.
	OutOfReach(bool)
	// Silent sets whether the registry accepts requests without answering.
	Silent(bool)
}

// At returns a registry at another address: that of a program before it.
func At(addr string, registry OCIRegistry) OCIRegistry { return elsewhere{registry, addr} }

type elsewhere struct {
	OCIRegistry
	addr string
}

func (e elsewhere) Addr() string { return e.addr }

// request is a request that a server has seen.
type request struct{ what, client string }

func whats(requests []request) (list []string) {
	for _, r := range requests {
		list = append(list, r.what)
	}
	return list
}

func clients(requests []request) (list []string) {
	for _, r := range requests {
		list = append(list, r.client)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// counted is an HTTP server that records its requests.
type counted struct {
	server   *httptest.Server
	mu       sync.Mutex
	requests []request
	cut      atomic.Bool
	silent   atomic.Bool
	stop     func() error
}

// count serves on 127.0.0.1.
func count(handler http.Handler, stop func() error) *counted {
	c := newCounted(handler, stop)
	c.server.Start()
	return c
}

// OtherHost is an address of the loopback interface that no registry serves on.
const OtherHost = "127.0.0.2"

// countElsewhere serves on OtherHost.
func countElsewhere(handler http.Handler, stop func() error) (*counted, error) {
	l, err := net.Listen("tcp", OtherHost+":0")
	if err != nil {
		return nil, err
	}
	c := newCounted(handler, stop)
	_ = c.server.Listener.Close()
	c.server.Listener = l
	c.server.Start()
	return c, nil
}

func newCounted(handler http.Handler, stop func() error) *counted {
	c := &counted{stop: stop}
	c.server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		client, _, _ := net.SplitHostPort(r.RemoteAddr)
		c.mu.Lock()
		c.requests = append(c.requests, request{r.Method + " " + r.URL.Path, client})
		c.mu.Unlock()
		if c.silent.Load() {
			<-r.Context().Done()
		}
		if c.cut.Load() {
			panic(http.ErrAbortHandler)
		}
		handler.ServeHTTP(w, r)
	}))
	return c
}

func (c *counted) Addr() string { return c.server.Listener.Addr().String() }

func (c *counted) Requests() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return whats(c.requests)
}

func (c *counted) Clients() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return clients(c.requests)
}

func (c *counted) Forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.requests = nil
}

func (c *counted) OutOfReach(cut bool) { c.cut.Store(cut) }

func (c *counted) Silent(silent bool) { c.silent.Store(silent) }

func (c *counted) Close() error {
	c.server.CloseClientConnections()
	c.server.Close()
	return c.stop()
}

// StartReferrersRegistry starts a registry in this process. It keeps all content in memory and has the
// referrers API of OCI 1.1.
func StartReferrersRegistry() OCIRegistry {
	quiet := registry.Logger(log.New(io.Discard, "", 0))
	return count(registry.New(quiet, registry.WithReferrersSupport(true)), nothing)
}

// nothing stops a server that has nothing behind it.
func nothing() error { return nil }

// front counts the requests for a program, and ends it.
func front(addr string, stop func() error) *counted { return count(forward(addr), stop) }

// forward forwards requests to a program.
func forward(addr string) http.Handler {
	target := &url.URL{Scheme: "http", Host: addr}
	return &httputil.ReverseProxy{
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(target) },
		Transport: &http.Transport{MaxIdleConnsPerHost: 64, DisableCompression: true},
		ErrorLog:  log.New(io.Discard, "", 0),
	}
}
