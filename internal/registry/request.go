package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"syscall"
	"time"

	"oras.land/oras-go/v2/registry/remote/auth"
)

const (
	// maxTries is how often one request is sent where the registry, or the way to it, has a passing fault.
	maxTries = 3
	// retryPause is how long the first pause between tries is; the next is twice as long.
	retryPause = 100 * time.Millisecond
	// maxErrorBody is how much of an error's body is read, to be able to use the connection again.
	maxErrorBody = 4 << 10
)

// get sends a GET and returns its response if it is 200 OK.
func (r *remote) get(ctx context.Context, url, accept string) (*http.Response, error) {
	if left := r.client.throttled.left(r.tenant); left > 0 {
		return nil, &RateLimitedError{RetryAfter: left, host: r.host}
	}
	ctx = withOrigin(ctx, origin{host: r.host, plainHTTP: r.plainHTTP})
	ctx = auth.AppendScopesForHost(ctx, r.host, r.scope)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	if accept != "" {
		req.Header.Set("Accept", accept)
	}
	for try := 1; ; try++ {
		resp, err := r.authorized.Do(req)
		if try < maxTries && passing(resp, err) && pause(ctx, try) {
			drop(resp)
			continue
		}
		if err != nil {
			return nil, err
		}
		if resp.StatusCode == http.StatusOK {
			return resp, nil
		}
		defer drop(resp)
		return nil, r.refusal(resp)
	}
}

// refusal is the error that a status means.
func (r *remote) refusal(resp *http.Response) error {
	switch resp.StatusCode {
	case http.StatusUnauthorized, http.StatusForbidden:
		return fmt.Errorf("%w: %s", ErrUnauthorized, resp.Status)
	case http.StatusNotFound:
		return ErrNotFound
	case http.StatusTooManyRequests:
		return &RateLimitedError{RetryAfter: r.client.throttled.set(r.tenant, resp.Header), host: r.host}
	}
	return fmt.Errorf("the registry answered %d %s", resp.StatusCode, http.StatusText(resp.StatusCode))
}

// passing says whether the same request may well succeed at once.
func passing(resp *http.Response, err error) bool {
	if err != nil {
		var timeout net.Error
		if errors.As(err, &timeout) && timeout.Timeout() {
			return false
		}
		return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
	}
	switch resp.StatusCode {
	case http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// pause waits before the next try, and says whether there is time for it.
func pause(ctx context.Context, try int) bool {
	wait := retryPause << (try - 1)
	wait += rand.N(wait / 2) //nolint:gosec // jitter is no secret
	select {
	case <-ctx.Done():
		return false
	case <-time.After(wait):
		return true
	}
}

func drop(resp *http.Response) {
	if resp == nil {
		return
	}
	_, _ = io.CopyN(io.Discard, resp.Body, maxErrorBody)
	_ = resp.Body.Close()
}
