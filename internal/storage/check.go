// SPDX-License-Identifier: Apache-2.0

package storage

import (
	"fmt"
	"io"
	"sync"

	"github.com/fluxcd/pkg/apis/meta"
	"github.com/opencontainers/go-digest"
)

// Check hashes the file of the artifact. An error matches ErrMissing if there is
// none, ErrDamaged if it is another than a.Digest says, and else ErrStorage: it could not be read.
func (s *Storage) Check(a meta.Artifact) error {
	want, err := digest.Parse(a.Digest)
	if err != nil {
		return fmt.Errorf("%w: %s is not a digest: %w", ErrDamaged, bounded(a.Digest), err)
	}
	f, err := Open(s.flux.BasePath, a.Path)
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // only read
	verifier := want.Verifier()
	if err := pour(verifier, f); err != nil {
		return failed("read "+bounded(a.Path), err)
	}
	if !verifier.Verified() {
		return fmt.Errorf("%w: %s does not have the digest %s", ErrDamaged, bounded(a.Path), want)
	}
	return nil
}

// buffers are kept, since every reconcile hashes a file.
var buffers = sync.Pool{New: func() any { b := make([]byte, 64<<10); return &b }}

// pour copies all of r to w through a pooled buffer.
func pour(w io.Writer, r io.Reader) error {
	buffer := buffers.Get().(*[]byte)
	defer buffers.Put(buffer)
	// Hiding the other methods of r keeps the buffer in use.
	_, err := io.CopyBuffer(w, struct{ io.Reader }{r}, *buffer)
	return err
}
