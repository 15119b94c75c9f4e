// SPDX-License-Identifier: Apache-2.0

package storage

import (
	_ "crypto/sha512" // for digests of that algorithm
	"io"
	"io/fs"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/opencontainers/go-digest"
)

const (
	// MaxDigests bounds the digests that Digests keep.
	MaxDigests = 4096
	// changeAge is the age after which the time of a change differs from the time of any later change: file
	// systems count time in steps, of two seconds at most.
	changeAge = 2 * time.Second
)

// Digests keeps the digests of files that have not changed since they were hashed.
// The zero value is ready. It is safe for concurrent use.
type Digests struct {
	mu   sync.Mutex
	kept map[fileState]digest.Digest
}

// fileState differs for every content of a file: a commit makes a new inode, and every change of the content
// sets the change time, which no program can set back.
type fileState struct {
	device, inode     uint64
	size              int64
	modified, changed int64
	algorithm         digest.Algorithm
}

func stateOf(info fs.FileInfo, algorithm digest.Algorithm) (fileState, bool) {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return fileState{}, false
	}
	return fileState{
		device: stat.Dev, inode: stat.Ino, size: info.Size(),
		modified: stat.Mtim.Nano(), changed: stat.Ctim.Nano(), algorithm: algorithm,
	}, true
}

// Of returns the digest of an open file by an available algorithm, and seeks the file back to its start.
func (d *Digests) Of(f *os.File, algorithm digest.Algorithm, now time.Time) (digest.Digest, error) {
	info, err := f.Stat()
	if err != nil {
		return "", err
	}
	state, known := stateOf(info, algorithm)
	if kept, ok := d.load(state); known && ok {
		return kept, nil
	}
	found, err := algorithm.FromReader(f)
	if err != nil {
		return "", err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return "", err
	}
	if known && now.Sub(time.Unix(0, state.changed)) > changeAge {
		d.store(state, found)
	}
	return found, nil
}

func (d *Digests) load(s fileState) (digest.Digest, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	found, ok := d.kept[s]
	return found, ok
}

func (d *Digests) store(s fileState, found digest.Digest) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.kept == nil || len(d.kept) >= MaxDigests {
		d.kept = map[fileState]digest.Digest{}
	}
	d.kept[s] = found
}

// Len returns how many digests are kept.
func (d *Digests) Len() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.kept)
}
