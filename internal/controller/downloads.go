// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"strings"
	"sync"

	"github.com/fluxcd/pkg/apis/meta"
	"github.com/opencontainers/go-digest"

	"github.com/verifiedchart/verifiedchart/internal/fairlru"
	"github.com/verifiedchart/verifiedchart/internal/location"
	"github.com/verifiedchart/verifiedchart/internal/storage"
)

// downloads shares archives among objects: two objects that read one repository with the same credentials download an archive once.
// The bytes that an object gets are staged and hashed again, so that sharing needs no trust.
type downloads struct {
	mu      sync.Mutex
	running map[string]*running
	// stored holds where an archive was stored, by the same keys.
	stored *fairlru.Cache[string, meta.Artifact]
}

// running is a download that runs.
type running struct {
	done   chan struct{}
	staged *storage.Staged // nil if it failed
	// copies counts the objects that copy the archive, and joined those that ever wanted to.
	copies sync.WaitGroup
	joined int
}

// storedBytes bounds the places of archives that are remembered, in bytes.
const storedBytes = 1 << 20

func newDownloads() *downloads {
	return &downloads{running: map[string]*running{}, stored: fairlru.New[string, meta.Artifact](storedBytes)}
}

// keyOfDownload is equal for objects that may read the same archive: from one repository, by the same credentials, certificates and
// proxy. The scope of credentials begins with the namespace, which makes no difference here.
func keyOfDownload(repository, scope string, d digest.Digest) string {
	_, access, _ := strings.Cut(scope, "/")
	return keyOf(location.Canonical(repository), access, d.String())
}

// get returns the archive with a key and a digest in a new staged file: a copy of a stored one, or of one that another object downloads
// now, or else a download of its own.
func (d *downloads) get(ctx context.Context, s *storage.Storage, key string, want digest.Digest, download func(*storage.Staged) error) (*storage.Staged, error) {
	if at, ok := d.stored.Get("", key); ok {
		staged, err := s.StageCopy(at)
		if err == nil && staged.Digest() == want {
			return staged, nil
		}
		staged.Discard() // it was withdrawn, or damaged, meanwhile
	}
	for {
		r, isMine := d.join(key)
		if isMine {
			return d.lead(s, key, r, download)
		}
		select {
		case <-r.done:
		case <-ctx.Done():
			r.copies.Done()
			return nil, ctx.Err()
		}
		staged, err := r.copy(s)
		if staged != nil || err != nil {
			return staged, err
		}
	}
}

// join returns the download with a key, which it begins if there is none.
func (d *downloads) join(key string) (r *running, isMine bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if r, ok := d.running[key]; ok {
		r.copies.Add(1)
		r.joined++
		return r, false
	}
	r = &running{done: make(chan struct{})}
	d.running[key] = r
	return r, true
}

// lead downloads an archive, and waits until all who have joined have copied it.
func (d *downloads) lead(s *storage.Storage, key string, r *running, download func(*storage.Staged) error) (*storage.Staged, error) {
	defer func() {
		d.mu.Lock()
		delete(d.running, key)
		d.mu.Unlock()
		close(r.done)
		r.copies.Wait()
	}()
	staged, err := s.Stage()
	if err != nil {
		return nil, err
	}
	if err := download(staged); err != nil {
		staged.Discard()
		return nil, err
	}
	r.staged = staged
	return staged, nil
}

// copy returns a copy of the archive; nil if the download failed, so that the object has to download it itself.
func (r *running) copy(s *storage.Storage) (*storage.Staged, error) {
	defer r.copies.Done()
	if r.staged == nil {
		return nil, nil
	}
	return s.StageFrom(r.staged.Reader())
}

// keep remembers where an archive was stored.
func (d *downloads) keep(key string, at meta.Artifact) {
	d.stored.Add("", key, at, len(key)+len(at.Path))
}
