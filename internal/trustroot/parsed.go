// SPDX-License-Identifier: Apache-2.0

package trustroot

import (
	"context"
	"crypto/sha256"

	"github.com/verifiedchart/verifiedchart/internal/fairlru"
)

// memoryPerByte is how many bytes of memory a parsed root takes at most for each
// byte of its text: 4.3 were measured for many certificates. An error may quote all of it.
const memoryPerByte = 5

// Cache keeps parsed trusted roots, and the errors of malformed ones, by their
// bytes: parsing a root takes longer than verifying a signature with it. It is
// bounded by the memory that they take, and no owner (a namespace) fills more than
// half of it. It is safe for concurrent use.
type Cache struct {
	roots *fairlru.Cache[[sha256.Size]byte, parsed]
}

// parsed is what Parse returned.
type parsed struct {
	root *Root
	err  error
}

// NewCache returns a Cache of at most limit bytes.
func NewCache(limit int) *Cache {
	return &Cache{roots: fairlru.New[[sha256.Size]byte, parsed](limit)}
}

// Parse returns what the function Parse returns for raw, for an owner. What is kept needs no time; if none is left to
// parse, it returns the error of ctx.
func (c *Cache) Parse(ctx context.Context, owner string, raw []byte) (*Root, error) {
	if len(raw) > MaxSize {
		return Parse(raw) // refused by its size, at once
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

// Size returns the bytes of memory that are counted for what is kept.
func (c *Cache) Size() int { return c.roots.Size() }
