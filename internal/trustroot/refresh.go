// SPDX-License-Identifier: Apache-2.0

package trustroot

import (
	"context"
	"fmt"
	"time"
)

// failureMemory is the time after a failed refresh during which every caller gets its error. maxBackoff bounds
// the wait between the background's attempts after failures.
const (
	failureMemory = 30 * time.Second
	maxBackoff    = 10 * time.Minute
)

// refresh is a refresh under way. Its result may be read after done is closed.
type refresh struct {
	done chan struct{}
	root *Root
	err  error
}

// ask joins the refresh under way or starts one, unless the last one failed less than failureMemory ago.
func (t *TUF) ask() (*refresh, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	since := t.now().Sub(t.attempted)
	if t.running == nil && t.failure != nil && since >= 0 && since < failureMemory {
		return nil, t.failure
	}
	return t.refresh(), nil
}

// refresh joins the refresh under way or starts one. The caller holds t.mu.
func (t *TUF) refresh() *refresh {
	if t.running == nil {
		t.running = &refresh{done: make(chan struct{})}
		go t.run(t.running)
	}
	return t.running
}

func (t *TUF) run(r *refresh) {
	// The refresh serves all callers, so it must not end with the context of one.
	ctx, cancel := context.WithTimeout(context.Background(), t.timeout)
	defer cancel()
	v, err := t.client.update(ctx, t.now())
	at := t.now()
	if err != nil {
		v, at = t.fallback()
		err = failed(ErrUnavailable, fmt.Errorf("from %s: %w", t.client.mirror.base, err))
	}
	t.finish(r, v, at, err)
	t.notify()
	select {
	case t.ended <- struct{}{}:
	default:
	}
}

// fallback returns the root in memory, or else the root that an earlier process kept.
func (t *TUF) fallback() (v verified, at time.Time) {
	if v := t.current.Load(); v != nil {
		return *v, t.refreshed
	}
	v, at, err := t.client.recall(t.now())
	if err != nil {
		return verified{}, time.Time{}
	}
	return v, at
}

func (t *TUF) finish(r *refresh, v verified, at time.Time, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if v.root != nil {
		if old := t.current.Load(); old != nil && old.root.ID() == v.root.ID() {
			v.root = old.root // equal pointers tell callers that nothing changed
		}
		t.current.Store(&v)
	}
	t.running, t.refreshed, t.attempted, t.failure = nil, at, t.now(), err
	t.failures++
	if err == nil {
		t.failures = 0
	}
	if r.root = t.valid(); r.root == nil {
		r.err = err
		if err == nil {
			r.err = failed(ErrUnavailable, fmt.Errorf("that of %s has just expired", t.client.mirror.base))
		}
	}
	close(r.done)
}
