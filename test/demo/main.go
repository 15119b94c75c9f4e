// SPDX-License-Identifier: Apache-2.0

// Program demo shows on this machine what the product does: it starts a control
// plane, a registry, our controller and Flux's helm-controller on free ports of
// the loopback interface, runs commands that a reader could type, and prints the
// effect of each with the time that it took. It stays up until Ctrl-C. With
// ONCE=1 it ends by itself; its exit status is 0 only if every effect was seen.
// It leaves nothing behind.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/verifiedchart/verifiedchart/test/scenario"
)

// errInterrupted is the cause if a signal ends the demo.
var errInterrupted = errors.New("interrupted")

func main() {
	ctx, cancel := context.WithCancelCause(context.Background())
	go watchSignals(cancel)
	go watchParent(cancel)
	err := run(ctx, &screen{to: os.Stdout}, os.Getenv("ONCE") == "1")
	status := exitStatus(err)
	if status == 1 {
		fmt.Fprint(&screen{to: os.Stderr}, fold("demo: "+err.Error(), ""))
	}
	os.Exit(status)
}

// exitStatus returns the exit status of a demo that ended with an error or nil.
func exitStatus(err error) int {
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errInterrupted):
		return 130
	}
	return 1
}

// run builds the parts, sets the demo up, shows it and cleans up.
func run(ctx context.Context, out io.Writer, once bool) (err error) {
	if err := buildParts(ctx, out); err != nil {
		return err
	}
	w, err := scenario.NewWorld()
	if err != nil {
		return err
	}
	d := newDemo(w, out)
	defer func() {
		fmt.Fprintln(out, "cleaning up …")
		d.elsewhere.close()
		err = errors.Join(err, d.keeper.Stop(), w.Close())
	}()
	ctx, stop := w.Guard(ctx)
	defer stop()
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	if err := d.prepare(ctx, fail); err != nil {
		return err
	}
	return d.show(ctx, once)
}

// show plays every chapter, and waits for Ctrl-C unless once is set. Its error lists the effects that were not seen.
func (d *demo) show(ctx context.Context, once bool) error {
	d.introduce()
	p := &player{out: d.out, shell: func(ctx context.Context, command string) (string, error) {
		return shell(ctx, d.world.Dir, command)
	}}
	unseen := p.play(ctx, d.chapters())
	if once || ctx.Err() != nil {
		return unseen
	}
	d.invite()
	<-ctx.Done()
	if cause := context.Cause(ctx); !errors.Is(cause, errInterrupted) {
		return cause
	}
	fmt.Fprintln(d.out)
	return unseen
}

// watchSignals ends the demo on the first signal; later ones do not stop it from cleaning up.
func watchSignals(cancel context.CancelCauseFunc) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	for range signals {
		cancel(errInterrupted)
	}
}

// watchParent ends the demo when its parent process is gone: `go run` does not
// pass on a signal that only `go run` receives.
func watchParent(cancel context.CancelCauseFunc) {
	parent := os.Getppid()
	for range time.Tick(500 * time.Millisecond) {
		if os.Getppid() != parent {
			cancel(errInterrupted)
			return
		}
	}
}
