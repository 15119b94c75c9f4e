// SPDX-License-Identifier: Apache-2.0

package storage

import (
	"context"
	"errors"
	"io/fs"
	"path"

	"github.com/fluxcd/pkg/apis/meta"
)

// KeepOnly removes every file in the folder of the artifact but its own, whatever
// their ages. A download that has begun is not cut off. An error matches
// ErrStorage, or is that of ctx.
func (s *Storage) KeepOnly(ctx context.Context, a meta.Artifact) error {
	if !ValidPath(a.Path) {
		return failed("remove older files", errors.New("not the path of an artifact: "+bounded(a.Path)))
	}
	folder, err := openFolder(s.flux.BasePath, path.Dir(a.Path))
	if errors.Is(err, ErrMissing) {
		return nil
	}
	if err != nil {
		return failed("remove older files", err)
	}
	defer folder.Close() //nolint:errcheck // nothing to lose: what is left is removed the next time
	files, err := fs.ReadDir(folder.FS(), ".")
	if err != nil {
		return failed("remove older files", err)
	}
	for _, f := range files {
		if err := ctx.Err(); err != nil {
			return err
		}
		if f.Name() == path.Base(a.Path) || !f.Type().IsRegular() {
			continue
		}
		if err := s.disk.remove(folder, f.Name()); err != nil {
			return failed("remove older files", err)
		}
	}
	return nil
}
