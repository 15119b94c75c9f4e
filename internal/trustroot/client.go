// SPDX-License-Identifier: Apache-2.0

package trustroot

import (
	"context"
	"fmt"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata/trustedmetadata"
)

// client is a client of one TUF repository. Every judgement (signatures and
// their threshold, versions, expiry, lengths and hashes) is go-tuf's; the client
// decides in which order it sees which bytes, keeps them and bounds them.
//
// Unlike go-tuf's updater it keeps each root, so that the chain from the initial
// one can be proven after a restart without the mirror and no mirror can take a
// known root back; and it keeps the other files only once all of them, the
// target included, are proven to belong together. No file's name comes from
// metadata. It is not safe for concurrent use.
type client struct {
	initial []byte
	mirror  *mirror
	store   *store
}

// verified is a trusted root, and until when the metadata vouches for it.
type verified struct {
	root    *Root
	expires time.Time
}

// update asks the mirror for what is current.
func (c *client) update(ctx context.Context, now time.Time) (verified, error) {
	return c.follow(now, func(path string, limit int64) ([]byte, error) { return c.mirror.get(ctx, path, limit) })
}

// recall proves once more what an earlier update kept, and says when that was.
func (c *client) recall(now time.Time) (v verified, at time.Time, err error) {
	v, err = c.follow(now, nil)
	if err != nil {
		return verified{}, time.Time{}, err
	}
	at, _ = c.store.confirmed()
	return v, at, nil
}

// follow is the client workflow of the TUF specification (5.1 to 5.7).
func (c *client) follow(now time.Time, fetch fetchFunc) (v verified, err error) {
	defer guard(&err)
	trusted, err := begin(c.initial)
	if err != nil {
		return verified{}, err
	}
	trusted.RefTime = now
	w := &workflow{store: c.store, fetch: fetch, trusted: trusted, proven: map[string][]byte{}}
	for _, step := range []func() error{w.roots, w.timestamp, w.snapshot, w.targets} {
		if err := step(); err != nil {
			return verified{}, err
		}
	}
	parsed, err := w.target()
	if err != nil {
		return verified{}, err
	}
	if fetch != nil {
		if err := w.keep(); err != nil {
			return verified{}, fmt.Errorf("keep the metadata in %s: %w", c.store.dir, err)
		}
	}
	return verified{root: parsed, expires: w.expires()}, nil
}

// begin is the first step: to trust the initial root.
func begin(initial []byte) (_ *trustedmetadata.TrustedMetadata, err error) {
	defer guard(&err)
	return trustedmetadata.New(initial)
}

// guard, deferred, makes an error of a panic: a null in metadata makes go-tuf
// panic, and who has stolen a key can sign one. That must not end the process.
func guard(err *error) {
	if cause := recover(); cause != nil {
		*err = fmt.Errorf("the metadata cannot be read: %v", cause)
	}
}
