// SPDX-License-Identifier: Apache-2.0

package openpgp

import (
	"crypto/sha256"
	"maps"
	"slices"
	"sync"

	lru "github.com/hashicorp/golang-lru/v2/simplelru"
)

// Cache keeps keyrings parsed, by what they hold: to parse one of many keys takes
// much longer than to judge a message by it. It is safe for concurrent use.
type Cache struct {
	limit int

	mu       sync.Mutex
	size     int
	keyrings *lru.LRU[[sha256.Size]byte, parsedKeyring]
}

// parsedKeyring is a keyring, and how many bytes its entries had.
type parsedKeyring struct {
	keyring *Keyring
	size    int
}

// NewCache returns a Cache of keyrings whose entries have at most limit bytes
// together; what is kept of them takes a small multiple of that. The least recently used go first.
func NewCache(limit int) *Cache {
	c := &Cache{limit: limit}
	// The bound is on bytes, kept by add; the number only has to be out of its way.
	c.keyrings, _ = lru.NewLRU(max(limit, 1), func(_ [sha256.Size]byte, p parsedKeyring) { c.size -= p.size })
	return c
}

// Parse returns what ParseKeyring does.
func (c *Cache) Parse(entries map[string][]byte) (*Keyring, error) {
	sum, size := sumOf(entries)
	c.mu.Lock()
	kept, ok := c.keyrings.Get(sum)
	c.mu.Unlock()
	if ok {
		return kept.keyring, nil
	}
	keyring, err := ParseKeyring(entries)
	if err == nil {
		c.add(sum, parsedKeyring{keyring, size})
	}
	return keyring, err
}

func (c *Cache) add(sum [sha256.Size]byte, p parsedKeyring) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.keyrings.Remove(sum)
	c.keyrings.Add(sum, p)
	for c.size += p.size; c.size > c.limit; {
		c.keyrings.RemoveOldest()
	}
}

// sumOf is the same for the same entries alone.
func sumOf(entries map[string][]byte) (sum [sha256.Size]byte, size int) {
	h := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(entries)) {
		for _, part := range [][]byte{[]byte(name), entries[name]} {
			own := sha256.Sum256(part)
			_, _ = h.Write(own[:]) // a hash takes everything
			size += len(part)
		}
	}
	h.Sum(sum[:0])
	return sum, size
}
