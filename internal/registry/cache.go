// SPDX-License-Identifier: Apache-2.0

package registry

import (
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2/simplelru"
)

// Cache keeps small answers of registries (bytes, never verdicts), so that a chart can be verified again
// without another request. It bounds the bytes that it holds, and no namespace holds more than half of them: a
// namespace that exceeds its half loses its own least recently used entries. If the whole cache is full, it
// evicts from the namespace that holds the most, so that no tenant evicts entries of a tenant that holds less.
// A Cache is safe for concurrent use.
type Cache struct {
	limit  int
	maxAge time.Duration
	now    func() time.Time

	mu         sync.Mutex
	size       int
	namespaces map[string]*share
}

// Scope is the object on whose behalf a registry is asked. The cache never answers one object from the entries
// of another, because the credentials of the first may not allow it to read them.
type Scope struct {
	// Namespace is that of the object. All objects of a namespace share at most one half of the Cache.
	Namespace string
	// Object is the UID of the object.
	Object string
	// Credentials is the scope of the credentials, so that no answer outlives the right to read it.
	Credentials string
}

// share is what the Cache holds for one namespace.
type share struct {
	size    int
	entries *lru.LRU[cacheKey, cacheEntry]
}

type cacheKey struct {
	scope    Scope
	question question
}

// cacheEntry is an answer: bytes, or their absence.
type cacheEntry struct {
	manifest Manifest
	absent   error
	at       time.Time
}

// entryOverhead is counted for each entry on top of its bytes.
const entryOverhead = 512

// NewCache returns a Cache of at most limit bytes. An answer that may change (the manifest of a tag, a list of
// referrers, the absence of either) is valid for maxAge; an answer to a question by digest never goes stale.
func NewCache(limit int, maxAge time.Duration, now func() time.Time) *Cache {
	return &Cache{limit: limit, maxAge: maxAge, now: now, namespaces: map[string]*share{}}
}

func cost(k cacheKey, e cacheEntry) int {
	return len(k.question.Repository) + len(k.question.Ref) + len(e.manifest.Raw) + entryOverhead
}

// Reader returns a Reader that answers from the cache if the same scope asked the same question before, and
// otherwise asks r.
func (c *Cache) Reader(scope Scope, repository string, r Reader) *CachingReader {
	return &CachingReader{Reader: r, cache: c, scope: scope, repository: canonical(repository), use: newUse()}
}

// Drop removes every entry of one object, with whatever credentials it was read.
func (c *Cache) Drop(scope Scope) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.namespaces[scope.Namespace]
	if s == nil {
		return
	}
	for _, k := range s.entries.Keys() {
		if k.scope.Object == scope.Object {
			s.entries.Remove(k)
		}
	}
	c.tidy(scope.Namespace)
}

// Size returns the number of bytes that the cache holds, including overhead.
func (c *Cache) Size() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.size
}

// load returns an entry. It returns an entry that is older than maxAge only if stale is set.
func (c *Cache) load(k cacheKey, stale bool) (cacheEntry, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.namespaces[k.scope.Namespace]
	if s == nil {
		return cacheEntry{}, false
	}
	e, ok := s.entries.Get(k)
	if !ok || (!stale && c.now().Sub(e.at) > c.maxAge) {
		return cacheEntry{}, false
	}
	return e, true
}

func (c *Cache) store(k cacheKey, e cacheEntry) {
	size := cost(k, e)
	if size > c.limit/16 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	namespace := k.scope.Namespace
	s := c.share(namespace)
	s.entries.Remove(k)
	s.entries.Add(k, e)
	s.size += size
	c.size += size
	for s.size > c.limit/2 {
		c.evict(namespace)
	}
	for c.size > c.limit {
		c.evict(c.largest())
	}
}

// share returns the part of the Cache for a namespace, and makes room for it if it is new.
func (c *Cache) share(namespace string) *share {
	if s := c.namespaces[namespace]; s != nil {
		return s
	}
	s := &share{}
	// store keeps the bound on bytes; a bound on the number of entries must not apply first.
	s.entries, _ = lru.NewLRU(c.limit, func(k cacheKey, e cacheEntry) {
		size := cost(k, e)
		s.size -= size
		c.size -= size
	})
	c.namespaces[namespace] = s
	return s
}

// evict removes the least recently used entry of a namespace.
func (c *Cache) evict(namespace string) {
	c.namespaces[namespace].entries.RemoveOldest()
	c.tidy(namespace)
}

// tidy removes a namespace without entries.
func (c *Cache) tidy(namespace string) {
	if c.namespaces[namespace].entries.Len() == 0 {
		delete(c.namespaces, namespace)
	}
}

// largest returns the namespace that holds the most bytes.
func (c *Cache) largest() string {
	var name string
	var most int
	for namespace, s := range c.namespaces {
		if s.size > most || (s.size == most && namespace < name) {
			name, most = namespace, s.size
		}
	}
	return name
}
