// Package storage keeps artifacts on disk. It adds to Flux's artifact storage
// what the promise needs: bytes that are not proven lie outside the served tree,
// a file appears there whole or not at all and survives a crash, and damage is found.
//
// It does not know what the bytes are or who may have them.
package storage

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/fluxcd/pkg/apis/meta"
	"github.com/fluxcd/pkg/artifact/config"
	fluxstorage "github.com/fluxcd/pkg/artifact/storage"
	"github.com/opencontainers/go-digest"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Kind is the first segment of every artifact's path; nothing outside it is served.
const Kind = "verifiedchart"

// collectTimeout bounds one collection of garbage.
const collectTimeout = 5 * time.Second

var (
	// ErrStorage is matched by the error of an operation that the storage could not do.
	ErrStorage = errors.New("storage failed")
	// ErrMissing means that there is no file for an artifact.
	ErrMissing = errors.New("the stored file is missing")
	// ErrDamaged means that the file of an artifact is not what was stored.
	ErrDamaged = errors.New("the stored file is damaged")
)

// Storage keeps artifacts below one folder. It is safe for concurrent use by
// different objects, and several processes may share the folder.
type Storage struct {
	flux    *fluxstorage.Storage
	staging *staging
}

// New returns the storage that the options describe, creating the folders that
// are missing and sweeping what crashed processes left half written.
func New(o *config.Options) (*Storage, error) {
	if err := os.MkdirAll(filepath.Join(o.StoragePath, Kind), 0o750); err != nil {
		return nil, failed("create the folder", err)
	}
	flux, err := fluxstorage.New(o)
	if err != nil {
		return nil, failed("open", err)
	}
	staging, err := newStaging(o.StoragePath)
	if err != nil {
		return nil, failed("create the staging folder", err)
	}
	return &Storage{flux: flux, staging: staging}, nil
}

// NewArtifact returns an artifact of obj with a path and a URL, and nothing stored yet.
func (s *Storage) NewArtifact(obj metav1.Object, revision, fileName string) meta.Artifact {
	return s.flux.NewArtifactFor(Kind, obj, revision, fileName)
}

// SetURL sets the artifact's URL to where it is served by now.
func (s *Storage) SetURL(a *meta.Artifact) { s.flux.SetArtifactURL(a) }

// Commit moves what was staged to the artifact's path, and sets the artifact's
// digest, size and time. When it returns nil, the file survives a crash of the
// machine; when it returns an error matching ErrStorage, the path holds what it held before.
func (s *Storage) Commit(st *Staged, a *meta.Artifact) error {
	path := s.flux.LocalPath(*a)
	if path == "" {
		return failed("commit", fmt.Errorf("the path %q is not valid", a.Path))
	}
	if err := s.makeFolder(filepath.Dir(path)); err != nil {
		return failed("create the folder", err)
	}
	if err := st.settle(); err != nil {
		return failed("write", err)
	}
	if err := os.Rename(st.file.Name(), path); err != nil {
		return failed("commit", err)
	}
	st.moved = true
	if err := syncFolder(filepath.Dir(path)); err != nil {
		return failed("commit", err)
	}
	size := st.size
	a.Digest, a.Size, a.LastUpdateTime = st.Digest().String(), &size, metav1.Now()
	s.SetURL(a)
	return nil
}

// makeFolder creates the folder of an object, and makes the folders above it remember it.
func (s *Storage) makeFolder(folder string) error {
	if _, err := os.Stat(folder); err == nil {
		return nil
	}
	if err := os.MkdirAll(folder, 0o750); err != nil {
		return err
	}
	for folder != s.flux.BasePath && strings.HasPrefix(folder, s.flux.BasePath) {
		folder = filepath.Dir(folder)
		if err := syncFolder(folder); err != nil {
			return err
		}
	}
	return nil
}

// syncFolder makes the entries of a folder survive a crash.
func syncFolder(folder string) error {
	f, err := os.Open(folder) //nolint:gosec // a folder of the storage
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// Check hashes the file of a. The error matches ErrMissing or ErrDamaged where
// the file is proven not to be what was stored; any other error says nothing of it.
func (s *Storage) Check(a meta.Artifact) error {
	want, err := digest.Parse(a.Digest)
	if err != nil {
		return fmt.Errorf("%w: its digest %q is malformed", ErrDamaged, a.Digest)
	}
	f, err := openRegular(s.flux.LocalPath(a))
	switch {
	case errors.Is(err, fs.ErrNotExist), a.Path == "":
		return fmt.Errorf("%w: %s", ErrMissing, a.Path)
	case errors.Is(err, ErrDamaged):
		return err
	case err != nil:
		return failed("open", err)
	}
	defer f.Close() //nolint:errcheck // only read
	verifier := want.Verifier()
	if _, err := io.Copy(verifier, f); err != nil {
		return failed("read", err)
	}
	if !verifier.Verified() {
		return fmt.Errorf("%w: %s does not hash to %s", ErrDamaged, a.Path, want)
	}
	return nil
}

// openRegular opens a file that is neither a link nor a folder.
func openRegular(path string) (*os.File, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%w: %s is not a regular file", ErrDamaged, filepath.Base(path))
	}
	return os.Open(path) //nolint:gosec // confined by LocalPath
}

// Withdraw removes the file of a. That there is none is fine.
func (s *Storage) Withdraw(a meta.Artifact) error {
	path := s.flux.LocalPath(a)
	if err := os.RemoveAll(path); err != nil {
		return failed("remove", err)
	}
	if err := syncFolder(filepath.Dir(path)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return failed("remove", err)
	}
	return nil
}

// RemoveAll removes everything of obj. That there is nothing is fine.
func (s *Storage) RemoveAll(obj metav1.Object) error {
	folder := filepath.Dir(s.flux.LocalPath(s.NewArtifact(obj, "", "any")))
	if err := os.RemoveAll(folder); err != nil {
		return failed("remove", err)
	}
	if err := syncFolder(filepath.Dir(folder)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return failed("remove", err)
	}
	return nil
}

// CollectGarbage removes what the retention options no longer keep of the older
// files beside a; never a itself, whatever the clock says.
func (s *Storage) CollectGarbage(ctx context.Context, a meta.Artifact) error {
	if _, err := s.flux.GarbageCollect(ctx, a, collectTimeout); err != nil {
		return failed("collect garbage", err)
	}
	return nil
}

// failed says what could not be done, without the paths of this machine.
func failed(what string, err error) error {
	var path *fs.PathError
	var link *os.LinkError
	switch {
	case errors.As(err, &path):
		err = path.Err
	case errors.As(err, &link):
		err = link.Err
	}
	return fmt.Errorf("%w: %s: %w", ErrStorage, what, err)
}
