// SPDX-License-Identifier: Apache-2.0

// Package process runs real programs for tests and the demo, so that none
// outlives them: each is ready before it is used, is noticed when it dies, is
// stopped with its children, and is killed when the parent is killed. It does
// not know which programs they are.
package process

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	defaultPatience = time.Minute
	defaultGrace    = 10 * time.Second
	probeInterval   = 50 * time.Millisecond
)

// Command is a program to run.
type Command struct {
	Name string // for errors, and of the log file
	Path string
	Args []string
	// Env is added to the environment of this process.
	Env []string
	// Dir is the working directory, and where the log `<Name>.log` is written. It is created if need be.
	Dir string
	// Ready is probed until it returns nil. A nil Ready means ready at once.
	Ready func(context.Context) error
	// Patience is how long the program may take to be ready: a minute by default.
	Patience time.Duration
	// Grace is how long the program may take to end when it is stopped, before
	// it is killed: 10 s by default. A program with a negative Grace has nothing worth saving and is killed at once.
	Grace time.Duration
}

// Process is a program that runs, or has run.
type Process struct {
	command Command
	cmd     *exec.Cmd
	log     string
	asked   atomic.Bool
	died    chan struct{}
	exit    error // of Wait, to be read once died is closed
}

// Start runs a program and returns when it is ready. A program that ends
// before, or is not ready in time, is an error with the end of its log, and is
// no longer running. Ctx bounds the start alone.
func Start(ctx context.Context, c Command) (*Process, error) {
	if err := os.MkdirAll(c.Dir, 0o755); err != nil {
		return nil, fmt.Errorf("cannot start %s: %w", c.Name, err)
	}
	p := &Process{command: c, log: filepath.Join(c.Dir, c.Name+".log"), died: make(chan struct{})}
	if err := p.run(); err != nil {
		return nil, fmt.Errorf("cannot start %s: %w", c.Name, err)
	}
	if err := p.awaitReady(ctx); err != nil {
		return nil, errors.Join(err, p.Stop())
	}
	return p, nil
}

// run starts the program from a thread of its own, which lives as long as it:
// Linux sends the signal of a parent's death when the parent's *thread* ends.
func (p *Process) run() error {
	log, err := os.OpenFile(p.log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	p.cmd = exec.Command(p.command.Path, p.command.Args...)
	p.cmd.Dir = p.command.Dir
	p.cmd.Env = append(os.Environ(), p.command.Env...)
	p.cmd.Stdout, p.cmd.Stderr = log, log
	p.cmd.SysProcAttr = attributes()
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer log.Close()
		err := p.cmd.Start()
		started <- err
		if err == nil {
			p.exit = p.cmd.Wait()
			close(p.died)
		}
	}()
	return <-started
}

func (p *Process) awaitReady(ctx context.Context) error {
	if p.command.Ready == nil {
		return nil
	}
	patience := p.command.Patience
	if patience == 0 {
		patience = defaultPatience
	}
	ctx, cancel := context.WithTimeoutCause(ctx, patience, fmt.Errorf("not ready in %s", patience))
	defer cancel()
	tick := time.NewTicker(probeInterval)
	defer tick.Stop()
	for {
		probe := p.command.Ready(ctx)
		if probe == nil {
			return nil
		}
		select {
		case <-p.died:
			return p.Err()
		case <-ctx.Done():
			return &Failure{Name: p.command.Name, Cause: errors.Join(context.Cause(ctx), probe), Log: p.log, Tail: tailOf(p.log)}
		case <-tick.C:
		}
	}
}

// Died is closed when the program has ended, asked to or not.
func (p *Process) Died() <-chan struct{} { return p.died }

// Err returns a *Failure if the program has ended without being asked to, and
// nil while it runs or after Stop.
func (p *Process) Err() error {
	select {
	case <-p.died:
	default:
		return nil
	}
	if p.asked.Load() {
		return nil
	}
	cause := p.exit
	if cause == nil {
		cause = errors.New("it ended though nothing asked it to")
	}
	return &Failure{Name: p.command.Name, Cause: cause, Log: p.log, Tail: tailOf(p.log)}
}

// PID returns the id of the process, which is also that of its group.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Log returns the path of the program's log.
func (p *Process) Log() string { return p.log }

// Stop asks the program to end and kills it, and whatever it has left in its
// process group, if it does not within its grace. It returns when the program
// has ended, and may be called again.
func (p *Process) Stop() error {
	grace := p.command.Grace
	if grace < 0 {
		p.Kill()
		return nil
	}
	if grace == 0 {
		grace = defaultGrace
	}
	p.asked.Store(true)
	_ = syscall.Kill(-p.PID(), syscall.SIGTERM)
	timer := time.NewTimer(grace)
	defer timer.Stop()
	var err error
	select {
	case <-p.died:
	case <-timer.C:
		err = fmt.Errorf("%s did not end in %s and was killed: what it was at is in %s", p.command.Name, grace, p.log)
		p.dump()
	}
	_ = syscall.Kill(-p.PID(), syscall.SIGKILL)
	<-p.died
	return err
}

// dump has a Go program write its stacks to the log, which ends it.
func (p *Process) dump() {
	_ = syscall.Kill(p.PID(), syscall.SIGQUIT)
	select {
	case <-p.died:
	case <-time.After(time.Second):
	}
}

// Kill ends the program at once, as a crash would.
func (p *Process) Kill() {
	p.asked.Store(true)
	_ = syscall.Kill(-p.PID(), syscall.SIGKILL)
	<-p.died
}
