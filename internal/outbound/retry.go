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

// maxTries is how often one request is sent where the host, or the way to it, has a passing fault.
const maxTries = 3

// StatusError is a status that says nothing about the content.
type StatusError struct {
	// Who answered, fit to be shown.
	Who string
	// Status that it answered.
	Status int
}

// Error names who answered what.
func (e *StatusError) Error() string { return e.Who + " answered " + StatusText(e.Status) }

// StatusText is a status as it is shown.
func StatusText(status int) string {
	return strings.TrimSpace(fmt.Sprintf("%d %s", status, http.StatusText(status)))
}

// Retry sends a request until it is answered, the fault is not one that may pass
// at once, or it was sent three times. Wait is about how long to wait before the
// second time, and twice that before the third.
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

// passing reports whether the same request may well succeed at once.
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

// pause waits before the next try, half as long again at most, and reports whether there is time for it.
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
