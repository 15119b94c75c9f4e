package process

import (
	"context"
	"errors"
	"slices"
	"sync"
)

// Group is the programs that work together: the death of one is the failure of
// all. The zero value is an empty group.
type Group struct {
	mu      sync.Mutex
	members []*Process
	dead    chan error
}

// Start runs a program as a member of the group.
func (g *Group) Start(ctx context.Context, c Command) (*Process, error) {
	p, err := Start(ctx, c)
	if err != nil {
		return nil, err
	}
	g.Add(p)
	return p, nil
}

// Add makes a program that runs a member of the group.
func (g *Group) Add(p *Process) {
	dead := g.channel()
	g.mu.Lock()
	defer g.mu.Unlock()
	g.members = append(g.members, p)
	go func() {
		<-p.Died()
		if err := p.Err(); err != nil {
			select {
			case dead <- err:
			default:
			}
		}
	}()
}

// Died receives the *Failure of the first member that ends without being asked to.
func (g *Group) Died() <-chan error { return g.channel() }

func (g *Group) channel() chan error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.dead == nil {
		g.dead = make(chan error, 1)
	}
	return g.dead
}

// Stop stops the members, the last one first, and returns when all have ended.
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
