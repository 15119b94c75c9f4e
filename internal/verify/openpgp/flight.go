// SPDX-License-Identifier: Apache-2.0

package openpgp

import "context"

// A flight is one parse of a keyring, shared by any number of waiting callers. It is cancelled when the last
// caller leaves, not the first, so a short deadline affects only its own caller.
type flight struct {
	outcome
	done    chan struct{} // closed once outcome is set
	cancel  context.CancelFunc
	waiting int
}

func (c *Cache) start(ctx context.Context, key cacheKey, entries map[string][]byte) *flight {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	f := &flight{done: make(chan struct{}), cancel: cancel}
	c.flights[key] = f
	go func() {
		defer cancel()
		f.keyring, f.err = c.parse(ctx, entries)
		c.land(key, f)
	}()
	return f
}

// land ends a flight, and keeps its outcome unless all callers have left.
func (c *Cache) land(key cacheKey, f *flight) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.flights[key] == f {
		delete(c.flights, key)
		c.add(key, f.outcome)
	}
	close(f.done)
}

// leave removes a caller from a flight, and cancels the flight if no caller is left. The next caller starts a
// new one.
func (c *Cache) leave(key cacheKey, f *flight) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if f.waiting--; f.waiting > 0 {
		return
	}
	f.cancel()
	if c.flights[key] == f {
		delete(c.flights, key)
	}
}
