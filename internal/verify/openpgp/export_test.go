// SPDX-License-Identifier: Apache-2.0

package openpgp

import "context"

// NewCacheOf returns a Cache that calls parse.
func NewCacheOf(parse func(context.Context, map[string][]byte) (*Keyring, error)) *Cache {
	c := NewCache(1 << 20)
	c.parse = parse
	return c
}

// Waiting returns the number of callers that wait for a keyring.
func (c *Cache) Waiting() (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, f := range c.flights {
		n += f.waiting
	}
	return n
}

// Size returns the size of the cache in bytes, by its own estimate.
func (c *Cache) Size() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.size
}
