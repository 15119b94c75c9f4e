// SPDX-License-Identifier: Apache-2.0

package material

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/opencontainers/go-digest"
)

// maxList bounds a revocation list, maxHeader the first line of the file, in bytes. A ConfigMap cannot hold more than maxList.
const maxList, maxHeader = 1 << 20, 1 << 10

// header is the first line of the file: a YAML comment with the digest of the lines
// below it. Without the digest, a truncated file would be a list of fewer revocations.
const header = "# %s is the digest of the list below. Written by the controller: edit the ConfigMap instead.\n"

// lastGood is a file that holds one complete list, or none.
type lastGood struct {
	path string
	// sync and rename put the file on the disk. They are fields so that tests can make them fail.
	sync   func(*os.File) error
	rename func(from, to string) error
}

func newLastGood(path string) *lastGood {
	return &lastGood{path: path, sync: (*os.File).Sync, rename: os.Rename}
}

// load returns the list. If there is none, the error matches fs.ErrNotExist.
func (l *lastGood) load() ([]byte, error) {
	if l.path == "" {
		return nil, fs.ErrNotExist
	}
	raw, err := l.read()
	if err != nil {
		return nil, err
	}
	line, text, _ := bytes.Cut(raw, []byte("\n"))
	if string(line)+"\n" != fmt.Sprintf(header, digest.FromBytes(text)) {
		return nil, fmt.Errorf("%s is damaged: its digest does not match", l.path)
	}
	return text, nil
}

func (l *lastGood) read() ([]byte, error) {
	file, err := os.Open(l.path)
	if err != nil {
		return nil, err
	}
	defer file.Close() //nolint:errcheck // nothing was written
	return io.ReadAll(io.LimitReader(file, maxList+maxHeader))
}

// store replaces the list. A crash at any moment leaves the old list or the new
// list; after a nil error, the new list.
func (l *lastGood) store(text []byte) error {
	if l.path == "" {
		return nil
	}
	raw := append(fmt.Appendf(nil, header, digest.FromBytes(text)), text...)
	if old, err := l.read(); err == nil && bytes.Equal(old, raw) {
		return nil
	}
	folder := filepath.Dir(l.path)
	if err := l.create(folder); err != nil {
		return err
	}
	staged := l.path + ".new"
	if err := l.write(staged, raw); err != nil {
		return errors.Join(err, remove(staged))
	}
	if err := l.rename(staged, l.path); err != nil {
		return errors.Join(err, remove(staged))
	}
	return l.syncFolder(folder)
}

// create creates a folder if it is missing.
func (l *lastGood) create(folder string) error {
	if _, err := os.Stat(folder); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	return l.syncFolder(filepath.Dir(folder))
}

// write writes a file and puts it on the disk.
func (l *lastGood) write(path string, raw []byte) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(raw)
	if err == nil {
		err = l.sync(file)
	}
	return errors.Join(err, file.Close())
}

// syncFolder syncs a folder, so that the names in it survive a crash.
func (l *lastGood) syncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(l.sync(folder), folder.Close())
}

// remove removes a file, if there is one.
func remove(path string) error {
	if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
