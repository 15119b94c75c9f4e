// SPDX-License-Identifier: Apache-2.0

// Program demo shows the whole road on this machine: it starts a control
// plane, a registry, our controller and Flux's helm-controller on free ports of
// the loopback interface, lets them deal with four signed charts and with five
// that must be refused, shows what came of it, and stays up to be looked at
// until Ctrl-C. With ONCE=1 it ends by itself; its exit status is 0 only if all
// that should be seen was seen. Nothing of it is left behind.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/verifiedchart/verifiedchart/test/parts"
	"github.com/verifiedchart/verifiedchart/test/scenario"
)

// errInterrupted is why the demo ends when it is asked to.
var errInterrupted = errors.New("interrupted")

func main() {
	ctx, cancel := context.WithCancelCause(context.Background())
	go watchSignals(cancel)
	go watchParent(cancel)
	err := run(ctx, os.Getenv("ONCE") == "1")
	if errors.Is(err, errInterrupted) {
		os.Exit(130)
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "demo: %v\n", err)
		os.Exit(1)
	}
}

// run shows everything and cleans up.
func run(ctx context.Context, once bool) (err error) {
	if err := buildParts(ctx); err != nil {
		return err
	}
	w, err := scenario.NewWorld()
	if err != nil {
		return err
	}
	defer func() {
		fmt.Println("cleaning up …")
		err = errors.Join(err, w.Close())
	}()
	ctx, stop := w.Guard(ctx)
	defer stop()
	if err := prepare(ctx, w); err != nil {
		return err
	}
	seen := watch(ctx, w)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err := show(ctx, w); err != nil {
		return err
	}
	if once {
		return seen
	}
	if seen != nil {
		fmt.Println("\nNot all was seen: look at the logs below.")
	}
	invite(w)
	<-ctx.Done()
	if cause := context.Cause(ctx); !errors.Is(cause, errInterrupted) {
		return cause
	}
	fmt.Println()
	return seen
}

// buildParts builds what is not built yet, with its own lines of progress.
func buildParts(ctx context.Context) error {
	root, err := parts.Root()
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "go", "run", "./test/parts/build", "-only="+strings.Join(scenario.Parts(), ","))
	cmd.Dir = root
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return fmt.Errorf("the parts of the demo cannot be built: %w", err)
	}
	return nil
}

// watchSignals ends the demo on the first signal; later ones do not stop it from cleaning up.
func watchSignals(cancel context.CancelCauseFunc) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	for range signals {
		cancel(errInterrupted)
	}
}

// watchParent ends the demo when whoever started it is gone: `go run` does not
// pass on a signal that is sent to it alone.
func watchParent(cancel context.CancelCauseFunc) {
	parent := os.Getppid()
	for range time.Tick(500 * time.Millisecond) {
		if os.Getppid() != parent {
			cancel(errInterrupted)
			return
		}
	}
}
