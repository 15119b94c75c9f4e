// SPDX-License-Identifier: Apache-2.0

// Package process runs real programs for tests and the demo, so that none outlives them: each program is ready
// before it is used, its death is noticed, it is stopped with its children, and it is killed when the parent is
// killed. The package does not know the programs.
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
	defaultPatience = 3 * time.Minute
	defaultGrace    = 10 * time.Second
	probeInterval   = 50 * time.Millisecond
)

// Command is a program to run.
type Command struct {
	Name string // in errors, and of the log file
	Path string
	Args []string
	// Env is added to the environment of this process.
	Env []string
	// Dir is the working directory, which also holds the log `<Name>.log`. It is created if necessary.
	Dir string
	// Ready is called until it returns nil. A nil Ready means that the program is ready at once.
	Ready func(context.Context) error
	// Patience bounds the time until the program is ready: three minutes by default, which only a failure
	// takes.
	Patience time.Duration
	// Grace is the time that the program has to end when it is stopped, before it is killed: 10 s by default. A
	// program with a negative Grace has no data to save and is killed at once.
	Grace time.Duration
}

// Process is a program that is running, or has run.
type Process struct {
	command Command
	cmd     *exec.Cmd
	log     string
	stopped atomic.Bool
	died    chan struct{}
	exit    error // result of Wait; read it only after died is closed
}

// Start runs a program and returns when it is ready. If the program ends before that, or is not ready in time,
// Start stops it and returns an error with the end of its log. Ctx bounds only the start.
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

// run starts the program from its own thread, which lives as long as the program: Linux sends the signal of a
// parent's death when the parent's *thread* ends.
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

// Died returns a channel that is closed when the program has ended, expectedly or not.
func (p *Process) Died() <-chan struct{} { return p.died }

// Err returns a *Failure if the program has ended unexpectedly, and nil while it runs or after Stop.
func (p *Process) Err() error {
	select {
	case <-p.died:
	default:
		return nil
	}
	if p.stopped.Load() {
		return nil
	}
	cause := p.exit
	if cause == nil {
		cause = errors.New("it ended though nothing asked it to")
	}
	return &Failure{Name: p.command.Name, Cause: cause, Log: p.log, Tail: tailOf(p.log)}
}

// PID returns the id of the process, which is also the id of its process group.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Log returns the path of the program's log.
func (p *Process) Log() string { return p.log }

// Stop asks the program to end. After the grace period it kills the program and everything left in its process
// group. It returns when the program has ended, and may be called again.
func (p *Process) Stop() error {
	grace := p.command.Grace
	if grace < 0 {
		p.Kill()
		return nil
	}
	if grace == 0 {
		grace = defaultGrace
	}
	p.stopped.Store(true)
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

// dump makes a Go program write its stacks to the log, which ends it.
func (p *Process) dump() {
	_ = syscall.Kill(p.PID(), syscall.SIGQUIT)
	select {
	case <-p.died:
	case <-time.After(time.Second):
	}
}

// Kill ends the program at once, as a crash would.
func (p *Process) Kill() {
	p.stopped.Store(true)
	_ = syscall.Kill(-p.PID(), syscall.SIGKILL)
	<-p.died
}
