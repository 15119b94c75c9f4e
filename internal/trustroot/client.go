// SPDX-License-Identifier: Apache-2.0

package trustroot

import (
	"context"
	"fmt"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata/trustedmetadata"
)

// client is a client of one TUF repository. go-tuf checks signatures, thresholds,
// versions, expiry, lengths and hashes; the client fetches the files in order,
// bounds them and keeps them.
//
// go-tuf's updater forgets roots, and keeps each file as soon as it is verified. The
// client keeps every root, so it can verify the chain without the mirror, and no
// mirror can undo a root. It keeps the other files only after all of them,
// including the target, are verified together. No file name comes from metadata.
// A client is not safe for concurrent use.
type client struct {
	initial []byte
	mirror  *mirror
	store   *store
}

// verified is a trusted root, and the time at which its metadata expires.
type verified struct {
	root    *Root
	expires time.Time
}

// update fetches the current trusted root from the mirror.
func (c *client) update(ctx context.Context, now time.Time) (verified, error) {
	return c.follow(now, func(path string, limit int64) ([]byte, error) { return c.mirror.get(ctx, path, limit) })
}

// recall verifies the files that an earlier update kept. It also returns the time of that update.
func (c *client) recall(now time.Time) (v verified, at time.Time, err error) {
	v, err = c.follow(now, nil)
	if err != nil {
		return verified{}, time.Time{}, err
	}
	at, _ = c.store.confirmed()
	return v, at, nil
}

// follow carries out the client workflow of the TUF specification (5.1 to 5.7).
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

// begin is the first step of the workflow: it trusts the initial root.
func begin(initial []byte) (_ *trustedmetadata.TrustedMetadata, err error) {
	defer guard(&err)
	return trustedmetadata.New(initial)
}

// guard, if deferred, turns a panic into an error. go-tuf panics at a null in
// metadata, and a thief of a key can sign such metadata.
func guard(err *error) {
	if cause := recover(); cause != nil {
		*err = fmt.Errorf("the metadata cannot be read: %v", cause)
	}
}
