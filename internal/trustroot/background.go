// SPDX-License-Identifier: Apache-2.0

package trustroot

import (
	"context"
	"time"
)

// Start keeps the trusted root current until ctx is done, and then returns nil.
// It does nothing before the first call of Root.
func (t *TUF) Start(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case <-t.requested:
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-t.ended:
		case <-time.After(t.next().Sub(t.now())):
			t.tick(ctx)
		}
	}
}

// NeedLeaderElection reports false. A replica that does not lead never calls Root,
// so it fetches nothing.
func (t *TUF) NeedLeaderElection() bool { return false }

// tick refreshes the root if a refresh is due, and announces an expiry.
func (t *TUF) tick(ctx context.Context) {
	t.mu.Lock()
	due := t.due()
	if t.now().Before(due) {
		t.mu.Unlock()
		t.notify()
		return
	}
	running := t.refresh()
	t.mu.Unlock()
	select {
	case <-running.done:
	case <-ctx.Done():
	}
}

// next returns the time of the next refresh or expiry.
func (t *TUF) next() time.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	due := t.due()
	// The root is still valid at the instant of its expiry.
	if v := t.current.Load(); v != nil && t.valid() != nil && v.expires.Before(due) {
		return v.expires.Add(time.Nanosecond)
	}
	return due
}

// due returns the time of the next refresh. The caller holds t.mu.
func (t *TUF) due() time.Time {
	if t.failures > 0 {
		wait := failureMemory
		for range t.failures - 1 {
			wait = min(2*wait, maxBackoff)
		}
		return t.attempted.Add(min(wait, t.every))
	}
	v := t.current.Load()
	if v == nil {
		return t.now() // the first refresh is under way
	}
	half := v.expires.Sub(t.refreshed) / 2
	return t.refreshed.Add(min(t.every, max(half, failureMemory)))
}

// notify calls changed if the valid root differs from the last one announced.
func (t *TUF) notify() {
	t.announcement.Lock()
	defer t.announcement.Unlock()
	id := ""
	if r := t.valid(); r != nil {
		id = r.ID()
	}
	if id != t.announced {
		t.announced = id
		t.changed()
	}
}
