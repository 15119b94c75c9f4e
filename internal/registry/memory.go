package registry

import (
	"context"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2/simplelru"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Memory keeps small answers of registries, bytes and never verdicts, so that a
// proof can be judged again without asking for them again. It is bounded by the
// bytes it holds; the least recently used go first. It is safe for concurrent use.
type Memory struct {
	limit  int
	maxAge time.Duration
	now    func() time.Time

	mu      sync.Mutex
	size    int
	entries *lru.LRU[memoryKey, memoryEntry]
}

type memoryKey struct{ scope, repository, ref string }

type memoryEntry struct {
	manifest Manifest
	at       time.Time
}

// entryOverhead is counted for each entry on top of its bytes.
const entryOverhead = 512

// NewMemory returns a Memory of at most limit bytes. What a tag named is
// forgotten after maxAge; what is addressed by digest never goes stale.
func NewMemory(limit int, maxAge time.Duration, now func() time.Time) *Memory {
	m := &Memory{limit: limit, maxAge: maxAge, now: now}
	// The bound is on bytes, kept by store; the number only has to be out of its way.
	m.entries, _ = lru.NewLRU(limit, func(_ memoryKey, e memoryEntry) { m.size -= cost(e) })
	return m
}

func cost(e memoryEntry) int { return len(e.manifest.Raw) + entryOverhead }

func (m *Memory) load(k memoryKey, stale bool) (Manifest, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	e, ok := m.entries.Get(k)
	if !ok || (!stale && m.now().Sub(e.at) > m.maxAge) {
		return Manifest{}, false
	}
	return e.manifest, true
}

func (m *Memory) store(k memoryKey, manifest Manifest) {
	e := memoryEntry{manifest: manifest, at: m.now()}
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
func (m *Memory) Reader(scope, repository string, r Reader) *Remembering {
	return &Remembering{Reader: r, memory: m, scope: scope, repository: repository}
}

// Remembering is a Reader over a Memory. It is for one use at a time.
type Remembering struct {
	Reader
	memory            *Memory
	scope, repository string
	fresh             bool
	recalled          bool
}

// Live returns the Reader that asks the registry every time.
func (r *Remembering) Live() Reader { return r.Reader }

// Recalled says whether an answer for a tag came from the memory and not from
// the registry, so that the registry might by now answer otherwise.
func (r *Remembering) Recalled() bool { return r.recalled }

// Refresh makes the reader ask the registry for every tag from now on. What is
// addressed by digest cannot have changed and still comes from the memory.
func (r *Remembering) Refresh() { r.fresh, r.recalled = true, false }

// Resolve implements Reader.
func (r *Remembering) Resolve(ctx context.Context, tag string) (Manifest, error) {
	k := r.key("tag " + tag)
	if !r.fresh {
		if manifest, ok := r.memory.load(k, false); ok {
			r.recalled = true
			return manifest, nil
		}
	}
	manifest, err := r.Reader.Resolve(ctx, tag)
	if err == nil {
		r.memory.store(k, manifest)
	}
	return manifest, err
}

// Manifest implements Reader.
func (r *Remembering) Manifest(ctx context.Context, d digest.Digest) (Manifest, error) {
	k := r.key(d.String())
	if manifest, ok := r.memory.load(k, true); ok {
		return manifest, nil
	}
	manifest, err := r.Reader.Manifest(ctx, d)
	if err == nil {
		r.memory.store(k, manifest)
	}
	return manifest, err
}

// Remember puts a manifest that was resolved outside this reader where Manifest finds it.
func (r *Remembering) Remember(manifest Manifest) {
	r.memory.store(r.key(manifest.Descriptor.Digest.String()), manifest)
}

// Blob implements Reader.
func (r *Remembering) Blob(ctx context.Context, d ocispec.Descriptor, limit int64) ([]byte, error) {
	k := r.key("blob " + d.Digest.String())
	if manifest, ok := r.memory.load(k, true); ok && manifest.Descriptor.Size == d.Size && d.Size <= limit {
		return manifest.Raw, nil
	}
	raw, err := r.Reader.Blob(ctx, d, limit)
	if err == nil {
		r.memory.store(k, Manifest{Descriptor: d, Raw: raw})
	}
	return raw, err
}

func (r *Remembering) key(ref string) memoryKey {
	return memoryKey{scope: r.scope, repository: r.repository, ref: ref}
}

// Size returns the bytes that are held, overhead included.
func (m *Memory) Size() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.size
}
