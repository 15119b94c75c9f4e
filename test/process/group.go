// SPDX-License-Identifier: Apache-2.0

package process

import (
	"context"
	"errors"
	"slices"
	"sync"
)

// Group holds programs that work together: the death of one is the failure of all. The zero value is an empty
// group.
type Group struct {
	mu      sync.Mutex
	members []*Process
	died    chan struct{}
	failure error // that of the first member that died
}

// Start runs a program as a member of the group.
func (g *Group) Start(ctx context.Context, c Command) (*Process, error) {
	p, err := Start(ctx, c)
	if err != nil {
		return nil, err
	}
	g.mu.Lock()
	g.members = append(g.members, p)
	g.mu.Unlock()
	go func() {
		<-p.Died()
		if err := p.Err(); err != nil {
			g.fail(err)
		}
	}()
	return p, nil
}

func (g *Group) fail(err error) {
	died := g.channel()
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.failure == nil {
		g.failure = err
		close(died)
	}
}

// Died returns a channel that is closed when a member has ended unexpectedly.
func (g *Group) Died() <-chan struct{} { return g.channel() }

// Err returns the *Failure of the first member that has ended unexpectedly, or nil.
func (g *Group) Err() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.failure
}

func (g *Group) channel() chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.died == nil {
		g.died = make(chan struct{})
	}
	return g.died
}

// Stop stops the members, the latest first, and returns when all have ended.
func (g *Group) Stop() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	var errs []error
	for _, p := range slices.Backward(g.members) {
		errs = append(errs, p.Stop())
	}
	g.members = nil
	return errors.Join(errs...)
}
