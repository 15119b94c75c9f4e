// SPDX-License-Identifier: Apache-2.0

package storage

import (
	_ "crypto/sha512" // for digests of that algorithm
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/fluxcd/pkg/apis/meta"
	"github.com/opencontainers/go-digest"
)

// Check hashes the file of the artifact and compares the hash with a.Digest, as
// HasFile does. Anybody who can write the status can forge a.Digest.
func (s *Storage) Check(a meta.Artifact) error { return s.HasFile(a, digest.Digest(a.Digest)) }

// HasFile returns nil if the file at a.Path has the digest d, whatever a.Digest is. It hashes a file again only
// after the file has changed. The caller takes d from a verified manifest, so that a forged status cannot pass
// another file off as the chart. An error matches ErrMissing if there is no file, ErrDamaged if the digest of
// the file differs from d or d is not a digest, and ErrStorage if the file cannot be read.
func (s *Storage) HasFile(a meta.Artifact, d digest.Digest) error {
	if err := d.Validate(); err != nil {
		return fmt.Errorf("%w: %s is not a digest: %w", ErrDamaged, bounded(string(d)), err)
	}
	f, err := Open(s.flux.BasePath, a.Path)
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // only read
	found, err := s.digests.Of(f, d.Algorithm(), time.Now())
	if err != nil {
		return failed("read "+bounded(a.Path), err)
	}
	if found != d {
		return fmt.Errorf("%w: %s does not have the digest %s", ErrDamaged, bounded(a.Path), d)
	}
	return nil
}

// buffers are reused, because files are copied often.
var buffers = sync.Pool{New: func() any { b := make([]byte, 64<<10); return &b }}

// pour copies all of r to w through a pooled buffer.
func pour(w io.Writer, r io.Reader) error {
	buffer := buffers.Get().(*[]byte)
	defer buffers.Put(buffer)
	// Hiding the other methods of r forces the use of the buffer.
	_, err := io.CopyBuffer(w, struct{ io.Reader }{r}, *buffer)
	return err
}
