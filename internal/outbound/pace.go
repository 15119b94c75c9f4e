// SPDX-License-Identifier: Apache-2.0

package outbound

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

const (
	// minPace is the lowest accepted rate of a body, in bytes per second.
	minPace = 1 << 10
	// defaultSlowAfter is the time for which a body may be slower.
	defaultSlowAfter = 30 * time.Second
)

// ErrSlow is matched by the error for a body that is too slow. The content is not at fault.
var ErrSlow = errors.New("the answer came too slowly")

// paced passes on a body, and cancels its request if the body delivers less than minPace over a window. Only
// time that Read spends waiting counts: a slow consumer is not the host's fault.
type paced struct {
	io.ReadCloser
	ctx    context.Context // of the request
	cancel context.CancelFunc
	now    func() time.Time
	window time.Duration

	waited time.Duration // since the window began
	got    int64         // bytes in that time
	err    error
}

// pace sends a request, and enforces minPace for its body.
func pace(through http.RoundTripper, req *http.Request, window time.Duration) (*http.Response, error) {
	ctx, cancel := context.WithCancel(req.Context())
	resp, err := through.RoundTrip(req.WithContext(ctx))
	if err != nil {
		cancel()
		return nil, err
	}
	resp.Request = req
	resp.Body = &paced{ReadCloser: resp.Body, ctx: ctx, cancel: cancel, now: time.Now, window: window}
	return resp, nil
}

// Read implements io.Reader.
func (b *paced) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	start := b.now()
	timer := time.AfterFunc(b.window-b.waited, b.cancel)
	n, err := b.ReadCloser.Read(p)
	late := !timer.Stop()
	b.waited += b.now().Sub(start)
	b.got += int64(n)
	enough := int64(b.window.Seconds() * minPace)
	switch {
	case late || b.waited > b.window || (b.waited == b.window && b.got < enough):
		err = fmt.Errorf("%w: less than %d bytes in %s", ErrSlow, enough, b.window)
	case errors.Is(err, io.EOF) && b.ctx.Err() != nil:
		// A server that sees the cancellation may end its answer early, but in a valid way.
		err = b.ctx.Err()
	case b.got >= enough:
		b.waited, b.got = 0, 0
	}
	if b.err = err; err != nil {
		b.cancel()
	}
	return n, err
}

// Close implements io.Closer.
func (b *paced) Close() error {
	b.cancel()
	return b.ReadCloser.Close()
}
