// SPDX-License-Identifier: Apache-2.0

// Package fairlru keeps values in memory within a bound in bytes that several
// owners share fairly: no owner takes more than half, and if memory runs short,
// the owner with the most bytes loses its least recently used value.
//
// It does not know what the values are, or who their owners are.
package fairlru

import (
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// Overhead is counted for each value on top of its size: its key, and its places in maps and lists.
const Overhead = 512

// Cache keeps values by owner and key. It is safe for concurrent use.
type Cache[K comparable, V any] struct {
	limit int

	mu     sync.Mutex
	size   int
	shares map[string]*share[K, V]
}

// share is the part of the cache that one owner fills.
type share[K comparable, V any] struct {
	size   int
	values *simplelru.LRU[K, sized[V]]
}

type sized[V any] struct {
	value V
	size  int
}

// New returns a Cache of at most limit bytes.
func New[K comparable, V any](limit int) *Cache[K, V] {
	return &Cache[K, V]{limit: limit, shares: map[string]*share[K, V]{}}
}

// Get returns the value that an owner keeps under a key.
func (c *Cache[K, V]) Get(owner string, key K) (value V, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s, ok := c.shares[owner]
	if !ok {
		return value, false
	}
	found, ok := s.values.Get(key)
	return found.value, ok
}

// Add keeps a value of size bytes, instead of the one under the same key. It keeps
// no value that takes more than half of the cache by itself.
func (c *Cache[K, V]) Add(owner string, key K, value V, size int) {
	size += Overhead
	c.mu.Lock()
	defer c.mu.Unlock()
	c.remove(owner, key)
	if size > c.limit/2 {
		return
	}
	s := c.share(owner)
	s.values.Add(key, sized[V]{value, size})
	s.size += size
	c.size += size
	for s.size > c.limit/2 {
		c.removeOldest(owner)
	}
	for c.size > c.limit {
		c.removeOldest(c.largest())
	}
}

// Remove removes the value that an owner keeps under a key, if there is one.
func (c *Cache[K, V]) Remove(owner string, key K) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.remove(owner, key)
}

// Size returns the number of counted bytes, including overhead.
func (c *Cache[K, V]) Size() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.size
}

// share returns the share of an owner, or a new share if it has none.
func (c *Cache[K, V]) share(owner string) *share[K, V] {
	if s, ok := c.shares[owner]; ok {
		return s
	}
	s := &share[K, V]{}
	// Add keeps the bound on bytes; the bound on the number of values must never apply first.
	s.values, _ = simplelru.NewLRU[K, sized[V]](max(c.limit, 1), nil)
	c.shares[owner] = s
	return s
}

func (c *Cache[K, V]) remove(owner string, key K) {
	s, ok := c.shares[owner]
	if !ok {
		return
	}
	if old, ok := s.values.Peek(key); ok {
		s.values.Remove(key)
		c.released(owner, s, old.size)
	}
}

func (c *Cache[K, V]) removeOldest(owner string) {
	s := c.shares[owner]
	_, old, _ := s.values.RemoveOldest()
	c.released(owner, s, old.size)
}

// released subtracts freed bytes, and removes an owner without values.
func (c *Cache[K, V]) released(owner string, s *share[K, V], size int) {
	s.size -= size
	c.size -= size
	if s.values.Len() == 0 {
		delete(c.shares, owner)
	}
}

// largest returns the owner with the most bytes. Among equals the choice is random: owners that ask in turn for
// a little more than fits would otherwise never find their value.
func (c *Cache[K, V]) largest() (owner string) {
	most := -1
	for name, s := range c.shares {
		if s.size > most {
			owner, most = name, s.size
		}
	}
	return owner
}
