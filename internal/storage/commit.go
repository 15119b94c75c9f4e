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
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Commit makes the staged file the file of the artifact and sets the
// artifact's Digest, Size, LastUpdateTime and URL. If a.Digest is set already,
// the file must have it, or else the error matches ErrDamaged too.
//
// A crash at any moment leaves at a.Path the file that was there before, or
// this one whole; once Commit has returned nil, this one. After an error the
// artifact is as it was, and every error matches ErrStorage.
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
	if got := st.Digest().String(); want != "" && got != want {
		return fmt.Errorf("%w: it has the digest %s, not %s", ErrDamaged, got, bounded(want))
	}
	if err := s.flush(st); err != nil {
		return err
	}
	root, err := s.root()
	if err != nil {
		return err
	}
	defer root.Close() //nolint:errcheck // synced before
	return s.place(root, st, p)
}

// flush puts the file's content, and the mode it is served with, on the disk.
func (s *Storage) flush(st *Staged) error {
	if err := st.file.Chmod(servedMode); err != nil {
		return err
	}
	return s.disk.sync(st.file)
}

// place gives the file the name p, and puts that name on the disk: with each
// folder on the way, since any of them may be new.
func (s *Storage) place(root *os.Root, st *Staged, p string) error {
	folders, err := descend(root, path.Dir(p))
	defer func() {
		for _, f := range folders {
			f.Close() //nolint:errcheck,gosec // synced before
		}
	}()
	if err != nil {
		return err
	}
	if err := s.disk.rename(root, st.name, p); err != nil {
		return err
	}
	st.done = true
	st.err = failed("write a staged file", fs.ErrClosed)
	st.file.Close() //nolint:errcheck,gosec // synced before
	for i := len(folders) - 1; i >= 0; i-- {
		if err := s.disk.syncFolder(folders[i]); err != nil {
			return err
		}
	}
	return nil
}

// descend opens root and each folder on the way down to dir, creating what is
// missing. The caller closes those that are returned, also with an error.
func descend(root *os.Root, dir string) ([]*os.Root, error) {
	at, err := root.OpenRoot(".")
	if err != nil {
		return nil, err
	}
	folders := []*os.Root{at}
	for segment := range strings.SplitSeq(dir, "/") {
		if err := at.Mkdir(segment, folderMode); err != nil && !errors.Is(err, fs.ErrExist) {
			return folders, err
		}
		if at, err = step(at, segment); err != nil {
			return folders, err
		}
		folders = append(folders, at)
	}
	return folders, nil
}

// bounded is s, cut for an error.
func bounded(s string) string {
	const limit = 300
	if len(s) > limit {
		return fmt.Sprintf("%q…", s[:limit])
	}
	return fmt.Sprintf("%q", s)
}
