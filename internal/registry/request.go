package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"syscall"
	"time"

	"oras.land/oras-go/v2/registry/remote/auth"
)

// maxTries is how often one request is sent where the registry, or the way to it, has a passing fault.
const maxTries = 3

// get sends a GET and returns its response if it is 200 OK.
func (r *remote) get(ctx context.Context, url, accept string) (*http.Response, error) {
	if err := r.limited(); err != nil {
		return nil, err
	}
	req, err := r.request(ctx, url, accept)
	if err != nil {
		return nil, err
	}
	for try := 1; ; try++ {
		resp, err := r.send(req)
		if err == nil {
			return resp, nil
		}
		if limited := r.limited(); limited != nil && !errors.Is(err, ErrNotFound) {
			return nil, limited
		}
		if try == maxTries || !passing(err) || !pause(ctx, r.client.pause<<(try-1)) {
			return nil, err
		}
	}
}

// request makes a GET that carries which registry it is for.
func (r *remote) request(ctx context.Context, url, accept string) (*http.Request, error) {
	ctx = withOrigin(ctx, r.origin)
	ctx = auth.AppendScopesForHost(ctx, r.host, r.scope)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err == nil && accept != "" {
		req.Header.Set("Accept", accept)
	}
	return req, err
}

// send returns the response if it is 200 OK.
func (r *remote) send(req *http.Request) (*http.Response, error) {
	resp, err := r.authorized.Do(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		_ = resp.Body.Close()
		return nil, refusal(resp.StatusCode)
	}
	return resp, nil
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
	for _, fault := range []error{syscall.ECONNRESET, syscall.ECONNREFUSED, io.EOF, io.ErrUnexpectedEOF} {
		if errors.Is(err, fault) {
			return true
		}
	}
	return false
}

// pause waits before the next try, half as long again at most, and says whether there is time for it.
func pause(ctx context.Context, wait time.Duration) bool {
	timer := time.NewTimer(wait + rand.N(wait/2+1)) //nolint:gosec // jitter is no secret
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
