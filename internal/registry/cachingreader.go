// SPDX-License-Identifier: Apache-2.0

package registry

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"sync"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// CachingReader is a Reader over a Cache. The reader and its siblings serve one verification, and record its
// answers.
type CachingReader struct {
	Reader
	cache      *Cache
	scope      Scope
	repository string
	use        *use
}

// use is the state that a CachingReader shares with its siblings.
type use struct {
	mu             sync.Mutex
	bypass, cached bool
	requested      map[question]bool // the questions that the registry answered: their answers are fresh
	given          recorder
}

func newUse() *use {
	return &use{requested: map[question]bool{}, given: recorder{held: map[question]*recorded{}}}
}

// question is a question to a Reader, in the form that the cache and Answers use as a key.
type question struct {
	Repository string `json:"repository"`
	Kind       kind   `json:"kind"`
	// Ref is a tag or a digest; for a blob, the digest and the size.
	Ref string `json:"ref"`
}

type kind string

const (
	kindTag       kind = "tag"
	kindReferrers kind = "referrers"
	kindManifest  kind = "manifest"
	kindBlob      kind = "blob"
	// kindOutside is a question of ReadThrough. Its Ref is a digest, because the question may be long or hold a
	// secret.
	kindOutside kind = "outside"
	// kindBeside is a file beside an archive. Its Ref is the digest of the archive and the suffix.
	kindBeside kind = "beside"
	// kindLacks asks whether the registry of the repository lacks the referrers API.
	kindLacks kind = "lacksReferrers"
)

func (r *CachingReader) question(k kind, ref string) question {
	return question{Repository: r.repository, Kind: k, Ref: ref}
}

func blobRef(d ocispec.Descriptor) string {
	return d.Digest.String() + " " + strconv.FormatInt(d.Size, 10)
}

func besideRef(archive digest.Digest, suffix string) string { return archive.String() + " " + suffix }

// canonical returns the name of a repository in the form that ParseURL returns.
func canonical(repository string) string {
	if name, err := ParseURL(scheme + repository); err == nil {
		return name
	}
	return repository
}

// Uncached returns the underlying Reader, which asks the registry every time.
func (r *CachingReader) Uncached() Reader { return r.Reader }

// FromCache reports whether this reader or a sibling returned an answer that may have changed from the cache
// and not from the registry.
func (r *CachingReader) FromCache() bool {
	r.use.mu.Lock()
	defer r.use.mu.Unlock()
	return r.use.cached
}

// Bypass makes the reader and its siblings ask the registry from now on, if the answer may have changed and
// came from the cache. Answers by digest cannot have changed, and answers that this reader and its siblings got
// from the registry are fresh.
func (r *CachingReader) Bypass() {
	r.use.mu.Lock()
	defer r.use.mu.Unlock()
	r.use.bypass, r.use.cached = true, false
}

// Answers returns all answers that this reader and its siblings have returned since the reader was made, from
// the cache or from the registry. A manifest that was added, or that was the first of all answers, is that of
// the subject: it is dropped last.
func (r *CachingReader) Answers() Answers {
	r.use.mu.Lock()
	defer r.use.mu.Unlock()
	return r.use.given.answers()
}

// Sibling implements Reader.
func (r *CachingReader) Sibling(repository string) (Reader, error) {
	sibling, err := r.Reader.Sibling(repository)
	if err != nil {
		return nil, err
	}
	return &CachingReader{Reader: sibling, cache: r.cache, scope: r.scope, repository: canonical(repository), use: r.use}, nil
}

// LacksReferrers implements Reader.
func (r *CachingReader) LacksReferrers() bool {
	lacks := r.Reader.LacksReferrers()
	r.use.mu.Lock()
	defer r.use.mu.Unlock()
	r.use.given.lacksReferrers(r.question(kindLacks, ""), lacks)
	return lacks
}

// Resolve implements Reader.
func (r *CachingReader) Resolve(ctx context.Context, tag string) (Manifest, error) {
	q := r.question(kindTag, tag)
	e, err := r.changing(q, func() (Manifest, error) { return r.Reader.Resolve(ctx, tag) })
	r.record(q, e, err)
	return e.manifest, err
}

// Current returns the manifest that a tag names now, and adds it like Add.
func (r *CachingReader) Current(ctx context.Context, tag string) (Manifest, error) {
	manifest, err := r.Tagged(ctx, tag)
	if err == nil {
		r.Add(manifest)
	}
	return manifest, err
}

// Tagged returns the manifest that a tag names now, and does not count it as an answer. It always asks the
// registry: first only whether the tag still names the manifest that it named before, if the cache holds that
// manifest.
func (r *CachingReader) Tagged(ctx context.Context, tag string) (Manifest, error) {
	k := cacheKey{scope: r.scope, question: r.question(kindTag, tag)}
	before, ok := r.cache.load(k, true)
	reader, checks := r.Reader.(interface {
		names(ctx context.Context, tag string, d digest.Digest) bool
	})
	if ok && checks && before.absent == nil && reader.names(ctx, tag, before.manifest.Descriptor.Digest) {
		return before.manifest, nil
	}
	manifest, err := r.Reader.Resolve(ctx, tag)
	if err != nil {
		return Manifest{}, err
	}
	r.cache.store(k, cacheEntry{manifest: manifest, at: r.cache.now()})
	return manifest, nil
}

