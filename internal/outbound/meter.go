// SPDX-License-Identifier: Apache-2.0

package outbound

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
)

// FreeRead is the number of bytes that one errand may read into memory without a ticket.
const FreeRead = 256 << 10

// Pool holds the tickets of the errands that read large contents into memory. No namespace gets more than half
// of them. A Pool is safe for concurrent use.
type Pool struct {
	tickets int

	mu      sync.Mutex
	taken   map[string]int // by namespace
	waiting []*waiter      // in order of arrival
}

// waiter is an errand that waits for a ticket.
type waiter struct {
	namespace string
	granted   chan struct{} // closed when the waiter gets a ticket
}

// NewPool returns a Pool of at least two tickets.
func NewPool(tickets int) *Pool {
	return &Pool{tickets: max(tickets, 2), taken: map[string]int{}}
}

// errCrowded is the error for an errand whose time ended while it waited for a ticket. The host is not at
// fault.
var errCrowded = errors.New("too many large answers are being read")

// take waits for a ticket.
func (p *Pool) take(ctx context.Context, namespace string) error {
	w := &waiter{namespace: namespace, granted: make(chan struct{})}
	p.mu.Lock()
	p.waiting = append(p.waiting, w)
	p.grant()
	p.mu.Unlock()
	select {
	case <-w.granted:
		return nil
	case <-ctx.Done():
		p.leave(w)
		return fmt.Errorf("%w: %w", errCrowded, context.Cause(ctx))
	}
}

// leave ends a wait. The waiter may have got the ticket at the same moment.
func (p *Pool) leave(w *waiter) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if i := slices.Index(p.waiting, w); i >= 0 {
		p.waiting = slices.Delete(p.waiting, i, i+1)
		return
	}
	p.free(w.namespace)
}

// put returns a ticket.
func (p *Pool) put(namespace string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.free(namespace)
}

func (p *Pool) free(namespace string) {
	if p.taken[namespace]--; p.taken[namespace] == 0 {
		delete(p.taken, namespace)
	}
	p.grant()
}

// grant gives free tickets to waiters: first to the namespaces with the fewest tickets, in order of arrival.
func (p *Pool) grant() {
	for {
		taken, next := 0, -1
		for _, n := range p.taken {
			taken += n
		}
		for i, w := range p.waiting {
			if p.taken[w.namespace] < p.tickets/2 && (next < 0 || p.taken[w.namespace] < p.taken[p.waiting[next].namespace]) {
				next = i
			}
		}
		if taken == p.tickets || next < 0 {
			return
		}
		w := p.waiting[next]
		p.waiting = slices.Delete(p.waiting, next, next+1)
		p.taken[w.namespace]++
		close(w.granted)
	}
}

// Meter counts the bytes that one errand reads into memory. It takes a ticket of its Pool when they exceed
// FreeRead, and keeps it until the errand ends. A Meter is safe for concurrent use.
type Meter struct {
	pool      *Pool
	namespace string

	turn     chan struct{} // held by the goroutine that uses the fields below
	read     int
	ticketed bool
	ended    bool
}

// Meter returns the Meter of an errand for a namespace. Release ends it.
func (p *Pool) Meter(namespace string) *Meter {
	return &Meter{pool: p, namespace: namespace, turn: make(chan struct{}, 1)}
}

// Release returns the ticket at the end of the errand; later reads fail. The contexts of all reads must end
// before Release.
func (m *Meter) Release() {
	m.turn <- struct{}{}
	defer func() { <-m.turn }()
	if m.ticketed {
		m.pool.put(m.namespace)
	}
	m.ticketed, m.ended = false, true
}

type meterKey struct{}

// WithMeter returns a context whose reads the Meter counts. Without one, reads have no bound but their own limits.
func WithMeter(ctx context.Context, m *Meter) context.Context {
	return context.WithValue(ctx, meterKey{}, m)
}

func meterOf(ctx context.Context) *Meter {
	m, _ := ctx.Value(meterKey{}).(*Meter)
	return m
}

// errEnded is the error for a read after the end of the errand.
var errEnded = errors.New("the errand has ended")

// next returns the number of bytes to read at once, at most n: without a ticket, at most the free bytes, and
// then a single byte, because only a further byte proves that there are more.
func (m *Meter) next(n int) int {
	if m == nil {
		return n
	}
	m.turn <- struct{}{}
	defer func() { <-m.turn }()
	if m.ticketed {
		return n
	}
	return min(n, max(FreeRead-m.read, 1))
}

// count counts n read bytes, and waits for a ticket if they are the first above the free bytes.
func (m *Meter) count(ctx context.Context, n int) error {
	if m == nil || n == 0 {
		return nil
	}
	select {
	case m.turn <- struct{}{}:
		defer func() { <-m.turn }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if m.ended {
		return errEnded
	}
	if m.read += n; m.read <= FreeRead || m.ticketed {
		return nil
	}
	if err := m.pool.take(ctx, m.namespace); err != nil {
		return err
	}
	m.ticketed = true
	return nil
}
