// SPDX-License-Identifier: Apache-2.0

package trustroot

import (
	"context"
	"crypto/sha256"

	"github.com/verifiedchart/verifiedchart/internal/fairlru"
)

// memoryPerByte is the most memory, in bytes, that a parsed root takes for each byte
// of its text. We measured 4.3 for many certificates. An error may quote the whole text.
const memoryPerByte = 5

// Cache keeps parsed trusted roots, and the errors of malformed roots, by their
// bytes: parsing a root takes longer than verifying a signature with it. The cache
// bounds the memory that they take, and no owner (a namespace) fills more than
// half of it. A Cache is safe for concurrent use.
type Cache struct {
	roots *fairlru.Cache[[sha256.Size]byte, parsed]
}

// parsed is a result of Parse.
type parsed struct {
	root *Root
	err  error
}

// NewCache returns a Cache of at most limit bytes.
func NewCache(limit int) *Cache {
	return &Cache{roots: fairlru.New[[sha256.Size]byte, parsed](limit)}
}

// Parse is the function Parse with a cache, on behalf of an owner. It returns a cached
// result even if ctx is done; otherwise it returns the error of ctx.
func (c *Cache) Parse(ctx context.Context, owner string, raw []byte) (*Root, error) {
	if len(raw) > MaxSize {
		return Parse(raw) // rejected by its size
	}
	sum := sha256.Sum256(raw)
	if kept, ok := c.roots.Get(owner, sum); ok {
		return kept.root, kept.err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	root, err := Parse(raw)
	c.roots.Add(owner, sum, parsed{root, err}, len(raw)*memoryPerByte)
	return root, err
}

// Size returns the memory that the cache counts for its entries, in bytes.
func (c *Cache) Size() int { return c.roots.Size() }
