// SPDX-License-Identifier: Apache-2.0

// Package server serves stored artifacts over HTTP: whole files or ranges of them, to
// GET and HEAD, at exact paths and only while the file has the digest that the path
// was allowed for (Paths). It lists nothing, never leaves the storage folder, and
// keeps serving while some clients are slow, idle or stuck.
//
// It does not know why a path is allowed, how files are written, or Kubernetes.
package server

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"golang.org/x/net/netutil"
)

// Limits that apply if Options do not set them.
const (
	// DefaultStallTimeout is far longer than a working network needs for a piece of a file.
	DefaultStallTimeout = 30 * time.Second
	// DefaultGracePeriod is the time that Flux's controllers leave to requests when they stop.
	DefaultGracePeriod = 5 * time.Second
	// DefaultMaxConnections is well below the usual limit of 1,024 open files: each connection takes up to two.
	DefaultMaxConnections = 256
	// DefaultReadTimeout is ample for a request of a few hundred bytes.
	DefaultReadTimeout = 10 * time.Second
	// DefaultIdleTimeout frees the connections of clients that come once per interval.
	DefaultIdleTimeout = 30 * time.Second

	maxHeaderBytes = 16 << 10
)

// Options configure a Server.
type Options struct {
	// Root is the storage folder.
	Root string
	// Addr is the address to listen on, as host:port. It is ignored if there is a Listener.
	Addr string
	// Listener, if not nil, accepts the connections. Start closes it.
	Listener net.Listener
	// Paths are the paths that may be served. If nil, no path is known yet.
	Paths *Paths
	// Damaged, if not nil, is called on each request for an allowed path whose file is missing or has a wrong
	// digest, with the owner of the path. The callee should fetch the file again. Damaged must return at once,
	// because the request waits for it, and must be safe for concurrent use.
	Damaged func(Owner)
	// StallTimeout is how long a client may take to read the next piece of a
	// response, of at most 32 KiB. The zero value means DefaultStallTimeout.
	StallTimeout time.Duration
	// ReadTimeout is how long a client may take to send a request. The zero value
	// means DefaultReadTimeout.
	ReadTimeout time.Duration
	// IdleTimeout is how long a connection without a request stays open. The zero
	// value means DefaultIdleTimeout.
	IdleTimeout time.Duration
	// GracePeriod is how long Start waits for requests when its context ends. The
	// zero value means DefaultGracePeriod.
	GracePeriod time.Duration
	// MaxConnections bounds the open connections; other connections wait. The zero value means
	// DefaultMaxConnections.
	MaxConnections int
	// ErrorLog receives errors of connections. Nil means the standard logger of package log.
	ErrorLog *log.Logger
}

// Server is the artifact server. It is a controller-runtime Runnable. New makes one.
type Server struct {
	options Options
	http    *http.Server
	addr    atomic.Pointer[net.Addr]
}

// New returns a server; Start starts it.
func New(o Options) *Server {
	o.StallTimeout = cmp.Or(o.StallTimeout, DefaultStallTimeout)
	o.ReadTimeout = cmp.Or(o.ReadTimeout, DefaultReadTimeout)
	o.IdleTimeout = cmp.Or(o.IdleTimeout, DefaultIdleTimeout)
	o.GracePeriod = cmp.Or(o.GracePeriod, DefaultGracePeriod)
	o.MaxConnections = cmp.Or(o.MaxConnections, DefaultMaxConnections)
	s := &Server{options: o, http: &http.Server{
		Handler:           Handler(o),
		ReadHeaderTimeout: o.ReadTimeout,
		ReadTimeout:       o.ReadTimeout,
		WriteTimeout:      o.StallTimeout, // for the first piece; the handler extends it
		IdleTimeout:       o.IdleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          o.ErrorLog,
	}}
	if o.Listener != nil {
		s.setAddr(o.Listener)
	}
	return s
}

// Addr returns the address of the listener, or nil before Start has bound it.
func (s *Server) Addr() net.Addr {
	if a := s.addr.Load(); a != nil {
		return *a
	}
	return nil
}

// NeedLeaderElection returns true: only the leader serves, since it alone knows
// which charts are proven (fluxcd/source-controller#272).
func (s *Server) NeedLeaderElection() bool { return true }

// Start serves until ctx ends, and then waits for running requests, but not longer than the grace period. It
// returns nil if ctx ended, and may be called only once.
func (s *Server) Start(ctx context.Context) error {
	listener := s.options.Listener
	if listener == nil {
		var err error
		if listener, err = (&net.ListenConfig{}).Listen(ctx, "tcp", s.options.Addr); err != nil {
			return fmt.Errorf("cannot serve artifacts on --storage-addr %q: %w", s.options.Addr, err)
		}
		s.setAddr(listener)
	}
	served := make(chan error, 1)
	go func() { served <- s.http.Serve(netutil.LimitListener(listener, s.options.MaxConnections)) }()
	select {
	case err := <-served:
		return fmt.Errorf("the artifact server on %s stopped: %w", listener.Addr(), err)
	case <-ctx.Done():
	}
	return s.stop()
}

// stop lets requests finish within the grace period and then aborts them.
func (s *Server) stop() error {
	ctx, cancel := context.WithTimeout(context.Background(), s.options.GracePeriod)
	defer cancel()
	if err := s.http.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return s.http.Close()
}

func (s *Server) setAddr(l net.Listener) {
	a := l.Addr()
	s.addr.Store(&a)
}
