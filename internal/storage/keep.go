// SPDX-License-Identifier: Apache-2.0

package storage

import (
	"context"
	"errors"
	"io/fs"
	"path"

	"github.com/fluxcd/pkg/apis/meta"
)

// KeepOnly removes every file in the folder of the artifact except the artifact's own file, whatever the ages
// of the files. A download in progress completes. An error matches ErrStorage, or is the error of ctx.
func (s *Storage) KeepOnly(ctx context.Context, a meta.Artifact) error {
	if !ValidPath(a.Path) {
		return failed("remove older files", errors.New("not the path of an artifact: "+bounded(a.Path)))
	}
	err := s.keepOnly(ctx, a.Path)
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return failed("remove older files", err)
}

// keepOnly removes every regular file in the folder of p except p.
func (s *Storage) keepOnly(ctx context.Context, p string) error {
	folder, err := openFolder(s.flux.BasePath, path.Dir(p))
	if errors.Is(err, ErrMissing) {
		return nil
	}
	if err != nil {
		return err
	}
	defer folder.Close() //nolint:errcheck // nothing to lose: the next call removes the rest
	files, err := fs.ReadDir(folder.FS(), ".")
	if err != nil {
		return err
	}
	for _, f := range files {
		if err := ctx.Err(); err != nil {
			return err
		}
		if f.Name() == path.Base(p) || !f.Type().IsRegular() {
			continue
		}
		if err := s.disk.remove(folder, f.Name()); err != nil {
			return err
		}
	}
	return nil
}
