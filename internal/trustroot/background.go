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
	case <-t.asked:
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-t.settled:
		case <-time.After(t.next().Sub(t.now())):
			t.tick(ctx)
		}
	}
}

// NeedLeaderElection reports false: what counts is who asks for the root. A
// replica that does not lead asks for none, and so fetches nothing.
func (t *TUF) NeedLeaderElection() bool { return false }

// tick refreshes if it is time to, and announces an expiry.
func (t *TUF) tick(ctx context.Context) {
	t.mu.Lock()
	due := t.due()
	if t.now().Before(due) {
		t.mu.Unlock()
		t.announce()
		return
	}
	running := t.refresh()
	t.mu.Unlock()
	select {
	case <-running.done:
	case <-ctx.Done():
	}
}

// next is when there is something to do.
func (t *TUF) next() time.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	due := t.due()
	// Expiry is judged with After, so the instant itself is still valid.
	if v := t.current.Load(); v != nil && t.valid() != nil && v.expires.Before(due) {
		return v.expires.Add(time.Nanosecond)
	}
	return due
}

// due is when the next refresh is. The caller holds t.mu.
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
		return t.now() // the first one is under way
	}
	half := v.expires.Sub(t.refreshed) / 2
	return t.refreshed.Add(min(t.every, max(half, failureMemory)))
}

// announce calls changed if another root than before, or none, is to be had.
func (t *TUF) announce() {
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
