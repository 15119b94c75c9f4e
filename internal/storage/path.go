// SPDX-License-Identifier: Apache-2.0

package storage

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"
	"syscall"
)

const (
	kind      = "verifiedchart"
	extension = ".tgz"
	// maxSegment is the longest file name on the file systems in use, in bytes.
	maxSegment = 255
)

// ValidPath reports whether p is the path of a file that this package may store:
// verifiedchart/<namespace>/<name>/<file>.tgz, each segment of ASCII letters, digits, '.', '_', '+' and '-',
// beginning with a letter or a digit. So a valid path has no "..", no hidden file, no separator but '/', and
// only one spelling.
func ValidPath(p string) bool {
	segments := strings.Split(p, "/")
	if len(segments) != 4 || segments[0] != kind {
		return false
	}
	for _, s := range segments[1:] {
		if !validSegment(s) {
			return false
		}
	}
	file := segments[3]
	return strings.HasSuffix(file, extension) && len(file) > len(extension)
}

func validSegment(s string) bool {
	if s == "" || len(s) > maxSegment || !alphanumeric(s[0]) {
		return false
	}
	for i := range len(s) {
		if !alphanumeric(s[i]) && strings.IndexByte("._+-", s[i]) < 0 {
			return false
		}
	}
	return true
}

func alphanumeric(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

func owns(namespace, name, p string) bool {
	return ValidPath(p) && path.Dir(p) == path.Join(kind, namespace, name)
}

// Open opens the file of an artifact for reading, inside of the storage folder. It follows no symbolic link and
// cannot leave the folder. The error matches ErrMissing if the path is not valid or does not exist, ErrDamaged
// if it is anything but a regular file in a folder, and otherwise ErrStorage.
func Open(storagePath, p string) (*os.File, error) {
	if !ValidPath(p) {
		return nil, fmt.Errorf("%w: not the path of an artifact", ErrMissing)
	}
	folder, err := openFolder(storagePath, path.Dir(p))
	if err != nil {
		return nil, err
	}
	defer folder.Close() //nolint:errcheck // nothing is written through it
	return openRegular(folder, path.Base(p))
}

// openRegular opens a regular file directly in the folder.
func openRegular(folder *os.Root, name string) (*os.File, error) {
	before, err := folder.Lstat(name)
	if err != nil {
		return nil, asFound(name, err)
	}
	if !before.Mode().IsRegular() {
		return nil, irregular(name, before)
	}
	// If a FIFO took the place of the file, the open would wait for a writer.
	f, err := folder.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, asFound(name, err)
	}
	after, err := f.Stat()
	if err == nil && after.Mode().IsRegular() {
		return f, nil
	}
	if err == nil {
		err = irregular(name, after)
	} else {
		err = asFound(name, err)
	}
	return nil, errors.Join(err, f.Close())
}

// openFolder opens a folder of the storage, and follows no link. The caller closes the folder. Errors are those
// of Open.
func openFolder(storagePath, dir string) (*os.Root, error) {
	at, err := os.OpenRoot(storagePath)
	if err != nil {
		return nil, asFound("storage folder", err)
	}
	for segment := range strings.SplitSeq(dir, "/") {
		next, err := step(at, segment)
		at.Close() //nolint:errcheck,gosec // nothing is written through it
		if err != nil {
			return nil, err
		}
		at = next
	}
	return at, nil
}

// step opens a folder in the folder at; a link to a folder is an error.
func step(at *os.Root, segment string) (*os.Root, error) {
	info, err := at.Lstat(segment)
	if err != nil {
		return nil, asFound(segment, err)
	}
	if !info.IsDir() {
		return nil, irregular(segment, info)
	}
	next, err := at.OpenRoot(segment)
	if err != nil {
		return nil, asFound(segment, err)
	}
	return next, nil
}

func irregular(name string, info fs.FileInfo) error {
	return fmt.Errorf("%w: %q is of type %s, which was not stored here: remove it", ErrDamaged, name, info.Mode().Type())
}

// asFound returns an error that distinguishes a missing name from a failing disk.
func asFound(name string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: no %q", ErrMissing, name)
	}
	return failed("open "+bounded(name), err)
}