// Referrers implements Reader.
func (r *CachingReader) Referrers(ctx context.Context, d digest.Digest) (Referrers, error) {
	var list Referrers
	q := r.question(kindReferrers, d.String())
	e, err := r.changing(q, func() (m Manifest, err error) {
		if list, err = r.Reader.Referrers(ctx, d); err == nil {
			m.Raw, err = list.marshal()
		}
		return m, err
	})
	r.record(q, e, err)
	if err == nil && list.Descriptors == nil {
		err = json.Unmarshal(e.manifest.Raw, &list)
	}
	return list, err
}

// ReadThrough implements Reader.
func (r *CachingReader) ReadThrough(text, access string, ask func() ([]byte, error)) ([]byte, error) {
	q := r.question(kindOutside, digest.FromString(text).String())
	k := r.key(q)
	k.scope.Credentials += access
	e, err := r.changingAt(k, func() (Manifest, error) {
		raw, err := ask()
		return Manifest{Raw: raw}, err
	})
	r.record(q, e, err)
	return e.manifest.Raw, err
}

// Beside implements Reader.
func (r *CachingReader) Beside(ctx context.Context, archive digest.Digest, suffix string, limit int64) ([]byte, error) {
	q := r.question(kindBeside, besideRef(archive, suffix))
	e, err := r.changing(q, func() (Manifest, error) {
		raw, err := r.Reader.Beside(ctx, archive, suffix, limit)
		return Manifest{Raw: raw}, err
	})
	r.record(q, e, err)
	return e.manifest.Raw, err
}

// changing answers a question whose answer may change. It uses the cache, which also holds the absence of
// content, or else asks the registry.
func (r *CachingReader) changing(q question, ask func() (Manifest, error)) (cacheEntry, error) {
	return r.changingAt(r.key(q), ask)
}

func (r *CachingReader) key(q question) cacheKey { return cacheKey{scope: r.scope, question: q} }

func (r *CachingReader) changingAt(k cacheKey, ask func() (Manifest, error)) (cacheEntry, error) {
	if e, ok := r.fromCache(k); ok {
		return e, e.absent
	}
	manifest, err := ask()
	e := cacheEntry{manifest: manifest, absent: err, at: r.cache.now()}
	if err == nil || errors.Is(err, ErrNotFound) {
		r.markRequested(k.question)
		r.cache.store(k, e)
	}
	return e, err
}

// fromCache returns the entry for a question whose answer may change, if the entry may be used.
func (r *CachingReader) fromCache(k cacheKey) (cacheEntry, bool) {
	r.use.mu.Lock()
	defer r.use.mu.Unlock()
	requested := r.use.requested[k.question]
	if r.use.bypass && !requested {
		return cacheEntry{}, false
	}
	e, ok := r.cache.load(k, false)
	r.use.cached = r.use.cached || (ok && !requested)
	return e, ok
}

// Manifest implements Reader.
func (r *CachingReader) Manifest(ctx context.Context, d digest.Digest) (Manifest, error) {
	return r.fixed(r.question(kindManifest, d.String()), func() (Manifest, error) { return r.Reader.Manifest(ctx, d) })
}

// Blob implements Reader.
func (r *CachingReader) Blob(ctx context.Context, d ocispec.Descriptor, limit int64) ([]byte, error) {
	if d.Size > limit {
		return r.Reader.Blob(ctx, d, limit) // which rejects it, for this limit only
	}
	m, err := r.fixed(r.question(kindBlob, blobRef(d)), func() (Manifest, error) {
		raw, err := r.Reader.Blob(ctx, d, limit)
		return Manifest{Descriptor: d, Raw: raw}, err
	})
	return m.Raw, err
}

// fixed answers a question by digest, whose answer cannot change, from the cache, or else asks the registry.
func (r *CachingReader) fixed(q question, ask func() (Manifest, error)) (Manifest, error) {
	k := cacheKey{scope: r.scope, question: q}
	e, ok := r.cache.load(k, true)
	var err error
	if !ok {
		e.manifest, err = ask()
		e.at = r.cache.now()
	}
	if !ok && err == nil {
		r.cache.store(k, e)
		r.markRequested(q)
	}
	r.record(q, e, err)
	return e.manifest, err
}

// Confirm asks the registry for a manifest that came from the cache. It sends no request if the registry has
// already given the manifest to this reader or a sibling. While the registry denies that the manifest exists,
// its answers about the signatures of that manifest prove nothing.
func (r *CachingReader) Confirm(ctx context.Context, d digest.Digest) error {
	q := r.question(kindManifest, d.String())
	r.use.mu.Lock()
	requested := r.use.requested[q]
	r.use.mu.Unlock()
	if requested {
		return nil
	}
	_, err := r.Reader.Manifest(ctx, d)
	if err == nil {
		r.markRequested(q)
	}
	return err
}

func (r *CachingReader) markRequested(q question) {
	r.use.mu.Lock()
	defer r.use.mu.Unlock()
	r.use.requested[q] = true
}

// Add stores a manifest that the registry gave outside of this reader, so that Manifest finds it.
func (r *CachingReader) Add(manifest Manifest) {
	q := r.question(kindManifest, manifest.Descriptor.Digest.String())
	e := cacheEntry{manifest: manifest, at: r.cache.now()}
	r.cache.store(cacheKey{scope: r.scope, question: q}, e)
	r.record(q, e, nil)
	r.markRequested(q)
	r.use.mu.Lock()
	defer r.use.mu.Unlock()
	r.use.given.pin(q)
}

func (r *CachingReader) record(q question, e cacheEntry, err error) {
	r.use.mu.Lock()
	defer r.use.mu.Unlock()
	r.use.given.record(q, e, err)
}
