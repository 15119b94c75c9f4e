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
	// maxRetryAfter caps what a host may ask for.
	maxRetryAfter = time.Hour
	// defaultRetryAfter is for a host that does not say.
	defaultRetryAfter = 30 * time.Second
	// maxThrottled bounds the hosts that are remembered.
	maxThrottled = 4096
)

// Throttle remembers which hosts asked, with 429 Too Many Requests, to be left
// alone by which tenant: the limit of one credential, or of one namespace, never
// keeps another from asking. It is safe for concurrent use.
type Throttle struct {
	now   func() time.Time
	mu    sync.Mutex
	until map[string]time.Time
}

// NewThrottle returns a Throttle that goes by a clock.
func NewThrottle(now func() time.Time) *Throttle {
	return &Throttle{now: now, until: map[string]time.Time{}}
}

// Limited returns the error for a host that wants to be left alone by a tenant, or nil.
func (t *Throttle) Limited(tenant, host string) error {
	if left := t.left(tenant); left > 0 {
		return &RateLimitedError{RetryAfter: left, host: host}
	}
	return nil
}

// left returns how long key is still to be left alone.
func (t *Throttle) left(key string) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	left := t.until[key].Sub(t.now())
	if left <= 0 {
		delete(t.until, key)
	}
	return left
}

// set leaves key alone for what the response asks.
func (t *Throttle) set(key string, h http.Header) {
	after := retryAfter(h.Get("Retry-After"), t.now())
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.until) >= maxThrottled {
		t.expire()
	}
	t.until[key] = t.now().Add(after)
}

// expire makes room: those whose time is over, and if that is none, all.
func (t *Throttle) expire() {
	now := t.now()
	maps.DeleteFunc(t.until, func(_ string, until time.Time) bool { return !until.After(now) })
	if len(t.until) >= maxThrottled {
		clear(t.until)
	}
}

// retryAfter reads RFC 9110 §10.2.3: seconds or a date.
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

// RateLimitedError says that a host wants to be left alone for a while.
type RateLimitedError struct {
	// RetryAfter is how long, at most an hour.
	RetryAfter time.Duration
	host       string
}

// Error names the host.
func (e *RateLimitedError) Error() string {
	return fmt.Sprintf("%s limits the rate of requests: it is asked again in %s", e.host, e.RetryAfter.Round(time.Second))
}
