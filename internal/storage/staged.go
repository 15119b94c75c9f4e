// SPDX-License-Identifier: Apache-2.0

package storage

import (
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"hash"
	"io"
	"io/fs"
	"os"
	"path"

	"github.com/opencontainers/go-digest"
)

// Staged is a file that is written and looked at before it is committed or
// discarded. It lies outside the served tree. It is not safe for concurrent use.
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

// Size is the number of bytes written.
func (st *Staged) Size() int64 { return st.size }

// Digest is the SHA-256 digest of what was written.
func (st *Staged) Digest() digest.Digest {
	return digest.NewDigest(digest.SHA256, st.hash)
}

// Reader reads back what was written so far, from its start. It is valid until
// Commit or Discard. An error but io.EOF matches ErrStorage.
func (st *Staged) Reader() *io.SectionReader {
	return io.NewSectionReader(readAt{st.file}, 0, st.size)
}

// readAt tells an error of the disk from one of the reader's content.
type readAt struct{ *os.File }

func (r readAt) ReadAt(p []byte, offset int64) (int, error) {
	n, err := r.File.ReadAt(p, offset)
	if err != nil && !errors.Is(err, io.EOF) {
		err = failed("read a staged file", err)
	}
	return n, err
}

// Discard removes the file unless it was committed. It may be called repeatedly.
// What it cannot remove is removed at the next start.
func (st *Staged) Discard() {
	if st == nil || st.done {
		return
	}
	st.done = true
	st.err = failed("write a staged file", fs.ErrClosed)
	st.file.Close() //nolint:errcheck,gosec // its content is not wanted
	root, err := st.storage.root()
	if err != nil {
		return
	}
	defer root.Close()   //nolint:errcheck // nothing is written through it
	root.Remove(st.name) //nolint:errcheck,gosec // swept at the next start
}
