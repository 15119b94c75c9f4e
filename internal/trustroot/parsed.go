// SPDX-License-Identifier: Apache-2.0

package trustroot

import (
	"crypto/sha256"

	lru "github.com/hashicorp/golang-lru/v2"
)

// Cache keeps trusted roots parsed, by their bytes: to parse one takes longer
// than to judge a signature by it. It is safe for concurrent use.
type Cache struct {
	roots *lru.Cache[[sha256.Size]byte, *Root]
}

// NewCache returns a Cache of at most size roots, of which there must be one at least.
func NewCache(size int) *Cache {
	roots, err := lru.New[[sha256.Size]byte, *Root](size)
	if err != nil {
		panic(err)
	}
	return &Cache{roots: roots}
}

// Parse returns what the function Parse does.
func (c *Cache) Parse(raw []byte) (*Root, error) {
	sum := sha256.Sum256(raw)
	if root, ok := c.roots.Get(sum); ok {
		return root, nil
	}
	root, err := Parse(raw)
	if err == nil {
		c.roots.Add(sum, root)
	}
	return root, err
}
