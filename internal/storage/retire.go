// SPDX-License-Identifier: Apache-2.0

package storage

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"

	"github.com/fluxcd/pkg/apis/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// retiredFolder is not a valid first segment of a path, so nothing in it can be served.
const retiredFolder = ".retired"

// Retire takes every file of the object out of the served tree, also after a crash,
// and keeps that of the artifact where Recover finds it, unless there is a crash. One that is missing is fine.
// An error matches ErrStorage; then the files may still be there.
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
	defer folder.Close() //nolint:errcheck // what a crash undoes is swept, and what it loses is fetched again
	err = s.disk.rename(root, p, path.Join(to, path.Base(p)))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// nowhere puts the names in a folder on no disk.
func nowhere(*os.Root) error { return nil }

// Recover stages what Retire kept under the artifact's file name. What it is has to
// be found out again: nothing says that it is still what it was. An error matches
// ErrMissing if there is nothing to recover, and else ErrDamaged or ErrStorage.
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
	staged, err := s.Stage()
	if err != nil {
		return nil, err
	}
	if err := pour(staged, f); err != nil {
		staged.Discard()
		return nil, failed("recover "+bounded(a.Path), err)
	}
	return staged, nil
}
