// SPDX-License-Identifier: Apache-2.0

package server

import (
	"io"
	"io/fs"
	"os"
	"strconv"
	"sync"
	"syscall"

	"github.com/opencontainers/go-digest"
)

// maxEtags bounds the tags that are kept.
const maxEtags = 4096

// etags keeps the entity tags of files that did not change since they were hashed.
// The zero value is ready.
type etags struct {
	mu   sync.Mutex
	tags map[fileState]string
}

// fileState is what is different for every content of a file: a commit is a new inode.
type fileState struct {
	device, inode   uint64
	size            int64
	modified, moved int64
}

func stateOf(info fs.FileInfo) (fileState, bool) {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return fileState{}, false
	}
	return fileState{device: stat.Dev, inode: stat.Ino, size: info.Size(), modified: stat.Mtim.Nano(), moved: stat.Ctim.Nano()}, true
}

// of returns the tag of an open file and leaves it at its start.
func (e *etags) of(f *os.File) (string, error) {
	info, err := f.Stat()
	if err != nil {
		return "", err
	}
	state, known := stateOf(info)
	if tag, ok := e.load(state); known && ok {
		return tag, nil
	}
	d, err := digest.FromReader(f)
	if err != nil {
		return "", err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return "", err
	}
	tag := strconv.Quote(d.String()) // strong (RFC 9110 §8.8.3)
	if known {
		e.store(state, tag)
	}
	return tag, nil
}

func (e *etags) load(s fileState) (string, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	tag, ok := e.tags[s]
	return tag, ok
}

func (e *etags) store(s fileState, tag string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.tags == nil || len(e.tags) >= maxEtags {
		e.tags = map[fileState]string{}
	}
	e.tags[s] = tag
}
