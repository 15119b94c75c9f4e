// SPDX-License-Identifier: Apache-2.0

package storage

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"

	"github.com/fluxcd/pkg/apis/meta"
	"github.com/opencontainers/go-digest"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Commit makes the staged file the file of the artifact and sets the artifact's Digest, Size, LastUpdateTime
// and URL. If a.Digest is set already, with any OCI algorithm, the file must have this digest, or else the
// error also matches ErrDamaged; Commit replaces it by the SHA-256 digest.
//
// A crash at any moment leaves the old file at a.Path, or the whole new file; after Commit has returned nil,
// the new file. After an error the artifact is unchanged, and every error matches ErrStorage.
func (s *Storage) Commit(st *Staged, a *meta.Artifact) error {
	if err := s.commit(st, a.Path, a.Digest); err != nil {
		return failed("commit "+bounded(a.Path), err)
	}
	a.Digest = st.Digest().String()
	size := st.Size()
	a.Size = &size
	a.LastUpdateTime = metav1.Now().Rfc3339Copy()
	s.SetURL(a)
	return nil
}

func (s *Storage) commit(st *Staged, p, want string) error {
	if st.err != nil {
		return st.err
	}
	if st.done {
		return fs.ErrClosed
	}
	if !ValidPath(p) {
		return errors.New("not the path of an artifact")
	}
	if want != "" {
		if err := st.expect(digest.Digest(want)); err != nil {
			return err
		}
	}
	return s.put(st, p, servedMode)
}

// put makes the staged file the file at p, relative to the storage folder. A crash at any moment leaves the old
// file at p, or the whole staged file.
func (s *Storage) put(st *Staged, p string, mode fs.FileMode) error {
	if err := st.file.Chmod(mode); err != nil {
		return err
	}
	if err := s.disk.sync(st.file); err != nil {
		return err
	}
	root, err := s.root()
	if err != nil {
		return err
	}
	defer root.Close() //nolint:errcheck // synced before
	return s.place(root, st, p)
}

// place gives the file the name p, and syncs that name to disk.
func (s *Storage) place(root *os.Root, st *Staged, p string) error {
	folder, err := descend(root, path.Dir(p), s.disk.syncFolder)
	if err != nil {
		return err
	}
	defer folder.Close() //nolint:errcheck // synced before
	if err := s.disk.rename(root, st.name, p); err != nil {
		return err
	}
	st.done = true
	st.err = failed("write a staged file", fs.ErrClosed)
	st.file.Close() //nolint:errcheck,gosec // synced before
	return s.disk.syncFolder(folder)
}

// descend opens the folder dir, which the caller closes. It creates missing folders on the way, and syncs their
// names.
func descend(root *os.Root, dir string, sync func(*os.Root) error) (*os.Root, error) {
	at, err := root.OpenRoot(".")
	if err != nil {
		return nil, err
	}
	for segment := range strings.SplitSeq(dir, "/") {
		next, err := step(at, segment)
		if errors.Is(err, ErrMissing) {
			if err = makeFolder(at, segment, sync); err == nil {
				next, err = step(at, segment)
			}
		}
		at.Close() //nolint:errcheck,gosec // synced before
		if err != nil {
			return nil, err
		}
		at = next
	}
	return at, nil
}

// makeFolder makes a folder that survives a crash, or none. It is no error if another process has just made the
// folder.
func makeFolder(in *os.Root, name string, sync func(*os.Root) error) error {
	if err := in.Mkdir(name, folderMode); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	err := sync(in)
	if err != nil {
		in.Remove(name) //nolint:errcheck,gosec // the next store tries again
	}
	return err
}

// bounded is s, cut for an error.
func bounded(s string) string {
	const limit = 300
	if len(s) > limit {
		return fmt.Sprintf("%q…", s[:limit])
	}
	return fmt.Sprintf("%q", s)
}
