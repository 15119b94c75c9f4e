package registry

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// readAll reads the whole of r, of which there must be at most limit bytes. It
// allocates for what arrives, not for what was announced.
func readAll(r io.Reader, limit int64) ([]byte, error) {
	var b bytes.Buffer
	n, err := b.ReadFrom(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, err
	}
	if n > limit {
		return nil, fmt.Errorf("%w: more than %d bytes", ErrTooLarge, limit)
	}
	return b.Bytes(), nil
}

// verifiedBody passes on a body and ends with io.EOF only if it was what the descriptor says.
type verifiedBody struct {
	body     io.ReadCloser
	left     int64
	digest   digest.Digest
	verifier digest.Verifier
}

func newVerifiedBody(body io.ReadCloser, d ocispec.Descriptor) *verifiedBody {
	return &verifiedBody{body: body, left: d.Size, digest: d.Digest, verifier: d.Digest.Verifier()}
}

// Read implements io.Reader.
func (b *verifiedBody) Read(p []byte) (int, error) {
	n, err := b.body.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, fmt.Errorf("%w: %s has more bytes than its descriptor says", ErrIntegrity, b.digest)
	}
	_, _ = b.verifier.Write(p[:n])
	switch {
	case err == nil:
		return n, nil
	case !errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		return n, err
	case b.left > 0:
		return n, fmt.Errorf("%w: %s ends %d bytes early", ErrIntegrity, b.digest, b.left)
	case !b.verifier.Verified():
		return n, fmt.Errorf("%w: not those of %s", ErrIntegrity, b.digest)
	}
	return n, io.EOF
}

// Close implements io.Closer.
func (b *verifiedBody) Close() error { return b.body.Close() }
