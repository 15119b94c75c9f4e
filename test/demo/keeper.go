// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"time"

	"github.com/verifiedchart/verifiedchart/test/process"
)

// keeper runs a program, and starts it again if a signal ended it, as a kubelet does. It reports a crash instead of hiding it
// behind a restart.
type keeper struct {
	// start starts the program as a member of the group, and returns its process when it is ready.
	start func(context.Context, *process.Group) (*process.Process, error)
	// pidFile holds the id of the process.
	pidFile string

	mu      sync.Mutex
	process *process.Process
	since   time.Time

	stop    context.CancelFunc
	done    chan struct{}
	stopped error // result of Stop; read it only after done is closed
}

// Start starts the program and keeps it running until Stop. The keeper calls failed if the program crashes or does not start again.
func (k *keeper) Start(ctx context.Context, failed func(error)) error {
	group := &process.Group{}
	if err := k.run(ctx, group); err != nil {
		return errors.Join(err, group.Stop())
	}
	ctx, k.stop = context.WithCancel(context.WithoutCancel(ctx))
	k.done = make(chan struct{})
	go func() {
		defer close(k.done)
		err := k.keep(ctx, group)
		if ctx.Err() != nil {
			k.stopped = err
			return
		}
		failed(err)
	}()
	return nil
}

// Stop stops the program. It does nothing if the program was never started.
func (k *keeper) Stop() error {
	if k.stop == nil {
		return nil
	}
	k.stop()
	<-k.done
	return k.stopped
}

// Current returns the id of the process, and the time at which it was ready.
func (k *keeper) Current() (pid int, since time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.process.PID(), k.since
}

// keep starts the program again until ctx ends. Before that it returns only if the program crashes or does not start.
func (k *keeper) keep(ctx context.Context, group *process.Group) error {
	for {
		select {
		case <-ctx.Done():
			return group.Stop()
		case <-group.Died():
		}
		if err := group.Err(); crashed(err) {
			return err
		}
		group = &process.Group{}
		if err := k.run(ctx, group); err != nil {
			stopped := group.Stop()
			if ctx.Err() != nil {
				return stopped
			}
			return errors.Join(err, stopped)
		}
	}
}

func (k *keeper) run(ctx context.Context, group *process.Group) error {
	started, err := k.start(ctx, group)
	if err != nil {
		return err
	}
	k.mu.Lock()
	k.process, k.since = started, time.Now()
	k.mu.Unlock()
	return os.WriteFile(k.pidFile, []byte(strconv.Itoa(started.PID())+"\n"), 0o644)
}

// crashed reports whether a program exited with an error, and not by a signal.
func crashed(err error) bool {
	exit := &exec.ExitError{}
	return errors.As(err, &exit) && exit.ExitCode() > 0
}
