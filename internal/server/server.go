// SPDX-License-Identifier: Apache-2.0

// Package server hands out stored artifacts over HTTP. It serves whole files or
// ranges of them to GET and HEAD, lists nothing, leaves the storage folder in
// no way, and keeps serving others while some clients are slow, idle or stuck.
//
// It does not know which artifacts are proven, but is told (Options.Admits), nor
// how they are written.
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

// Limits, where Options do not say otherwise.
const (
	// DefaultStallTimeout is far longer than a network that works needs for a piece of a file.
	DefaultStallTimeout = 30 * time.Second
	// DefaultGracePeriod is what Flux's controllers leave to requests when they stop.
	DefaultGracePeriod = 5 * time.Second
	// DefaultMaxConnections is well below the usual limit of 1,024 open files: each takes up to two.
	DefaultMaxConnections = 256
	// DefaultReadTimeout is ample for a request, which has a few hundred bytes.
	DefaultReadTimeout = 10 * time.Second
	// DefaultIdleTimeout frees the connections of clients that come once an interval.
	DefaultIdleTimeout = 30 * time.Second

	maxHeaderBytes = 16 << 10
)

// Options say what is served, where and to whom.
type Options struct {
	// Root is the storage folder.
	Root string
	// Addr is the address to listen on, as host:port. It is not used if there is a Listener.
	Addr string
	// Listener, if it is not nil, is where connections come from. Start closes it.
	Listener net.Listener
	// Admits says whether the file at the path of a URL, beginning with a slash,
	// may be handed out now. Nil admits nothing. A file that is there but not
	// admitted is answered with 503, since it may be once it was judged.
	// It must be safe for concurrent use.
	Admits func(urlPath string) bool
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
	// MaxConnections is how many connections are open at once; others wait. The
	// zero value means DefaultMaxConnections.
	MaxConnections int
	// ErrorLog gets errors of connections. Nil means the log package's standard logger.
	ErrorLog *log.Logger
}

// Server is the artifact server. It is a controller-runtime Runnable. New makes one.
type Server struct {
	options Options
	http    *http.Server
	addr    atomic.Pointer[net.Addr]
}

// New returns a server that Start starts.
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
		WriteTimeout:      o.StallTimeout, // of the first piece; the handler moves it on
		IdleTimeout:       o.IdleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          o.ErrorLog,
	}}
	if o.Listener != nil {
		s.setAddr(o.Listener)
	}
	return s
}

// Addr is the address that is listened on, or nil before Start has bound one.
func (s *Server) Addr() net.Addr {
	if a := s.addr.Load(); a != nil {
		return *a
	}
	return nil
}

// NeedLeaderElection says that only the leader serves: it alone knows what is
// proven (fluxcd/source-controller#272).
func (s *Server) NeedLeaderElection() bool { return true }

// Start serves until ctx ends, and then waits for requests that have begun, but
// not longer than the grace period. It returns nil if ctx ended, and may be
// called once.
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

// stop lets requests end within the grace period and then ends them.
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
