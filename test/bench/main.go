// SPDX-License-Identifier: Apache-2.0

// Command bench prints what the controller costs: registry requests, writes to
// the API server, CPU time, peak memory and wall time, of the built binary
// against a real API server and a real registry, with the flags' defaults. It
// fails if a stated limit is exceeded by more than the load and the speed of the
// machine explain. Run it with `make bench`.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/verifiedchart/verifiedchart/test/scenario"
)

const (
	// watched is the time for which unchanged objects are watched; each is reconciled once per interval.
	watched  = 20 * time.Second
	interval = 5 * time.Second
)

// bench measures one controller after another in one world.
type bench struct {
	world     *scenario.World
	few, many int
	profiles  string // folder of CPU profiles; empty for none
	pprof     string // address of the profiles
	limits    limits
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) (err error) {
	b := &bench{}
	measures, err := b.parse(args)
	if err != nil {
		return err
	}
	if b.world, err = scenario.NewWorld(); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.world.Close()) }()
	ctx, cancel := b.world.Guard(ctx)
	defer cancel()
	for _, step := range slices.Concat(scenario.Ground(), scenario.Charts()) {
		fmt.Fprintln(os.Stderr, "…", step.Title)
		if err := step.Do(ctx, b.world); err != nil {
			return fmt.Errorf("%s: %w", step.Title, err)
		}
	}
	if err := b.world.Trust(ctx, b.world.Release); err != nil {
		return err
	}
	for _, measure := range measures {
		if err := measure(ctx); err != nil {
			return err
		}
	}
	return b.limits.err()
}

// parse returns the measures that the arguments select, in an order that meets their preconditions.
func (b *bench) parse(args []string) ([]func(context.Context) error, error) {
	all := []string{"cold", "unchanged", "many", "edited", "classic"}
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.IntVar(&b.few, "few", 100, "charts of the measures cold and unchanged")
	flags.IntVar(&b.many, "many", 1000, "charts of the measures many and edited")
	flags.StringVar(&b.profiles, "profiles", "", "folder that CPU profiles of the controller are written to")
	only := flags.String("only", "", "one of "+strings.Join(all, ", ")+" (default all)")
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	switch *only {
	case "":
		return []func(context.Context) error{b.cold, b.unchanged, b.fromStart, b.edited, b.classic}, nil
	case "cold":
		return []func(context.Context) error{b.cold}, nil
	case "unchanged":
		return []func(context.Context) error{b.start, b.unchanged}, nil
	case "many":
		return []func(context.Context) error{b.start, b.fromStart}, nil
	case "classic":
		return []func(context.Context) error{b.classic}, nil
	case "edited":
		return []func(context.Context) error{b.start, b.fromStart, b.edited}, nil
	}
	return nil, fmt.Errorf("there is no measure %q: choose from %s", *only, strings.Join(all, ", "))
}
