// Package server hands out artifacts over HTTP: single files, to GET and HEAD,
// and only those it is told it may. It lists nothing, follows no link, and lets
// no slow reader keep others waiting.
//
// It does not know what is in a file, or why it may be handed out.
package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"golang.org/x/net/netutil"
)

const (
	headerTimeout  = 10 * time.Second
	idleTimeout    = 60 * time.Second
	stallTimeout   = 30 * time.Second
	shutdownTime   = 10 * time.Second
	maxHeaderBytes = 16 << 10
	maxConnections = 1024
)

// Options say what a Server serves.
type Options struct {
	// Root is the storage's folder.
	Root string
	// Addr to listen on, as ":9090". It is not used where Listener is set.
	Addr string
	// Listener to serve on. Optional.
	Listener net.Listener
	// Admits says whether the file at the path of a URL may be handed out by now.
	Admits func(path string) bool
	// StallTimeout is how long a reader may take nothing; 30s by default.
	StallTimeout time.Duration
}

// Server is the HTTP server of artifacts. It is run by a controller-runtime
// manager, and only while that manager is the leader.
type Server struct {
	options Options
	http    *http.Server
}

// New returns a server that is not running yet.
func New(o Options) *Server {
	if o.StallTimeout == 0 {
		o.StallTimeout = stallTimeout
	}
	return &Server{
		options: o,
		http: &http.Server{
			Handler:           &handler{root: o.Root, admits: o.Admits, stall: o.StallTimeout},
			ReadHeaderTimeout: headerTimeout,
			ReadTimeout:       headerTimeout,
			IdleTimeout:       idleTimeout,
			MaxHeaderBytes:    maxHeaderBytes,
		},
	}
}

// NeedLeaderElection keeps a standby, which has judged nothing, from serving.
func (s *Server) NeedLeaderElection() bool { return true }

// Start serves until ctx ends, and then lets downloads finish for a while.
func (s *Server) Start(ctx context.Context) error {
	listener, err := s.listen()
	if err != nil {
		return fmt.Errorf("cannot serve artifacts on --storage-addr %q: %w", s.options.Addr, err)
	}
	failed := make(chan error, 1)
	go func() { failed <- s.http.Serve(netutil.LimitListener(listener, maxConnections)) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTime)
	defer cancel()
	if err := s.http.Shutdown(stop); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return s.http.Close()
}

func (s *Server) listen() (net.Listener, error) {
	if s.options.Listener != nil {
		return s.options.Listener, nil
	}
	return net.Listen("tcp", s.options.Addr)
}
