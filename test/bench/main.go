// SPDX-License-Identifier: Apache-2.0

// Command bench prints what the controller costs: registry requests, CPU time,
// peak memory and wall time, of the built binary against a real API server and a
// real registry, with the flags' defaults. Run it with `make bench`.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/verifiedchart/verifiedchart/test/scenario"
)

const (
	few  = 100
	many = 1000
	// watched is how long unchanged objects are watched, every interval of which each is reconciled once.
	watched  = 20 * time.Second
	interval = 5 * time.Second
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) (err error) {
	world, err := scenario.NewWorld()
	if err != nil {
		return err
	}
	defer func() {
		if closed := world.Close(); err == nil {
			err = closed
		}
	}()
	ctx, cancel := world.Guard(ctx)
	defer cancel()
	for _, step := range scenario.Ground() {
		fmt.Fprintln(os.Stderr, "…", step.Title)
		if err := step.Do(ctx, world); err != nil {
			return fmt.Errorf("%s: %w", step.Title, err)
		}
	}
	if err := world.Trust(ctx, world.Release); err != nil {
		return err
	}
	b := &bench{world: world}
	for _, measure := range b.chosen() {
		if err := measure(ctx); err != nil {
			return err
		}
	}
	return nil
}
