// SPDX-License-Identifier: Apache-2.0

package storage

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"

	"github.com/fluxcd/pkg/apis/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// retiredFolder is not a valid first segment of a path, so the server never serves a file in it.
const retiredFolder = ".retired"

// Retire moves every file of the object out of the served tree, so that they are not served even after a crash.
// It keeps the artifact's file for Recover, unless a crash loses it. It is no error if the file is missing. An
// error matches ErrStorage; then the files may still be in the served tree.
func (s *Storage) Retire(obj metav1.Object, a meta.Artifact) error {
	if s.Owns(obj, a) {
		if err := s.retire(obj, a.Path); err != nil {
			return failed("retire "+bounded(a.Path), err)
		}
	}
	return s.Clear(obj)
}

func (s *Storage) retire(obj metav1.Object, p string) error {
	root, err := s.root()
	if err != nil {
		return err
	}
	defer root.Close() //nolint:errcheck // synced before
	if err := s.ForgetRetired(obj); err != nil {
		return err
	}
	to := path.Join(retiredFolder, obj.GetNamespace(), obj.GetName())
	folder, err := descend(root, to, nowhere)
	if err != nil {
		return err
	}
	defer folder.Close() //nolint:errcheck // a file that a crash moves back is swept, and a lost file is fetched again
	err = s.disk.rename(root, p, path.Join(to, path.Base(p)))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// nowhere syncs no folder.
func nowhere(*os.Root) error { return nil }

// Recover stages the file that Retire kept under the artifact's file name. The caller must verify the file
// again, because Recover does not check its content. An error matches ErrMissing if there is no file to
// recover, and otherwise ErrDamaged or ErrStorage.
func (s *Storage) Recover(obj metav1.Object, a meta.Artifact) (*Staged, error) {
	if !s.Owns(obj, a) {
		return nil, fmt.Errorf("%w: not the path of an artifact of %s/%s", ErrMissing, obj.GetNamespace(), obj.GetName())
	}
	folder, err := openFolder(s.flux.BasePath, path.Join(retiredFolder, obj.GetNamespace(), obj.GetName()))
	if err != nil {
		return nil, err
	}
	defer folder.Close() //nolint:errcheck // only read
	f, err := openRegular(folder, path.Base(a.Path))
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // only read
	return s.StageFrom(f)
}

// StageCopy returns a copy of the file of an artifact that is stored, in a new staged file. The caller has to expect any content.
func (s *Storage) StageCopy(a meta.Artifact) (*Staged, error) {
	f, err := Open(s.flux.BasePath, a.Path)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // only read
	return s.StageFrom(f)
}

// StageFrom returns a copy of r in a new staged file.
func (s *Storage) StageFrom(r io.Reader) (*Staged, error) {
	staged, err := s.Stage()
	if err != nil {
		return nil, err
	}
	if err := pour(staged, r); err != nil {
		staged.Discard()
		return nil, failed("copy a file", err)
	}
	return staged, nil
}
