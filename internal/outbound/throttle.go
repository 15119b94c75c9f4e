// SPDX-License-Identifier: Apache-2.0

package outbound

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	// maxRetryAfter caps the pause that a host may ask for.
	maxRetryAfter = time.Hour
	// defaultRetryAfter is the pause for a host that names none.
	defaultRetryAfter = 30 * time.Second
	// maxThrottled bounds the number of remembered hosts.
	maxThrottled = 4096
)

// Throttle remembers which hosts asked which tenants for a pause, with 429 Too Many Requests: the limit of one
// credential, or of one namespace, never stops the requests of another. A Throttle is safe for concurrent use.
type Throttle struct {
	now   func() time.Time
	mu    sync.Mutex
	until map[string]time.Time
}

// NewThrottle returns a Throttle that uses the given clock.
func NewThrottle(now func() time.Time) *Throttle {
	return &Throttle{now: now, until: map[string]time.Time{}}
}

// Limited returns the error for a host with a pending pause for the tenant, or nil.
func (t *Throttle) Limited(tenant, host string) error {
	if left := t.left(tenant); left > 0 {
		return &RateLimitedError{RetryAfter: left, host: host}
	}
	return nil
}

// left returns the rest of the pause of key.
func (t *Throttle) left(key string) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	left := t.until[key].Sub(t.now())
	if left <= 0 {
		delete(t.until, key)
	}
	return left
}

// set starts the pause that the response asks for.
func (t *Throttle) set(key string, h http.Header) {
	after := retryAfter(h.Get("Retry-After"), t.now())
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.until) >= maxThrottled {
		t.expire()
	}
	t.until[key] = t.now().Add(after)
}

// expire makes room: it removes the pauses that are over, and if there are none, all.
func (t *Throttle) expire() {
	now := t.now()
	maps.DeleteFunc(t.until, func(_ string, until time.Time) bool { return !until.After(now) })
	if len(t.until) >= maxThrottled {
		clear(t.until)
	}
}

// retryAfter parses the Retry-After header (RFC 9110 §10.2.3): seconds or a date.
func retryAfter(value string, now time.Time) time.Duration {
	value = strings.TrimSpace(value)
	after := defaultRetryAfter
	if seconds, err := strconv.ParseInt(value, 10, 64); err == nil || errors.Is(err, strconv.ErrRange) {
		after = time.Duration(min(max(seconds, 0), int64(maxRetryAfter/time.Second))) * time.Second
	} else if at, err := http.ParseTime(value); err == nil {
		after = at.Sub(now)
	}
	return min(max(after, time.Second), maxRetryAfter)
}

// RateLimitedError means that a host asked for a pause.
type RateLimitedError struct {
	// RetryAfter is the rest of the pause, at most an hour.
	RetryAfter time.Duration
	host       string
}

// Error names the host.
func (e *RateLimitedError) Error() string {
	return fmt.Sprintf("%s limits the rate of requests: the controller sends the next request in %s", e.host, e.RetryAfter.Round(time.Second))
}
