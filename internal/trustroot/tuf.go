// SPDX-License-Identifier: Apache-2.0

package trustroot

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sigstore/sigstore-go/pkg/tuf"
)

// ErrUnavailable is matched by the error for a missing trusted root: the mirror is
// out of reach, its files are not proven, or every proven file has expired. Asking
// again later may help.
var ErrUnavailable = errors.New("trusted root unavailable")

const (
	defaultRefresh = 12 * time.Hour
	defaultTimeout = 30 * time.Second
)

// TUFOptions say which repository a TUF follows, and how. Only CacheDir is required.
type TUFOptions struct {
	// Mirror is the http or https URL of the repository; that of the public-good
	// Sigstore if empty.
	Mirror string
	// AllowedHosts are host names and CIDRs that the mirror may redirect to even if
	// they are internal.
	AllowedHosts []string
	// Root is the initial root.json, which proves every other file. If empty, it is
	// the root.json that the public-good Sigstore had at the time of the build.
	Root []byte
	// CacheDir is the directory that keeps proven files across restarts. The first
	// refresh creates it. A refresh fails if it cannot write there.
	CacheDir string
	// RefreshEvery is the time from one refresh to the next; 12 hours if zero, because
	// the public-good timestamp is valid for some days. A refresh comes earlier if
	// half of the remaining validity is shorter. After a failure the next refresh
	// comes in half a minute, then in twice the time, up to 10 minutes.
	RefreshEvery time.Duration
	// Timeout bounds one refresh; 30 seconds if zero.
	Timeout time.Duration
	// Transport sends the requests; that of package outbound if nil.
	Transport http.RoundTripper
	// Now is the clock; time.Now if nil.
	Now func() time.Time
	// Changed, if not nil, is called after the trusted root was renewed, became
	// available or expired. It is never called concurrently, and may call Root.
	Changed func()
}

// TUF keeps the trusted root of a TUF repository current. It is safe for concurrent use.
type TUF struct {
	client        *client
	every         time.Duration
	timeout       time.Duration
	now           func() time.Time
	changed       func()
	current       atomic.Pointer[verified]
	requested     chan struct{} // closed by the first caller of Root
	requestedOnce sync.Once
	ended         chan struct{} // receives after a refresh ended
	mu            sync.Mutex    // guards the fields below, up to the next lock
	running       *refresh
	refreshed     time.Time // of the last success
	attempted     time.Time
	failures      int // since the last success
	failure       error
	announcement  sync.Mutex // guards announced, and serializes the calls of changed
	announced     string
}

// NewTUF returns the TUF of a repository. It uses neither network nor disk; an
// error means that the options are unusable.
func NewTUF(o TUFOptions) (*TUF, error) {
	o = withDefaults(o)
	if o.CacheDir == "" {
		return nil, errors.New("a TUF client needs a directory to keep metadata in")
	}
	if _, err := begin(o.Root); err != nil {
		return nil, fmt.Errorf("the initial TUF root: %w", err)
	}
	mirror, err := newMirror(o)
	if err != nil {
		return nil, err
	}
	return &TUF{
		client:    &client{initial: o.Root, mirror: mirror, store: newStore(o.CacheDir)},
		every:     o.RefreshEvery,
		timeout:   o.Timeout,
		now:       o.Now,
		changed:   o.Changed,
		requested: make(chan struct{}),
		ended:     make(chan struct{}, 1),
	}, nil
}

func withDefaults(o TUFOptions) TUFOptions {
	if o.Mirror == "" {
		o.Mirror = tuf.DefaultMirror
	}
	if len(o.Root) == 0 {
		o.Root = tuf.DefaultRoot()
	}
	if o.RefreshEvery <= 0 {
		o.RefreshEvery = defaultRefresh
	}
	if o.Timeout <= 0 {
		o.Timeout = defaultTimeout
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Changed == nil {
		o.Changed = func() {}
	}
	return o
}

// Root returns the trusted root.
//
// Root returns a root in memory at once, without I/O, until its metadata expires.
// Otherwise it asks the mirror and, if that fails, uses the files that an earlier
// process kept. Concurrent callers share one refresh, which goes on after they
// leave. For half a minute after a failed refresh Root returns its error at once.
// Each error matches ErrUnavailable, and has a text of at most 512 bytes.
func (t *TUF) Root(ctx context.Context) (*Root, error) {
	if r := t.valid(); r != nil {
		return r, nil
	}
	t.requestedOnce.Do(func() { close(t.requested) })
	running, err := t.ask()
	if err != nil {
		return nil, err
	}
	select {
	case <-running.done:
		return running.root, running.err
	case <-ctx.Done():
		return nil, failed(ErrUnavailable, fmt.Errorf("waiting for %s: %w", t.client.mirror.base, context.Cause(ctx)))
	}
}

// valid returns the trusted root, or nil if there is none or it has expired.
func (t *TUF) valid() *Root {
	v := t.current.Load()
	if v == nil || t.now().After(v.expires) {
		return nil
	}
	return v.root
}

// Age returns the time since the last successful refresh, by this process or the
// process that filled the cache. If no refresh has succeeded, ok is false.
func (t *TUF) Age() (age time.Duration, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.refreshed.IsZero() {
		return 0, false
	}
	return max(t.now().Sub(t.refreshed), 0), true
}
