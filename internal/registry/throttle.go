package registry

import (
	"errors"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	// maxRetryAfter caps what a registry may ask for.
	maxRetryAfter = time.Hour
	// defaultRetryAfter is for a registry that does not say.
	defaultRetryAfter = 30 * time.Second
	// maxThrottled bounds the hosts that are remembered.
	maxThrottled = 4096
)

// throttle remembers which registries asked, with 429 Too Many Requests, to be
// left alone by whom. A limit is per credential, so it is kept per tenant.
type throttle struct {
	now   func() time.Time
	mu    sync.Mutex
	until map[string]time.Time
}

func newThrottle(now func() time.Time) *throttle {
	return &throttle{now: now, until: map[string]time.Time{}}
}

// left returns how long key is still to be left alone.
func (t *throttle) left(key string) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	left := t.until[key].Sub(t.now())
	if left <= 0 {
		delete(t.until, key)
	}
	return left
}

// set leaves key alone for what the response asks.
func (t *throttle) set(key string, h http.Header) {
	after := retryAfter(h.Get("Retry-After"), t.now())
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.until) >= maxThrottled {
		t.forget()
	}
	t.until[key] = t.now().Add(after)
}

// forget makes room: those whose time is over, and if that is none, all.
func (t *throttle) forget() {
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
