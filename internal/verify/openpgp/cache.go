// SPDX-License-Identifier: Apache-2.0

package openpgp

import (
	"context"
	"crypto/sha256"
	"maps"
	"math"
	"slices"
	"sync"

	lru "github.com/hashicorp/golang-lru/v2/simplelru"
)

// Cache keeps parsed keyrings by their content, because parsing many keys takes much longer than verifying a
// message with them. It also keeps failures. It is safe for concurrent use. At any time, it parses the same
// content only once.
type Cache struct {
	limit int
	parse func(context.Context, map[string][]byte) (*Keyring, error)

	mu      sync.Mutex
	size    int
	shelves map[string]*shelf
	flights map[cacheKey]*flight
}

// cacheKey is the content of a keyring in one namespace. The results kept for one namespace do not depend on
// other namespaces.
type cacheKey struct {
	namespace string
	content   [sha256.Size]byte
}

// A shelf holds the outcomes of one namespace.
type shelf struct {
	size int
	kept *lru.LRU[[sha256.Size]byte, outcome]
}

// An outcome is what Parse returned.
type outcome struct {
	keyring *Keyring
	err     error
}

// NewCache returns a Cache that takes at most limit bytes of memory, by estimate. One namespace takes at most
// half of them. If there is no room, the cache drops the least recently used outcome of the largest namespace.
func NewCache(limit int) *Cache {
	return &Cache{limit: limit, parse: Parse, shelves: map[string]*shelf{}, flights: map[cacheKey]*flight{}}
}

// Parse returns the result of the package function Parse for the entries, which must not change. A cached
// result is returned even if ctx has ended. If ctx ends before there is a result, Parse returns the error of
// ctx and keeps nothing; other callers that wait for the same content still get their result.
func (c *Cache) Parse(ctx context.Context, namespace string, entries map[string][]byte) (*Keyring, error) {
	key := cacheKey{namespace, sumOf(entries)}
	kept, f := c.find(ctx, key, entries)
	switch {
	case f == nil && kept == nil:
		return nil, interruption(ctx.Err())
	case f == nil:
		return kept.keyring, kept.err
	}
	select {
	case <-f.done:
		return f.keyring, f.err
	case <-ctx.Done():
		c.leave(key, f)
		return nil, interruption(ctx.Err())
	}
}

// find returns the cached outcome, or else the flight to wait for. It returns neither if nothing is cached and
// ctx has ended.
func (c *Cache) find(ctx context.Context, key cacheKey, entries map[string][]byte) (*outcome, *flight) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if s := c.shelves[key.namespace]; s != nil {
		if kept, ok := s.kept.Get(key.content); ok {
			return &kept, nil
		}
	}
	if ctx.Err() != nil {
		return nil, nil
	}
	f := c.flights[key]
	if f == nil {
		f = c.start(ctx, key, entries)
	}
	f.waiting++
	return nil, f
}

// add keeps an outcome, unless it is larger than the share of a namespace.
func (c *Cache) add(key cacheKey, o outcome) {
	size := o.weight()
	if size > c.limit/2 {
		return
	}
	if s := c.shelves[key.namespace]; s != nil && s.kept.Contains(key.content) {
		return
	}
	for c.shelves[key.namespace] != nil && c.shelves[key.namespace].size+size > c.limit/2 {
		c.drop(key.namespace)
	}
	for c.size+size > c.limit {
		c.drop(c.fullest())
	}
	s := c.shelves[key.namespace]
	if s == nil {
		s = &shelf{}
		s.kept, _ = lru.NewLRU[[sha256.Size]byte, outcome](math.MaxInt, nil) // the bound is on bytes
		c.shelves[key.namespace] = s
	}
	s.kept.Add(key.content, o)
	s.size += size
	c.size += size
}

// drop removes the least recently used outcome of a namespace.
func (c *Cache) drop(namespace string) {
	s := c.shelves[namespace]
	if _, oldest, ok := s.kept.RemoveOldest(); ok {
		s.size -= oldest.weight()
		c.size -= oldest.weight()
	}
	if s.kept.Len() == 0 {
		delete(c.shelves, namespace)
	}
}

// fullest returns the namespace that takes the most memory.
func (c *Cache) fullest() (namespace string) {
	most := -1
	for name, s := range c.shelves {
		if s.size > most {
			namespace, most = name, s.size
		}
	}
	return namespace
}

// sumOf returns a digest that is equal only for equal entries.
func sumOf(entries map[string][]byte) (sum [sha256.Size]byte) {
	h := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(entries)) {
		for _, part := range [][]byte{[]byte(name), entries[name]} {
			own := sha256.Sum256(part)
			_, _ = h.Write(own[:]) // a hash takes everything
		}
	}
	h.Sum(sum[:0])
	return sum
}

// Memory overhead of the parts of an outcome, in addition to their own bytes, rounded up.
const (
	weightOutcome   = 1 << 10
	weightKey       = 1 << 10
	weightUser      = 256
	weightStatement = 192
	weightText      = 64
)

// weight estimates the memory of the outcome in bytes.
func (o outcome) weight() int {
	size := weightOutcome
	if o.err != nil {
		size += len(o.err.Error())
	}
	if o.keyring == nil {
		return size
	}
	for _, s := range o.keyring.skipped {
		size += weightText + len(s.Entry) + len(s.Reason)
	}
	for _, f := range o.keyring.revoked {
		size += weightText + len(f)
	}
	for _, c := range o.keyring.keys {
		size += c.weight()
	}
	return size
}

func (c *certificate) weight() int {
	size := len(c.entry) + weightStatement*len(c.direct)
	for _, u := range c.users {
		size += weightUser + len(u.id) + weightStatement*len(u.says)
	}
	for _, s := range c.signers {
		bits, _ := s.key.BitLength()
		// A binding comes with a cross-signature.
		size += weightKey + 2*int(bits)/8 + 2*weightStatement*len(s.bindings)
	}
	return size
}
