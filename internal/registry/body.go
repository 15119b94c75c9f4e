// SPDX-License-Identifier: Apache-2.0

package registry

import (
	"errors"
	"fmt"
	"io"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// verifiedBody passes on a body. It returns io.EOF only if the body matches the descriptor.
type verifiedBody struct {
	body     io.ReadCloser
	left     int64
	digest   digest.Digest
	verifier digest.Verifier
	failed   func(error) error // names the content that could not be read
}

func newVerifiedBody(body io.ReadCloser, d ocispec.Descriptor, failed func(error) error) *verifiedBody {
	return &verifiedBody{body: body, left: d.Size, digest: d.Digest, verifier: d.Digest.Verifier(), failed: failed}
}

// Read implements io.Reader.
func (b *verifiedBody) Read(p []byte) (int, error) {
	n, err := b.body.Read(p)
	if b.left -= int64(n); b.left < 0 {
		n, err = 0, fmt.Errorf("%w: more than its descriptor says", ErrIntegrity)
	}
	_, _ = b.verifier.Write(p[:n])
	switch {
	case err == nil:
		return n, nil
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF) && b.left > 0:
		return n, b.failed(fmt.Errorf("%w: it ends %d bytes early", ErrIntegrity, b.left))
	case !errors.Is(err, io.EOF):
		return n, b.failed(err)
	case !b.verifier.Verified():
		return n, b.failed(fmt.Errorf("%w: digest mismatch", ErrIntegrity))
	}
	return n, io.EOF
}

// Close implements io.Closer.
func (b *verifiedBody) Close() error { return b.body.Close() }
