// SPDX-License-Identifier: Apache-2.0

// Package storage keeps charts that are proven as files that the artifact
// server may hand out. It adds to Flux's artifact storage what that lacks:
// writes that survive a crash at any moment, a staging folder outside the served
// tree, so that a byte that is not proven yet never lies in it, and confinement
// to the storage folder whatever a path or a symbolic link says.
//
//	<storage path>/.staging/<process>/<file>                        not proven yet
//	<storage path>/verifiedchart/<namespace>/<name>/<file>.tgz      served
//	<storage path>/.retired/<namespace>/<name>/<file>.tgz           proven no longer
//	<storage path>/.material/<namespace>/<name>/<digest>            signature material, never served
//
// Several processes may use one storage folder. The package does not know what is
// in the files, who signed them, which objects still exist, or HTTP.
package storage

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"

	"github.com/fluxcd/pkg/apis/meta"
	"github.com/fluxcd/pkg/artifact/config"
	flux "github.com/fluxcd/pkg/artifact/storage"
	"github.com/opencontainers/go-digest"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

var (
	// ErrStorage is matched by every error that the disk or its contents caused, except for errors that match
	// only ErrMissing or ErrDamaged.
	ErrStorage = errors.New("storage operation failed")
	// ErrMissing is matched by the error for a file that does not exist.
	ErrMissing = errors.New("the stored file is missing")
	// ErrDamaged is matched by the error for a file that differs from its digest or checksum.
	ErrDamaged = errors.New("the stored file is damaged")
)

// Storage keeps the files of artifacts. It is safe for concurrent use. New makes one.
type Storage struct {
	flux *flux.Storage
	disk disk
	// digests are those of the served files, which every reconcile compares.
	digests Digests

	mu      sync.Mutex
	staging string   // folder of this process, relative to the storage path; empty before it is claimed
	lock    *os.File // held as long as staging belongs to this process
}

// New returns the storage in the folder o.StoragePath, which is created if it
// is missing, and removes what processes that no longer run left behind while
// writing. A folder that cannot be written to is an error; a full disk is not,
// since what is stored can still be served.
func New(o *config.Options) (*Storage, error) { return newStorage(o, realDisk) }

func newStorage(o *config.Options, d disk) (*Storage, error) {
	if o == nil {
		return nil, errors.New("no storage options")
	}
	if a := o.ArtifactDigestAlgo; a != "" && a != digest.SHA256.String() {
		return nil, fmt.Errorf("unsupported artifact digest algorithm %q: use %q, so that an artifact has the digest of the chart's layer in its registry", a, digest.SHA256)
	}
	if err := os.MkdirAll(o.StoragePath, folderMode); err != nil {
		return nil, failed("create the storage folder", err)
	}
	f, err := flux.New(o)
	if err != nil {
		return nil, failed("open the storage folder", err)
	}
	s := &Storage{flux: f, disk: d}
	if err := s.open(); err != nil {
		return nil, err
	}
	return s, nil
}

// open sweeps the staging folder and claims a part of it.
func (s *Storage) open() error {
	root, err := s.root()
	if err != nil {
		return err
	}
	defer root.Close() //nolint:errcheck // nothing is written through it
	if err := sweep(root); err != nil {
		return failed("sweep the staging folder", err)
	}
	if _, err := s.claim(root); err != nil && !full(err) {
		return failed("claim a staging folder", err)
	}
	return nil
}

// Close gives up the part of the staging folder that this process holds. What is
// staged cannot be committed afterwards. Stage claims another part.
func (s *Storage) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lock == nil {
		return nil
	}
	root, err := s.root()
	if err == nil {
		err = root.RemoveAll(s.staging)
		err = errors.Join(err, root.Close())
	}
	err = errors.Join(err, s.lock.Close())
	s.lock, s.staging = nil, ""
	if err != nil {
		return failed("give up the staging folder", err)
	}
	return nil
}

// NewArtifact returns the artifact of obj for a revision, to be given to
// Commit. The file name is one segment and ends in ".tgz".
func (s *Storage) NewArtifact(obj metav1.Object, revision, fileName string) meta.Artifact {
	return s.flux.NewArtifactFor(kind, obj, revision, fileName)
}

// Owns reports whether the artifact's file lies in the folder of obj. Ask before
// using an artifact from a status: anybody who can write the status can forge its path.
func (s *Storage) Owns(obj metav1.Object, a meta.Artifact) bool {
	return owns(obj.GetNamespace(), obj.GetName(), a.Path)
}

// SetURL sets the artifact's URL to the present address of the server.
func (s *Storage) SetURL(a *meta.Artifact) { s.flux.SetArtifactURL(a) }

// root opens the storage folder anew, so that one that was mounted or wiped
// meanwhile is found as it is now.
func (s *Storage) root() (*os.Root, error) {
	root, err := os.OpenRoot(s.flux.BasePath)
	if err != nil {
		return nil, failed("open the storage folder", err)
	}
	return root, nil
}

// failed returns an error that matches ErrStorage and what err does. It drops
// the path of an operation, which may be a random name: the same fault must
// give the same text each time, or each retry would change the object's status.
func failed(what string, err error) error {
	switch e := err.(type) { //nolint:errorlint // only the outermost one is dropped
	case *fs.PathError:
		err = e.Err
	case *os.LinkError:
		err = e.Err
	}
	return fmt.Errorf("%w: %s: %w", ErrStorage, what, err)
}
