package trustroot

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"time"
)

// cache holds verified files of one TUF repository, in memory and in a
// directory. What is read from the directory is verified again, so it need not
// be trusted; a file that cannot be read is one that is not there. It is not safe
// for concurrent use.
type cache struct {
	dir  string
	held map[string][]byte
}

func newCache(dir string) *cache { return &cache{dir: dir, held: map[string][]byte{}} }

// get returns the file, or nil.
func (c *cache) get(name string, limit int64) []byte {
	if raw, ok := c.held[name]; ok {
		return raw
	}
	file, err := os.Open(filepath.Join(c.dir, name))
	if err != nil {
		return nil
	}
	defer func() { _ = file.Close() }() // nothing was written
	raw, err := io.ReadAll(io.LimitReader(file, limit+1))
	if err != nil || int64(len(raw)) > limit {
		return nil
	}
	return raw
}

// put replaces the file.
func (c *cache) put(name string, raw []byte) error {
	c.held[name] = raw
	if err := os.MkdirAll(c.dir, 0o700); err != nil {
		return err
	}
	file, err := os.CreateTemp(c.dir, ".tmp-*")
	if err != nil {
		return err
	}
	_, err = file.Write(raw)
	err = errors.Join(err, file.Close())
	if err == nil {
		err = os.Rename(file.Name(), filepath.Join(c.dir, name))
	}
	if err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	return nil
}

// confirm records that the files were current at the time.
func (c *cache) confirm(at time.Time) error {
	return os.Chtimes(filepath.Join(c.dir, timestampFile), at, at)
}

// confirmed says when the files were last found current.
func (c *cache) confirmed() (at time.Time, ok bool) {
	info, err := os.Stat(filepath.Join(c.dir, timestampFile))
	if err != nil {
		return time.Time{}, false
	}
	return info.ModTime(), true
}
