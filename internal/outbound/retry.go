// SPDX-License-Identifier: Apache-2.0

package outbound

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"syscall"
	"time"
)

// maxTries bounds the attempts for one request if the host, or the network, has a passing fault.
const maxTries = 3

// StatusError is a status that proves nothing about the content.
type StatusError struct {
	// Who is the name of the server that answered, fit to be shown.
	Who string
	// Status is its answer.
	Status int
}

// Error returns the name of the server and the status.
func (e *StatusError) Error() string { return e.Who + " answered " + StatusText(e.Status) }

// StatusText returns a status as text.
func StatusText(status int) string {
	return strings.TrimSpace(fmt.Sprintf("%d %s", status, http.StatusText(status)))
}

// Retry sends a request until it is answered, the fault is not a passing one, or it was sent three times. Wait
// is the approximate wait before the second attempt; the wait before the third is twice as long.
func Retry(ctx context.Context, wait time.Duration, send func() (*http.Response, error)) (*http.Response, error) {
	for try := 1; ; try++ {
		resp, err := send()
		if err == nil {
			return resp, nil
		}
		if try == maxTries || !passing(err) || !pause(ctx, wait<<(try-1)) {
			return nil, err
		}
	}
}

// passing reports whether an immediate retry of the same request may well succeed.
func passing(err error) bool {
	var answer *StatusError
	if errors.As(err, &answer) {
		switch answer.Status {
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

// pause waits before the next attempt, up to 1.5 times the given time. It reports whether time is left for it.
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
