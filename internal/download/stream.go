// SPDX-License-Identifier: Apache-2.0

package download

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/verifiedchart/verifiedchart/internal/outbound"
)

// ErrUnchanged is matched by the error for a file of which the server still has the version that Request.Known
// identifies. The error is an *UnchangedError.
var ErrUnchanged = errors.New("the file is unchanged")

// UnchangedError is the error for an unchanged file.
type UnchangedError struct {
	// StayedInside is that of a Stream.
	StayedInside bool
}

// Error returns the text of ErrUnchanged.
func (*UnchangedError) Error() string { return ErrUnchanged.Error() }

// Is reports whether target is ErrUnchanged.
func (*UnchangedError) Is(target error) bool { return target == ErrUnchanged }

// Validators identify one version of a file by what the server sent with it (RFC 9110, section 8.8). The zero
// value identifies none.
type Validators struct{ ETag, LastModified string }

// maxValidator bounds a validator in bytes.
const maxValidator = 1 << 10

func validatorsOf(h http.Header) Validators {
	bounded := func(name string) string {
		if value := h.Get(name); len(value) <= maxValidator {
			return value
		}
		return ""
	}
	return Validators{ETag: bounded("ETag"), LastModified: bounded("Last-Modified")}
}

// ask adds the conditions to a request.
func (v Validators) ask(h http.Header) {
	if v.ETag != "" {
		h.Set("If-None-Match", v.ETag)
	}
	if v.LastModified != "" {
		h.Set("If-Modified-Since", v.LastModified)
	}
}

// Stream is a file as it arrives.
type Stream struct {
	// Read returns at most Request.Limit bytes, and then an error that matches ErrTooLarge. Its other errors are
	// those of Client.File.
	io.ReadCloser
	// Validators identify this version of the file.
	Validators Validators
	// StayedInside reports whether only hosts on an internal network were asked: see outbound.StayedInside.
	StayedInside bool
}

// Open returns a file as it arrives, which the caller closes. The error matches ErrUnchanged if the server has
// the version that Request.Known identifies; apart from that, errors are those of File.
func (c *Client) Open(ctx context.Context, r Request) (*Stream, error) {
	where, err := r.parsed()
	if err != nil {
		return nil, err
	}
	resp, ctx, err := c.request(ctx, where, r)
	if errors.Is(err, ErrUnchanged) {
		return nil, &UnchangedError{StayedInside: outbound.StayedInside(ctx)}
	}
	if err != nil {
		return nil, shown(r.URL, err)
	}
	body := &bounded{body: resp.Body, from: resp.Body, left: r.Limit, url: r.URL, limit: r.Limit}
	if r.Gzip && resp.Header.Get("Content-Encoding") == "gzip" {
		// The sent bytes have a bound too, because they may decompress to nothing.
		sent := &bounded{body: resp.Body, from: resp.Body, left: r.Limit + maxGzipOverhead, url: r.URL, limit: r.Limit}
		if body.from, err = gzip.NewReader(sent); err != nil {
			_ = resp.Body.Close()
			return nil, shown(r.URL, fmt.Errorf("the answer is not gzip: %w", err))
		}
	}
	return &Stream{ReadCloser: body, Validators: validatorsOf(resp.Header), StayedInside: outbound.StayedInside(ctx)}, nil
}

// maxGzipOverhead is more than gzip adds to bytes that it cannot compress.
const maxGzipOverhead = 64 << 10

// bounded reads at most a number of bytes from an answer, after its decompression.
type bounded struct {
	body        io.Closer
	from        io.Reader
	url         string
	left, limit int64
}

// Read implements io.Reader.
func (b *bounded) Read(p []byte) (int, error) {
	if int64(len(p)) > b.left+1 {
		p = p[:b.left+1]
	}
	n, err := b.from.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return n + int(b.left), shown(b.url, fmt.Errorf("%w: more than %d bytes", ErrTooLarge, b.limit))
	}
	if err != nil && !errors.Is(err, io.EOF) {
		err = shown(b.url, err)
	}
	return n, err
}

// Close implements io.Closer.
func (b *bounded) Close() error { return b.body.Close() }
