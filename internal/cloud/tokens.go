// SPDX-License-Identifier: Apache-2.0

package cloud

import (
	"context"
	"sync"
	"time"

	"github.com/fluxcd/pkg/auth"
	"github.com/fluxcd/pkg/cache"
	lru "github.com/hashicorp/golang-lru/v2"
)

// maxNamespaces bounds the namespaces whose tokens are kept.
const maxNamespaces = 256

// tokens keeps the tokens of each namespace apart. A cache of pkg/cache locks all of itself while it waits for a cloud, so one cache
// for all namespaces would let the slow cloud of one tenant delay every other tenant.
type tokens struct {
	max      int
	duration time.Duration

	mu         sync.Mutex
	namespaces *lru.Cache[string, *share]
}

// share is the tokens of one namespace.
type share struct {
	kept *cache.TokenCache
	// turn is taken by the request that uses the cache. Unlike the lock of the cache, a request can give up to wait for it.
	turn chan struct{}
}

// newTokens returns tokens, of which each namespace has at most max.
func newTokens(limit int, duration time.Duration) *tokens {
	if duration <= 0 {
		duration = cache.TokenMaxDuration
	}
	namespaces, err := lru.New[string, *share](maxNamespaces)
	if err != nil {
		panic(err)
	}
	return &tokens{max: limit, duration: duration, namespaces: namespaces}
}

// use calls do with the cache of a namespace, or with nil if no token is kept. It waits for the namespace's turn until ctx ends.
func (t *tokens) use(ctx context.Context, namespace string, do func(*cache.TokenCache) error) error {
	if t.max <= 0 {
		return do(nil)
	}
	s, err := t.share(namespace)
	if err != nil {
		return err
	}
	select {
	case s.turn <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-s.turn }()
	return do(s.kept)
}

func (t *tokens) forget(namespace string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.namespaces.Remove(namespace)
}

func (t *tokens) share(namespace string) (*share, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if s, ok := t.namespaces.Get(namespace); ok {
		return s, nil
	}
	kept, err := cache.NewTokenCache(t.max, cache.WithMaxDuration(t.duration)) // a second registration of its metrics would panic
	if err != nil {
		return nil, err
	}
	s := &share{kept: kept, turn: make(chan struct{}, 1)}
	t.namespaces.Add(namespace, s)
	return s, nil
}

var gate sync.Mutex

// openGate opens the gate of pkg/auth, which is a variable of the process. Each Client checks its own gate first.
func openGate() {
	gate.Lock()
	defer gate.Unlock()
	if !auth.IsObjectLevelWorkloadIdentityEnabled() {
		auth.EnableObjectLevelWorkloadIdentity()
	}
}
