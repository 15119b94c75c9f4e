// SPDX-License-Identifier: Apache-2.0

package storage

import (
	"errors"
	"path"

	"github.com/fluxcd/pkg/apis/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Withdraw removes the file of the artifact, so that it is no longer served, even after a crash. It is no error
// if the file is missing. An error matches ErrStorage.
func (s *Storage) Withdraw(a meta.Artifact) error {
	if !ValidPath(a.Path) { // no file has ever been stored there
		return nil
	}
	return s.remove(path.Dir(a.Path), path.Base(a.Path))
}

// RemoveAll removes all files of the object: served files, the retired file and signature material. It is no
// error if some or all of them, or the storage folder, are missing. RemoveAll continues after an error; an
// error matches ErrStorage.
func (s *Storage) RemoveAll(obj metav1.Object) error {
	return errors.Join(s.Clear(obj), s.ForgetRetired(obj), s.removeOf(obj, materialFolder))
}

// Clear removes every file of the object in the served tree, and its folder there. It is no error if they are
// missing. An error matches ErrStorage.
func (s *Storage) Clear(obj metav1.Object) error { return s.removeOf(obj, kind) }

// ForgetRetired removes the file that Retire kept for the object. It is no error if the file is missing. An
// error matches ErrStorage.
func (s *Storage) ForgetRetired(obj metav1.Object) error { return s.removeOf(obj, retiredFolder) }

func (s *Storage) removeOf(obj metav1.Object, tree string) error {
	namespace, name := obj.GetNamespace(), obj.GetName()
	if !validSegment(namespace) || !validSegment(name) {
		return nil
	}
	return s.remove(path.Join(tree, namespace), name)
}

// remove removes the file or folder with this name in the folder dir.
func (s *Storage) remove(dir, name string) error {
	folder, err := openFolder(s.flux.BasePath, dir)
	if errors.Is(err, ErrMissing) {
		return nil
	}
	if err != nil {
		return failed("remove "+bounded(path.Join(dir, name)), err)
	}
	defer folder.Close() //nolint:errcheck // synced before
	if err := s.disk.remove(folder, name); err != nil {
		return failed("remove "+bounded(path.Join(dir, name)), err)
	}
	if err := s.disk.syncFolder(folder); err != nil {
		return failed("remove "+bounded(path.Join(dir, name)), err)
	}
	return nil
}
