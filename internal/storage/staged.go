// SPDX-License-Identifier: Apache-2.0

package storage

import (
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path"

	"github.com/opencontainers/go-digest"
)

// Staged is a file that is written and verified before it is committed or discarded. It lies outside of the
// served tree. It is not safe for concurrent use.
type Staged struct {
	storage *Storage
	file    *os.File
	name    string // relative to the storage path
	hash    hash.Hash
	size    int64
	err     error // of the first write that failed
	done    bool  // committed or discarded
}

// Stage returns a new staged file. The caller must Discard it, also after Commit.
func (s *Storage) Stage() (*Staged, error) {
	if err := os.MkdirAll(s.flux.BasePath, folderMode); err != nil {
		return nil, failed("create the storage folder", err)
	}
	root, err := s.root()
	if err != nil {
		return nil, err
	}
	defer root.Close() //nolint:errcheck // nothing is written through it
	folder, err := s.claim(root)
	if err != nil {
		return nil, failed("claim a staging folder", err)
	}
	name := path.Join(folder, rand.Text())
	f, err := root.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, stagedMode)
	if err != nil {
		return nil, failed("stage a file", err)
	}
	return &Staged{storage: s, file: f, name: name, hash: sha256.New()}, nil
}

// Write appends to the file. An error matches ErrStorage, and makes Commit fail.
func (st *Staged) Write(p []byte) (int, error) {
	if st.err != nil {
		return 0, st.err
	}
	n, err := st.storage.disk.write(st.file, p)
	st.hash.Write(p[:n])
	st.size += int64(n)
	if err != nil {
		st.err = failed("write a staged file", err)
	}
	return n, st.err
}

// Size returns the number of written bytes.
func (st *Staged) Size() int64 { return st.size }

// Digest returns the SHA-256 digest of the written bytes.
func (st *Staged) Digest() digest.Digest {
	return digest.NewDigest(digest.SHA256, st.hash)
}

// expect returns nil if the file has the digest, or else an error that matches ErrDamaged.
func (st *Staged) expect(want digest.Digest) error {
	if err := want.Validate(); err != nil {
		return fmt.Errorf("%w: %s is not a digest: %w", ErrDamaged, bounded(string(want)), err)
	}
	got := st.Digest()
	if a := want.Algorithm(); a != got.Algorithm() {
		var err error
		if got, err = a.FromReader(st.Reader()); err != nil {
			return err
		}
	}
	if got != want {
		return fmt.Errorf("%w: it has the digest %s, not %s", ErrDamaged, got, want)
	}
	return nil
}

// Reader returns a reader of the written bytes, from the start. It is valid until Commit or Discard. Any error
// except io.EOF matches ErrStorage.
func (st *Staged) Reader() *io.SectionReader {
	return io.NewSectionReader(readAt{st.file}, 0, st.size)
}

// readAt gives an error of the disk its class; a reader's content may cause other errors.
type readAt struct{ *os.File }

func (r readAt) ReadAt(p []byte, offset int64) (int, error) {
	n, err := r.File.ReadAt(p, offset)
	if err != nil && !errors.Is(err, io.EOF) {
		err = failed("read a staged file", err)
	}
	return n, err
}

// Discard removes the file unless it was committed. It may be called repeatedly. If it cannot remove the file,
// the next start of the process does.
func (st *Staged) Discard() {
	if st == nil || st.done {
		return
	}
	st.done = true
	st.err = failed("write a staged file", fs.ErrClosed)
	st.file.Close() //nolint:errcheck,gosec // its content is not needed
	root, err := st.storage.root()
	if err != nil {
		return
	}
	defer root.Close()   //nolint:errcheck // nothing is written through it
	root.Remove(st.name) //nolint:errcheck,gosec // swept at the next start
}
