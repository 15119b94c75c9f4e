// SPDX-License-Identifier: Apache-2.0

package chartrepo

import (
	"context"
	"sync"
	"time"

	"github.com/verifiedchart/verifiedchart/internal/download"
)

// maxIndexes and maxIndexBytes bound the indexes that are kept on the disk: their number, and their total size.
const maxIndexes, maxIndexBytes = 256, 512 << 20

// index is one version of an index.yaml. Its file is discarded when the last user releases it.
type index struct {
	file       File
	size       int64
	hash       string // of its content
	validators download.Validators

	// The fields below are guarded by indexes.mu.
	at       time.Time // when the server was asked last
	isInside bool
	users    int
}

// place holds the last index of one repository, as one set of credentials sees it.
type place struct {
	// busy holds one token while somebody downloads the index.
	busy chan struct{}

	// The fields below are guarded by indexes.mu.
	scope    string // of a user: the one that holds the least
	current  *index
	used     time.Time
	visitors int
	// failed is why the last download failed, when that began, and for which scope. All who waited in that scope fail too.
	failed      error
	failedAt    time.Time
	failedScope string
}

// indexes holds the places. Only evict removes the index of a place, so that each file has an owner.
type indexes struct {
	mu     sync.Mutex
	places map[string]*place
}

func newIndexes() *indexes { return &indexes{places: map[string]*place{}} }

// visit returns the place with a key. The caller leaves it.
func (x *indexes) visit(key, scope string, now time.Time) *place {
	x.mu.Lock()
	defer x.mu.Unlock()
	p := x.places[key]
	if p == nil {
		p = &place{busy: make(chan struct{}, 1)}
		x.places[key] = p
	}
	p.visitors++
	p.used = now
	// A tenant must not take the index of another by asking for it, and then evict it with indexes of its own.
	if shares, _, _ := x.shares(); p.scope == "" || shares[scope] < shares[p.scope] {
		p.scope = scope
	}
	return p
}

// leave ends a visit. A place without an index is not kept.
func (x *indexes) leave(key string, p *place) {
	x.mu.Lock()
	defer x.mu.Unlock()
	p.visitors--
	if p.visitors == 0 && p.current == nil {
		delete(x.places, key)
	}
	x.evict()
}

// take returns the index of a place, which the caller releases, if it is young enough: if the server was asked for it less than maxAge
// ago, or since the caller asked.
func (x *indexes) take(p *place, asked, now time.Time, maxAge time.Duration) *index {
	x.mu.Lock()
	defer x.mu.Unlock()
	i := p.current
	if i == nil || now.Sub(i.at) >= maxAge && !i.at.After(asked) {
		return nil
	}
	i.users++
	return i
}

// last returns the last index of a place, of any age, which the caller releases.
func (x *indexes) last(p *place) *index {
	x.mu.Lock()
	defer x.mu.Unlock()
	if p.current != nil {
		p.current.users++
	}
	return p.current
}

// failure returns why a download failed that began since the caller asked, in the same scope.
func (x *indexes) failure(p *place, scope string, asked time.Time) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if p.failedScope == scope && p.failedAt.After(asked) {
		return p.failed
	}
	return nil
}

func (x *indexes) fail(p *place, scope string, began time.Time, err error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	p.failed, p.failedAt, p.failedScope = err, began, scope
}

// confirm records that the server has the index unchanged.
func (x *indexes) confirm(i *index, at time.Time, isInside bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	i.at, i.isInside = at, i.isInside && isInside
}

// put makes a new index the last one of a place, and keeps it for the caller too.
func (x *indexes) put(p *place, i *index) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.drop(p.current)
	i.users += 2
	p.current = i
}

func (x *indexes) release(i *index) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.drop(i)
}

// drop ends the use of an index, which may be nil.
func (x *indexes) drop(i *index) {
	if i == nil {
		return
	}
	if i.users--; i.users == 0 {
		i.file.Discard()
	}
}

func (x *indexes) insideOf(i *index) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return i.isInside
}

// evict removes indexes until the bounds hold: of the scope that holds the most, the one that was used least recently. So no tenant
// evicts the indexes of a tenant that holds fewer.
func (x *indexes) evict() {
	for {
		shares, count, total := x.shares()
		if count <= maxIndexes && total <= maxIndexBytes {
			return
		}
		key := x.oldestOf(largest(shares))
		p := x.places[key]
		x.drop(p.current)
		if p.current = nil; p.visitors == 0 {
			delete(x.places, key)
		}
	}
}

// shares returns how much each scope holds, and the number and the total size of all indexes.
func (x *indexes) shares() (shares map[string]int64, count int, total int64) {
	shares = map[string]int64{}
	for _, p := range x.places {
		if p.current != nil {
			count++
			total += p.current.size
			shares[p.scope] += p.current.size + maxIndexBytes/maxIndexes
		}
	}
	return shares, count, total
}

func largest(shares map[string]int64) string {
	most, found := int64(-1), ""
	for scope, size := range shares {
		if size > most || size == most && scope < found {
			most, found = size, scope
		}
	}
	return found
}

func (x *indexes) oldestOf(scope string) string {
	var oldest *place
	var found string
	for key, p := range x.places {
		if p.current != nil && p.scope == scope && (oldest == nil || p.used.Before(oldest.used)) {
			oldest, found = p, key
		}
	}
	return found
}

// lock waits until nobody downloads the index of a place.
func (p *place) lock(ctx context.Context) error {
	select {
	case p.busy <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (p *place) unlock() { <-p.busy }
