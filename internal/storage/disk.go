// SPDX-License-Identifier: Apache-2.0

package storage

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

const (
	folderMode fs.FileMode = 0o700
	stagedMode fs.FileMode = 0o600
	servedMode fs.FileMode = 0o644
)

// disk holds each operation that changes stored files, so that tests can make an operation fail, stop at it or
// observe the order.
type disk struct {
	write  func(*os.File, []byte) (int, error)
	sync   func(*os.File) error
	rename func(r *os.Root, from, to string) error
	remove func(r *os.Root, name string) error
}

var realDisk = disk{
	write:  (*os.File).Write,
	sync:   (*os.File).Sync,
	rename: (*os.Root).Rename,
	remove: (*os.Root).RemoveAll,
}

// syncFolder makes the names in a folder survive a crash.
func (d disk) syncFolder(r *os.Root) error {
	f, err := r.Open(".")
	if err != nil {
		return err
	}
	return errors.Join(d.sync(f), f.Close())
}

// full reports whether an error is due to a lack of space, which is often temporary.
func full(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}
