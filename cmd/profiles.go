// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/fluxcd/pkg/runtime/pprof"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/manager"
)

// addProfiles serves profiles on an address of their own, if that is asked for.
func addProfiles(mgr ctrl.Manager, o options) error {
	if !o.enableProfiles {
		return nil
	}
	mux := http.NewServeMux()
	for path, handler := range pprof.GetHandlers() {
		mux.Handle(path, handler)
	}
	s := &http.Server{Addr: o.profilesAddr, Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	return mgr.Add(manager.RunnableFunc(func(ctx context.Context) error { return serveUntil(ctx, s) }))
}

// serveUntil serves until ctx ends.
func serveUntil(ctx context.Context, s *http.Server) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", s.Addr)
	if err != nil {
		return fmt.Errorf("cannot listen on %s: %w", s.Addr, err)
	}
	go func() {
		<-ctx.Done()
		s.Close() //nolint:errcheck,gosec // it ends anyway
	}()
	if err := s.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
