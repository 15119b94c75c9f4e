package storage

import (
	"crypto/sha256"
	"errors"
	"hash"
	"io"
	"os"
	"path/filepath"
	"syscall"

	"github.com/opencontainers/go-digest"
)

// stagingFolder holds what is being written, outside the served tree but on its
// file system, so that a rename from it is atomic.
const stagingFolder = ".staging"

// staging is this process's folder for what is being written. Its lock tells
// other processes on the same volume that it is in use.
type staging struct {
	path string
	lock *os.File
}

func newStaging(base string) (*staging, error) {
	root := filepath.Join(base, stagingFolder)
	if err := os.MkdirAll(root, 0o700); err != nil {
		return nil, err
	}
	if err := sweep(root); err != nil {
		return nil, err
	}
	path, err := os.MkdirTemp(root, "process-")
	if err != nil {
		return nil, err
	}
	lock, err := lockFolder(path)
	if err != nil {
		return nil, err
	}
	return &staging{path: path, lock: lock}, nil
}

// sweep removes the folders of processes that are gone.
func sweep(root string) error {
	entries, err := os.ReadDir(root)
	if err != nil {
		return err
	}
	for _, e := range entries {
		path := filepath.Join(root, e.Name())
		lock, err := lockFolder(path)
		if err != nil {
			continue // in use by another process, or not ours to judge
		}
		err = os.RemoveAll(path)
		if err = errors.Join(err, lock.Close()); err != nil {
			return err
		}
	}
	return nil
}

// lockFolder takes the lock of a folder, which ends with the process.
func lockFolder(path string) (*os.File, error) {
	f, err := os.Open(path) //nolint:gosec // below the staging folder
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil { //nolint:gosec // a file descriptor
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// Staged is a file that is being written and is not served. Discard ends it.
type Staged struct {
	file  *os.File
	hash  hash.Hash
	size  int64
	moved bool
}

// Stage starts a new file. The caller must Discard it, also after Commit.
func (s *Storage) Stage() (*Staged, error) {
	file, err := os.CreateTemp(s.staging.path, "chart-")
	if err != nil {
		return nil, failed("create a file", err)
	}
	return &Staged{file: file, hash: sha256.New()}, nil
}

// Write implements io.Writer; its error matches ErrStorage.
func (st *Staged) Write(p []byte) (int, error) {
	n, err := st.file.Write(p)
	_, _ = st.hash.Write(p[:n])
	st.size += int64(n)
	if err != nil {
		return n, failed("write", err)
	}
	return n, nil
}

// Digest returns the SHA-256 of what was written.
func (st *Staged) Digest() digest.Digest { return digest.NewDigest(digest.SHA256, st.hash) }

// Reader returns what was written, from its start. It is good until Discard.
func (st *Staged) Reader() io.Reader { return io.NewSectionReader(st.file, 0, st.size) }

// settle makes what was written survive a crash.
func (st *Staged) settle() error {
	return errors.Join(st.file.Chmod(0o644), st.file.Sync())
}

// Discard ends the file and removes it, unless Commit moved it.
func (st *Staged) Discard() {
	_ = st.file.Close()
	if !st.moved {
		_ = os.Remove(st.file.Name())
	}
}
