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
)

// get sends a GET and returns its response if it is 200 OK.
func (r *remote) get(ctx context.Context, url, accept string) (*http.Response, error) {
	if err := r.limited(); err != nil {
		return nil, err
	}
	ctx = withOrigin(ctx, r.origin)
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
		if err == nil {
			if resp.StatusCode == http.StatusOK {
				return resp, nil
			}
			_ = resp.Body.Close()
			err = refusal(resp.StatusCode)
		}
		if limited := r.limited(); limited != nil && !errors.Is(err, ErrNotFound) {
			return nil, limited
		}
		if try == maxTries || !passing(err) || !pause(ctx, try) {
			return nil, err
		}
	}
}

// limited returns the error for a registry that wants to be left alone, if it does.
func (r *remote) limited() error {
	if left := r.client.throttled.left(r.origin.tenant); left > 0 {
		return &RateLimitedError{RetryAfter: left, host: r.host}
	}
	return nil
}

// refusal is the error that a status means.
func refusal(status int) error {
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden:
		return fmt.Errorf("%w: it answered %s", ErrUnauthorized, statusText(status))
	case http.StatusNotFound:
		return ErrNotFound
	}
	return &statusError{who: "the registry", status: status}
}

// passing says whether the same request may well succeed at once.
func passing(err error) bool {
	var answer *statusError
	if errors.As(err, &answer) {
		switch answer.status {
		case http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
			return true
		}
		return false
	}
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		return false
	}
	for _, fault := range []error{syscall.ECONNRESET, syscall.ECONNREFUSED, io.EOF, io.ErrUnexpectedEOF} {
		if errors.Is(err, fault) {
			return true
		}
	}
	return false
}

// pause waits before the next try, and says whether there is time for it.
func pause(ctx context.Context, try int) bool {
	wait := retryPause << (try - 1)
	wait += rand.N(wait / 2) //nolint:gosec // jitter is no secret
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
