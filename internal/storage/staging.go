// SPDX-License-Identifier: Apache-2.0

package storage

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"syscall"
)

const (
	// stagingFolder is not a valid first segment of a path, so the server never serves a file in it.
	stagingFolder = ".staging"
	lockFile      = ".lock"
	// claimTries bounds how often another process may sweep a folder between its creation and its lock.
	claimTries = 16
)

// claim returns the folder in which this process stages files. The process holds a lock in the folder until it
// ends in any way, so that other processes know that it is alive.
func (s *Storage) claim(root *os.Root) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lock != nil && held(root, s.staging, s.lock) {
		return s.staging, nil
	}
	if s.lock != nil { // the volume was wiped or changed
		s.lock.Close() //nolint:errcheck,gosec // what it guarded is gone
		s.lock, s.staging = nil, ""
	}
	if err := root.Mkdir(stagingFolder, folderMode); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", err
	}
	for range claimTries {
		folder := path.Join(stagingFolder, rand.Text())
		if err := root.Mkdir(folder, folderMode); err != nil {
			return "", err
		}
		lock, err := tryLock(root, folder)
		if err == nil {
			s.staging, s.lock = folder, lock
			return folder, nil
		}
		if !errors.Is(err, errLive) && !errors.Is(err, fs.ErrNotExist) {
			root.RemoveAll(folder) //nolint:errcheck,gosec // swept at the next start
			return "", err
		}
	}
	return "", fmt.Errorf("another process keeps removing folders in %s", stagingFolder)
}

// sweep removes the staging folders of processes that no longer run.
func sweep(root *os.Root) error {
	folders, err := fs.ReadDir(root.FS(), stagingFolder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var failures []error
	for _, f := range folders {
		if f.IsDir() {
			failures = append(failures, sweepFolder(root, path.Join(stagingFolder, f.Name())))
		}
	}
	return errors.Join(failures...)
}

func sweepFolder(root *os.Root, folder string) error {
	lock, err := tryLock(root, folder)
	if errors.Is(err, errLive) || errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	// The lock is held until the folder is gone, so that no other process claims the folder meanwhile.
	return errors.Join(root.RemoveAll(folder), lock.Close())
}

// errLive is the error for a staging folder that another process holds.
var errLive = errors.New("the folder belongs to a process that runs")

// tryLock locks a staging folder. The error matches errLive if another process holds the lock, and
// fs.ErrNotExist if the folder is gone. The kernel releases the lock when the process ends.
func tryLock(root *os.Root, folder string) (*os.File, error) {
	lock, err := root.OpenFile(path.Join(folder, lockFile), os.O_RDWR|os.O_CREATE, stagedMode)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		lock.Close() //nolint:errcheck,gosec // no byte was written
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, errLive
		}
		return nil, fmt.Errorf("lock: %w", err)
	}
	if !held(root, folder, lock) {
		lock.Close() //nolint:errcheck,gosec // no byte was written
		return nil, fs.ErrNotExist
	}
	return lock, nil
}

// held reports whether lock is still the lock of the folder, and not of a folder that was removed meanwhile.
func held(root *os.Root, folder string, lock *os.File) bool {
	now, err := root.Lstat(path.Join(folder, lockFile))
	if err != nil {
		return false
	}
	ours, err := lock.Stat()
	return err == nil && os.SameFile(now, ours)
}
