// SPDX-License-Identifier: Apache-2.0

package registry

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2/simplelru"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Cache keeps small answers of registries, bytes and never verdicts, so that a
// proof can be judged again without asking for them again. It is bounded by the
// bytes it holds; the least recently used go first. It is safe for concurrent use.
type Cache struct {
	limit  int
	maxAge time.Duration
	now    func() time.Time

	mu      sync.Mutex
	size    int
	entries *lru.LRU[memoryKey, memoryEntry]
}

type memoryKey struct{ scope, repository, ref string }

// memoryEntry is an answer: bytes, or that there are none.
type memoryEntry struct {
	manifest Manifest
	absent   error
	at       time.Time
}

// entryOverhead is counted for each entry on top of its bytes.
const entryOverhead = 512

// NewCache returns a Cache of at most limit bytes. What a tag named, what
// referred to a manifest, and that there was no such tag or list, is forgotten
// after maxAge; what is addressed by digest never goes stale.
func NewCache(limit int, maxAge time.Duration, now func() time.Time) *Cache {
	m := &Cache{limit: limit, maxAge: maxAge, now: now}
	// The bound is on bytes, kept by store; the number only has to be out of its way.
	m.entries, _ = lru.NewLRU(limit, func(_ memoryKey, e memoryEntry) { m.size -= cost(e) })
	return m
}

func cost(e memoryEntry) int { return len(e.manifest.Raw) + entryOverhead }

func (m *Cache) load(k memoryKey, stale bool) (memoryEntry, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	e, ok := m.entries.Get(k)
	if !ok || (!stale && m.now().Sub(e.at) > m.maxAge) {
		return memoryEntry{}, false
	}
	return e, true
}

func (m *Cache) store(k memoryKey, e memoryEntry) {
	e.at = m.now()
	if cost(e) > m.limit/16 {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.entries.Remove(k)
	m.entries.Add(k, e)
	for m.size += cost(e); m.size > m.limit; {
		m.entries.RemoveOldest()
	}
}

// Reader returns a Reader that answers from the memory what it answered before
// under the same scope, and asks r for the rest. Scope keeps tenants apart: only
// who asked for something before, by its own credentials, is answered from memory.
func (m *Cache) Reader(scope, repository string, r Reader) *CachingReader {
	return &CachingReader{Reader: r, memory: m, scope: scope, repository: repository, use: &use{asked: map[memoryKey]bool{}}}
}

// CachingReader is a Reader over a Cache. It is for one use at a time.
type CachingReader struct {
	Reader
	memory            *Cache
	scope, repository string
	use               *use
}

// use is what a CachingReader shares with its siblings.
type use struct {
	fresh, recalled bool
	asked           map[memoryKey]bool // what the registry was asked for: the answers are fresh
}

// Uncached returns the Reader that asks the registry every time.
func (r *CachingReader) Uncached() Reader { return r.Reader }

// FromCache reports whether an answer that may have changed came from the memory
// and not from the registry, here or at a sibling.
func (r *CachingReader) FromCache() bool { return r.use.recalled }

// Bypass makes the reader and its siblings ask the registry from now on for whatever
// may have changed and was recalled. What is addressed by digest cannot have changed,
// and what they asked for themselves has just been answered.
func (r *CachingReader) Bypass() { r.use.fresh, r.use.recalled = true, false }

// Sibling implements Reader.
func (r *CachingReader) Sibling(repository string) (Reader, error) {
	sibling, err := r.Reader.Sibling(repository)
	if err != nil {
		return nil, err
	}
	return &CachingReader{Reader: sibling, memory: r.memory, scope: r.scope, repository: repository, use: r.use}, nil
}

// Resolve implements Reader.
func (r *CachingReader) Resolve(ctx context.Context, tag string) (Manifest, error) {
	return r.changing("tag "+tag, func() (Manifest, error) { return r.Reader.Resolve(ctx, tag) })
}

// Referrers implements Reader.
func (r *CachingReader) Referrers(ctx context.Context, d digest.Digest) (Referrers, error) {
	var list Referrers
	kept, err := r.changing("referrers "+d.String(), func() (kept Manifest, err error) {
		if list, err = r.Reader.Referrers(ctx, d); err == nil {
			kept.Raw, err = json.Marshal(list)
		}
		return kept, err
	})
	if err == nil && list.Descriptors == nil {
		err = json.Unmarshal(kept.Raw, &list)
	}
	return list, err
}

// Recall implements Reader.
func (r *CachingReader) Recall(question string, ask func() ([]byte, error)) ([]byte, error) {
	kept, err := r.changing(question, func() (Manifest, error) {
		raw, err := ask()
		return Manifest{Raw: raw}, err
	})
	return kept.Raw, err
}

// changing returns what was answered before to a question whose answer may
// change, that there is nothing included, or asks.
func (r *CachingReader) changing(question string, ask func() (Manifest, error)) (Manifest, error) {
	k := r.key(question)
	if asked := r.use.asked[k]; asked || !r.use.fresh {
		if e, ok := r.memory.load(k, false); ok {
			r.use.recalled = r.use.recalled || !asked
			return e.manifest, e.absent
		}
	}
	manifest, err := ask()
	if err == nil || errors.Is(err, ErrNotFound) {
		r.use.asked[k] = true
		r.memory.store(k, memoryEntry{manifest: manifest, absent: err})
	}
	return manifest, err
}

// Manifest implements Reader.
func (r *CachingReader) Manifest(ctx context.Context, d digest.Digest) (Manifest, error) {
	k := r.key(d.String())
	if e, ok := r.memory.load(k, true); ok {
		return e.manifest, nil
	}
	manifest, err := r.Reader.Manifest(ctx, d)
	if err == nil {
		r.memory.store(k, memoryEntry{manifest: manifest})
	}
	return manifest, err
}

// Add puts a manifest that was resolved outside this reader where Manifest finds it.
func (r *CachingReader) Add(manifest Manifest) {
	r.memory.store(r.key(manifest.Descriptor.Digest.String()), memoryEntry{manifest: manifest})
}

// Blob implements Reader.
func (r *CachingReader) Blob(ctx context.Context, d ocispec.Descriptor, limit int64) ([]byte, error) {
	k := r.key("blob " + d.Digest.String())
	if e, ok := r.memory.load(k, true); ok && e.manifest.Descriptor.Size == d.Size && d.Size <= limit {
		return e.manifest.Raw, nil
	}
	raw, err := r.Reader.Blob(ctx, d, limit)
	if err == nil {
		r.memory.store(k, memoryEntry{manifest: Manifest{Descriptor: d, Raw: raw}})
	}
	return raw, err
}

func (r *CachingReader) key(ref string) memoryKey {
	return memoryKey{scope: r.scope, repository: r.repository, ref: ref}
}

// Size returns the bytes that are held, overhead included.
func (m *Cache) Size() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.size
}
