// SPDX-License-Identifier: Apache-2.0

package server

import (
	"strings"
	"sync"
	"time"

	"github.com/opencontainers/go-digest"

	"github.com/verifiedchart/verifiedchart/internal/storage"
)

// OldPathAge is the longest time for which the path of the replaced chart is still served: clients that have
// just read its URL may still fetch it.
const OldPathAge = 60 * time.Second

// Owner is the object that a path belongs to.
type Owner struct{ Namespace, Name, UID string }

// Paths are the exact paths that may be served, each with a digest, and the expected paths: published, but not
// verified yet by this process. A path belongs to the object whose namespace and name it holds, so no object
// can get or take away the path of another object: Paths ignores such a path, and a malformed path. Paths is
// safe for concurrent use. NewPaths makes one.
type Paths struct {
	now func() time.Time

	mu        sync.RWMutex
	published map[objectName]publication
	known     bool
}

type objectName struct{ namespace, name string }

// publication is the published paths of one object.
type publication struct {
	owner  Owner
	path   string
	digest digest.Digest // empty while the path is expected
	ends   time.Time     // the end of the proof, by the clock; zero if it does not end
	old    map[string]oldPath
}

type oldPath struct {
	digest digest.Digest
	until  time.Time
}

// NewPaths returns Paths that hold no path and are not known to be complete.
func NewPaths(now func() time.Time) *Paths {
	return &Paths{now: now, published: map[objectName]publication{}}
}

// Allow makes path the current path of o, as AllowUntil does for a proof that does not end.
func (p *Paths) Allow(o Owner, path string, d digest.Digest) { p.AllowUntil(o, path, d, time.Time{}) }

// AllowUntil makes path the current path of o, served while its file has the digest d. Its proof ends at the
// given time, or never if that is zero; after that the caller decides again. If another path of o was allowed
// before, it stays as an old path, for OldPathAge at most, and not longer than its proof. Paths of an object
// with the same name and another UID are dropped at once. If d is not a digest, no file can have it: the path
// is expected.
func (p *Paths) AllowUntil(o Owner, path string, d digest.Digest, ends time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	last := p.of(o)
	if !o.has(path) {
		return
	}
	old := map[string]oldPath{}
	now := p.now()
	for name, one := range last.old {
		if now.Before(one.until) {
			old[name] = one
		}
	}
	if last.digest != "" {
		until := now.Add(OldPathAge)
		if !last.ends.IsZero() && last.ends.Before(until) {
			until = last.ends
		}
		old[last.path] = oldPath{digest: last.digest, until: until}
	}
	delete(old, path)
	if d.Validate() != nil {
		d = ""
	}
	p.published[o.object()] = publication{owner: o, path: path, digest: d, ends: ends, old: old}
}

// Expect makes path the only path of o and answers 503 for it, until Allow or Drop: the path is published, but
// not verified yet, or its file is being recovered. Expect revokes an allowance of that path, and drops all
// other paths of that name.
func (p *Paths) Expect(o Owner, path string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.of(o)
	if o.has(path) {
		p.published[o.object()] = publication{owner: o, path: path}
	}
}

// DropOld drops the old paths of o and keeps the current one.
func (p *Paths) DropOld(o Owner) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if one, ok := p.published[o.object()]; ok && one.owner == o {
		one.old = nil
		p.published[o.object()] = one
	}
}

// Drop drops every path of that name, whatever the UID.
func (p *Paths) Drop(namespace, name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.published, objectName{namespace, name})
}

// Owner returns the object that the path belongs to, if the path is allowed or expected.
func (p *Paths) Owner(path string) (Owner, bool) {
	owner := p.find(path).owner
	return owner, owner != Owner{}
}

// Current returns the current path of the object with that name and its digest, if
// the path is allowed.
func (p *Paths) Current(namespace, name string) (o Owner, path string, d digest.Digest, ok bool) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	one := p.published[objectName{namespace, name}]
	if one.digest == "" {
		return Owner{}, "", "", false
	}
	return one.owner, one.path, one.digest, true
}

// Known marks the set of paths as complete: from now on an unknown path is answered with 404 and no longer with
// 503.
func (p *Paths) Known() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.known = true
}

// IsKnown reports whether Known was called.
func (p *Paths) IsKnown() bool {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.known
}

// Expected returns how many paths are expected and not allowed yet.
func (p *Paths) Expected() int {
	p.mu.RLock()
	defer p.mu.RUnlock()
	n := 0
	for _, one := range p.published {
		if one.digest == "" {
			n++
		}
	}
	return n
}

// of returns the publication of o, after dropping that of an object with the same name and another UID.
func (p *Paths) of(o Owner) publication {
	one, ok := p.published[o.object()]
	if ok && one.owner != o {
		delete(p.published, o.object())
		return publication{}
	}
	return one
}

func (o Owner) object() objectName { return objectName{o.Namespace, o.Name} }

// has reports whether the path belongs to o.
func (o Owner) has(path string) bool {
	name, ok := objectOf(path)
	return ok && name == o.object()
}

// objectOf returns the name of the object that a path belongs to.
func objectOf(path string) (objectName, bool) {
	if !storage.ValidPath(path) {
		return objectName{}, false
	}
	segments := strings.Split(path, "/")
	return objectName{segments[1], segments[2]}, true
}

// answer is the kind of answer to a request for a path.
type answer int

const (
	unknown answer = iota // not found
	pending               // retry later
	allowed               // the file, if it has the digest
)

type found struct {
	answer answer
	owner  Owner
	digest digest.Digest
}

// find returns the answer to a request for the path now. A valid path without an owner is pending until the set
// of paths is known.
func (p *Paths) find(path string) found {
	name, ok := objectOf(path)
	if !ok {
		return found{}
	}
	p.mu.RLock()
	defer p.mu.RUnlock()
	one := p.published[name]
	old, isOld := one.old[path]
	switch {
	case one.path == path && one.digest == "":
		return found{answer: pending, owner: one.owner}
	case one.path == path:
		return found{allowed, one.owner, one.digest}
	case isOld && p.now().Before(old.until):
		return found{allowed, one.owner, old.digest}
	case !p.known:
		return found{answer: pending}
	}
	return found{}
}
