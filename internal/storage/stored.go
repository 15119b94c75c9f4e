// SPDX-License-Identifier: Apache-2.0

package storage

import (
	"cmp"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// ErrChanged is matched by the error for files that are too young to be removed.
var ErrChanged = errors.New("the stored files have changed lately")

// StoredObject is an object of which something is stored.
type StoredObject struct {
	Namespace, Name string
	// Newest is the latest modification time of the object's files and folders.
	Newest time.Time
}

type objectName struct{ namespace, name string }

// trees are the folders whose layout is <namespace>/<name>/<file>.
var trees = []string{kind, retiredFolder, materialFolder}

// Stored lists each object that has a served file, a retired file, signature
// material or an empty folder, in the order of their names. Files with names that
// this package never gives are left out.
//
// The list does not tell whose the files are: two controllers with different label
// selectors may share one volume, and each sees only its own objects in its cache.
// Before the caller removes an object's files, an uncached GET of the object must
// answer NotFound. An error matches ErrStorage; then nothing may be removed.
func (s *Storage) Stored() ([]StoredObject, error) {
	newest := map[objectName]time.Time{}
	for _, tree := range trees {
		if err := s.survey(tree, newest); err != nil {
			return nil, failed("list the stored files", err)
		}
	}
	names := slices.SortedFunc(maps.Keys(newest), func(a, b objectName) int {
		return cmp.Or(cmp.Compare(a.namespace, b.namespace), cmp.Compare(a.name, b.name))
	})
	found := make([]StoredObject, 0, len(names))
	for _, n := range names {
		found = append(found, StoredObject{Namespace: n.namespace, Name: n.name, Newest: newest[n]})
	}
	return found, nil
}

// RemoveStored removes all files of the object, as RemoveAll does, unless one of them
// was modified at unchangedSince or later: then it removes none, and the error
// matches ErrChanged. So a file that was written after Stored listed the object
// stays. Only the caller knows whether the object is gone: see Stored. Other errors
// match ErrStorage.
func (s *Storage) RemoveStored(o StoredObject, unchangedSince time.Time) error {
	for _, tree := range trees {
		at, err := s.newestIn(tree, o)
		if err != nil {
			return failed("look at the stored files", err)
		}
		if !at.Before(unchangedSince) {
			return ErrChanged
		}
	}
	return s.RemoveAll(&metav1.ObjectMeta{Namespace: o.Namespace, Name: o.Name})
}

// newestIn returns the latest modification time of the object's files in a tree, or
// the zero time if there are none.
func (s *Storage) newestIn(tree string, o StoredObject) (time.Time, error) {
	if !validSegment(o.Namespace) || !validSegment(o.Name) {
		return time.Time{}, nil
	}
	folder, err := openFolder(s.flux.BasePath, path.Join(tree, o.Namespace))
	if errors.Is(err, ErrMissing) {
		return time.Time{}, nil
	}
	if err != nil {
		return time.Time{}, err
	}
	defer folder.Close() //nolint:errcheck // only read
	return newestOf(folder, o.Name)
}

// survey notes the objects in a tree and the latest modification time of each.
func (s *Storage) survey(tree string, newest map[objectName]time.Time) error {
	root, err := openFolder(s.flux.BasePath, tree)
	if errors.Is(err, ErrMissing) {
		return nil
	}
	if err != nil {
		return err
	}
	defer root.Close() //nolint:errcheck // only read
	namespaces, err := fs.ReadDir(root.FS(), ".")
	if err != nil {
		return err
	}
	for _, namespace := range namespaces {
		if !namespace.IsDir() || !validSegment(namespace.Name()) {
			continue
		}
		if err := surveyNamespace(root, namespace.Name(), newest); err != nil {
			return err
		}
	}
	return nil
}

func surveyNamespace(tree *os.Root, namespace string, newest map[objectName]time.Time) error {
	folder, err := step(tree, namespace)
	if errors.Is(err, ErrMissing) {
		return nil
	}
	if err != nil {
		return err
	}
	defer folder.Close() //nolint:errcheck // only read
	objects, err := fs.ReadDir(folder.FS(), ".")
	if err != nil {
		return err
	}
	for _, o := range objects {
		if !validSegment(o.Name()) {
			continue
		}
		at, err := newestOf(folder, o.Name())
		if err != nil {
			return err
		}
		if n := (objectName{namespace, o.Name()}); at.After(newest[n]) {
			newest[n] = at
		}
	}
	return nil
}

// newestOf returns the latest modification time of a folder and everything in it, or
// the zero time if it is gone. The folder counts, since a file that moves into it
// keeps its own time. No symbolic link is followed.
func newestOf(at *os.Root, name string) (time.Time, error) {
	info, err := at.Lstat(name)
	if err != nil {
		return time.Time{}, unlessGone(err)
	}
	newest := info.ModTime()
	if !info.IsDir() {
		return newest, nil
	}
	err = fs.WalkDir(at.FS(), name, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil {
			return unlessGone(err)
		}
		info, err := entry.Info()
		if err != nil {
			return unlessGone(err)
		}
		if info.ModTime().After(newest) {
			newest = info.ModTime()
		}
		return nil
	})
	return newest, err
}

// unlessGone returns err, or nil if it says that a file has been removed meanwhile.
func unlessGone(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
