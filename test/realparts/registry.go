// SPDX-License-Identifier: Apache-2.0

package realparts

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"

	"github.com/google/go-containerregistry/pkg/registry"

	"github.com/verifiedchart/verifiedchart/test/parts"
	"github.com/verifiedchart/verifiedchart/test/process"
)

// OCIRegistry is a registry that serves plain HTTP on the loopback interface.
type OCIRegistry interface {
	// Addr is its host and port.
	Addr() string
	// Requests returns the method and path of each request since the start or the last Forget.
	Requests() []string
	// Forget clears the list of requests.
	Forget()
	// OutOfReach sets whether the registry closes connections without an answer.
	OutOfReach(bool)
	// Silent sets whether the registry accepts requests without answering.
	Silent(bool)
	// Close ends it. It may be called again.
	Close() error
}

// counted is an HTTP server that records its requests.
type counted struct {
	server   *httptest.Server
	mu       sync.Mutex
	requests []string
	cut      atomic.Bool
	silent   atomic.Bool
	stop     func() error
}

func count(handler http.Handler, stop func() error) *counted {
	c := &counted{stop: stop}
	c.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.mu.Lock()
		c.requests = append(c.requests, r.Method+" "+r.URL.Path)
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
	return append([]string(nil), c.requests...)
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
	return count(registry.New(quiet, registry.WithReferrersSupport(true)), func() error { return nil })
}

// StartDistribution starts the CNCF distribution registry, as a member of the group, with its files and its
// process id (registry.pid) in dir. It has no referrers API.
func StartDistribution(ctx context.Context, dir string, group *process.Group) (OCIRegistry, error) {
	var p *process.Process
	backend, err := process.RetryAddrInUse(func() (_ string, err error) {
		addr, err := process.FreeAddr()
		if err != nil {
			return "", err
		}
		p, err = startDistribution(ctx, dir, addr, "/v2/", "", group)
		return addr, err
	})
	if err != nil {
		return nil, err
	}
	target := &url.URL{Scheme: "http", Host: backend}
	proxy := &httputil.ReverseProxy{
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(target) },
		Transport: &http.Transport{MaxIdleConnsPerHost: 64, DisableCompression: true},
		ErrorLog:  log.New(io.Discard, "", 0),
	}
	return count(proxy, p.Stop), nil
}

// startDistribution starts the registry with more sections of its configuration. It is ready if it answers a GET of probe with 200.
func startDistribution(ctx context.Context, dir, addr, probe, more string, group *process.Group) (*process.Process, error) {
	path, err := parts.Path(parts.Registry)
	if err != nil {
		return nil, err
	}
	config := filepath.Join(dir, "registry.yaml")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	err = os.WriteFile(config, fmt.Appendf(nil, `version: 0.1
log: {level: warn, accesslog: {disabled: true}}
storage:
  filesystem: {rootdirectory: %q}
  delete: {enabled: true}
http: {addr: %q, relativeurls: true}
%s
`, filepath.Join(dir, "registry"), addr, more), 0o644)
	if err != nil {
		return nil, err
	}
	p, err := group.Start(ctx, process.Command{
		Name:  parts.Registry,
		Path:  path,
		Args:  []string{"serve", config},
		Env:   []string{"OTEL_TRACES_EXPORTER=none"},
		Dir:   dir,
		Ready: process.Answers(http.DefaultClient, "http://"+addr+probe),
		Grace: -1,
	})
	if err != nil {
		return nil, err
	}
	return p, os.WriteFile(filepath.Join(dir, parts.Registry+".pid"), fmt.Appendln(nil, p.PID()), 0o644)
}
