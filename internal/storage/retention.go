package storage

import (
	"context"
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/fluxcd/pkg/apis/meta"
)

// CollectGarbage removes older files in the folder of the artifact: those that
// were written longer ago than the retention time, and the oldest of those that
// are more than the number of records to keep, in which the artifact counts. The
// artifact's own file stays, whatever the clock says. A download that has begun
// is not cut off. An error matches ErrStorage, or is that of ctx.
func (s *Storage) CollectGarbage(ctx context.Context, a meta.Artifact) error {
	if !ValidPath(a.Path) {
		return failed("collect garbage", errors.New("not the path of an artifact: "+bounded(a.Path)))
	}
	folder, err := openFolder(s.flux.BasePath, path.Dir(a.Path))
	if errors.Is(err, ErrMissing) {
		return nil
	}
	if err != nil {
		return failed("collect garbage", err)
	}
	defer folder.Close() //nolint:errcheck // nothing to lose: garbage is collected again
	others, err := older(folder.FS(), path.Base(a.Path))
	if err != nil {
		return failed("collect garbage", err)
	}
	for i, f := range others {
		if err := ctx.Err(); err != nil {
			return err
		}
		expired := s.now().Sub(f.ModTime()) > s.flux.ArtifactRetentionTTL
		if !expired && i+1 < s.flux.ArtifactRetentionRecords {
			continue
		}
		if err := s.disk.remove(folder, f.Name()); err != nil {
			return failed("collect garbage", err)
		}
	}
	return nil
}

// older returns the regular files of a folder but the current one, the newest first.
func older(folder fs.FS, current string) ([]fs.FileInfo, error) {
	entries, err := fs.ReadDir(folder, ".")
	if err != nil {
		return nil, err
	}
	var files []fs.FileInfo
	for _, e := range entries {
		if e.Name() == current || !e.Type().IsRegular() {
			continue
		}
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) { // collected by another process
			continue
		}
		if err != nil {
			return nil, err
		}
		files = append(files, info)
	}
	slices.SortFunc(files, func(a, b fs.FileInfo) int {
		return newestFirst(a.ModTime(), b.ModTime(), a.Name(), b.Name())
	})
	return files, nil
}

func newestFirst(a, b time.Time, nameA, nameB string) int {
	if c := b.Compare(a); c != 0 {
		return c
	}
	return strings.Compare(nameA, nameB)
}
