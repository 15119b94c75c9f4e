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

// ErrUnavailable is matched by the error where no trusted root could be had: the
// mirror is out of reach, what it serves is not proven, or all that is proven
// has expired. Asking again later may help.
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
	// Root is the initial root.json that all else is proven by; the public-good
	// Sigstore's of the time of the build where empty.
	Root []byte
	// CacheDir is the directory that proven files are kept in across restarts. It
	// is made at need. One that cannot be written makes each refresh fail.
	CacheDir string
	// RefreshEvery is how long after a refresh the next one comes; 12 hours where
	// zero, as the public-good timestamp is valid for some days. It comes sooner,
	// at half of the remaining validity, where that is shorter; after a failure
	// it comes after half a minute, then twice as long each time, up to 10 minutes.
	RefreshEvery time.Duration
	// Timeout bounds one refresh; 30 seconds where zero.
	Timeout time.Duration
	// Transport sends the requests; that of package outbound if nil.
	Transport http.RoundTripper
	// Now is the clock that expiry is judged by; time.Now where nil.
	Now func() time.Time
	// Changed, if not nil, is called after another trusted root than before is
	// to be had: it was renewed, became available, or expired. It is never called
	// concurrently, and may call Root.
	Changed func()
}

// TUF is the trusted root of a TUF repository, kept current. It is safe for concurrent use.
type TUF struct {
	client       *client
	every        time.Duration
	timeout      time.Duration
	now          func() time.Time
	changed      func()
	current      atomic.Pointer[verified]
	asked        chan struct{} // closed by the first caller of Root
	askedOnce    sync.Once
	settled      chan struct{} // receives after a refresh ended
	mu           sync.Mutex    // guards what follows, up to the next lock
	running      *refresh
	refreshed    time.Time // of the last success
	attempted    time.Time
	failures     int // since the last success
	failure      error
	announcement sync.Mutex // guards announced, and serializes the calls of changed
	announced    string
}

// NewTUF returns the trusted root of a repository. It touches neither network
// nor disk; an error means that the options are unusable.
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
		client:  &client{initial: o.Root, mirror: mirror, store: newStore(o.CacheDir)},
		every:   o.RefreshEvery,
		timeout: o.Timeout,
		now:     o.Now,
		changed: o.Changed,
		asked:   make(chan struct{}),
		settled: make(chan struct{}, 1),
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
// While one is at hand and its metadata has not expired, it is returned at once,
// without I/O. Otherwise the mirror is asked, and what an earlier process kept
// is taken where that fails. Concurrent callers share one refresh, which goes on
// when they leave. For half a minute after a failed refresh its error is
// returned at once. Each error matches ErrUnavailable, and has a text of at most
// 512 bytes.
func (t *TUF) Root(ctx context.Context) (*Root, error) {
	if r := t.valid(); r != nil {
		return r, nil
	}
	t.askedOnce.Do(func() { close(t.asked) })
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

// valid returns the trusted root if it may be used now, else nil.
func (t *TUF) valid() *Root {
	v := t.current.Load()
	if v == nil || t.now().After(v.expires) {
		return nil
	}
	return v.root
}

// Age is the time since what the mirror serves was last proven to be current, by
// this process or the one that filled the cache. It is not known, and ok is
// false, before the first call of Root and where that never succeeded.
func (t *TUF) Age() (age time.Duration, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.refreshed.IsZero() {
		return 0, false
	}
	return max(t.now().Sub(t.refreshed), 0), true
}
