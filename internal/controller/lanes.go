// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"sync"
	"time"
)

const (
	// slowAfter is how long a reconcile works before it is taken to wait for somebody.
	slowAfter = 3 * time.Second
	// slowFactor is how many times as many may wait as may work.
	slowFactor = 8
)

// lanes let some objects be reconciled at a time, and others in place of those that
// wait for a slow registry, so that a few registries that never answer keep nobody
// else from being judged. Of those that wait, one namespace may have half. It is safe
// for concurrent use.
type lanes struct {
	working chan struct{}

	mu      sync.Mutex
	waiting map[string]int // by namespace
	limit   int            // of each
}

func newLanes(working int) *lanes {
	return &lanes{working: make(chan struct{}, working), waiting: map[string]int{}, limit: working * slowFactor / 2}
}

// size is how many objects may be reconciled at a time, those that wait included.
func (l *lanes) size() int { return cap(l.working) * (slowFactor + 1) }

// enter waits until an object of the namespace may be reconciled, which ends with
// leave. It is false where the namespace has too many already that wait, or ctx ends.
func (l *lanes) enter(ctx context.Context, namespace string) (leave func(), ok bool) {
	if l.isFull(namespace) {
		return nil, false
	}
	select {
	case l.working <- struct{}{}:
	case <-ctx.Done():
		return nil, false
	}
	if l.isFull(namespace) { // by now
		<-l.working
		return nil, false
	}
	work := &work{lanes: l, namespace: namespace}
	timer := time.AfterFunc(slowAfter, work.wait)
	return func() {
		timer.Stop()
		work.end()
	}, true
}

func (l *lanes) isFull(namespace string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.waiting[namespace] >= l.limit
}

// work is one reconcile.
type work struct {
	lanes          *lanes
	namespace      string
	waiting, ended bool
}

// wait lets another work in its place.
func (w *work) wait() {
	l := w.lanes
	l.mu.Lock()
	defer l.mu.Unlock()
	if !w.ended {
		w.waiting = true
		l.waiting[w.namespace]++
		<-l.working
	}
}

// end gives its place back.
func (w *work) end() {
	l := w.lanes
	l.mu.Lock()
	defer l.mu.Unlock()
	w.ended = true
	if !w.waiting {
		<-l.working
		return
	}
	if l.waiting[w.namespace]--; l.waiting[w.namespace] == 0 {
		delete(l.waiting, w.namespace)
	}
}
