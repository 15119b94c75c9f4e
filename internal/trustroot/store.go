// SPDX-License-Identifier: Apache-2.0

package trustroot

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"time"
)

// store keeps verified files of one TUF repository, in memory and in a directory.
// The client verifies again every file that it reads, so the directory may be
// untrusted. The store treats an unreadable file as missing. It is not safe for
// concurrent use.
type store struct {
	dir  string
	held map[string][]byte
}

func newStore(dir string) *store { return &store{dir: dir, held: map[string][]byte{}} }

// get returns the content of the file, or nil if the file is missing.
func (s *store) get(name string, limit int64) []byte {
	if raw, ok := s.held[name]; ok {
		return raw
	}
	file, err := os.Open(filepath.Join(s.dir, name))
	if err != nil {
		return nil
	}
	defer func() { _ = file.Close() }() // nothing was written
	raw, err := io.ReadAll(io.LimitReader(file, limit+1))
	if err != nil || int64(len(raw)) > limit {
		return nil
	}
	s.held[name] = raw // a lost directory must not allow a rollback
	return raw
}

// put replaces the file.
func (s *store) put(name string, raw []byte) error {
	s.held[name] = raw
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return err
	}
	file, err := os.CreateTemp(s.dir, ".tmp-*")
	if err != nil {
		return err
	}
	_, err = file.Write(raw)
	err = errors.Join(err, file.Close())
	if err == nil {
		err = os.Rename(file.Name(), filepath.Join(s.dir, name))
	}
	if err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	return nil
}

// confirmed returns the time at which the files were last written, and so were current.
func (s *store) confirmed() (at time.Time, ok bool) {
	info, err := os.Stat(filepath.Join(s.dir, timestampFile))
	if err != nil {
		return time.Time{}, false
	}
	return info.ModTime(), true
}
