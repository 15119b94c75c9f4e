// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// errCrowdedOut is the cause of an errand's end if others waited for its place.
var errCrowdedOut = errors.New("all workers were busy, and this one had waited longest for an answer: it is tried again")

// yieldAfter is how long an errand runs before it gives its place to others that wait.
const yieldAfter = 3 * time.Second

// limiter runs errands, some at a time. No namespace has more than half of the places. If all places are taken and
// others wait, the errand that has run longest, and for yieldAfter at least, is cancelled. It is safe for
// concurrent use.
type limiter struct {
	places int
	now    func() time.Time

	mu      sync.Mutex
	running map[*work]bool
	waiting []*work // in the order of their arrival
	timer   *time.Timer
}

// work is one errand in a limiter.
type work struct {
	namespace string
	ctx       context.Context
	cancel    context.CancelCauseFunc
	run       func(context.Context)
	since     time.Time // when it began to run
	yields    bool      // it was asked to give up its place
}

func newLimiter(places int, now func() time.Time) *limiter {
	return &limiter{places: max(places, 2), now: now, running: map[*work]bool{}}
}

// start runs an errand as soon as there is a place, and returns what cancels it, also before. That reports whether it
// waited still, so that it will not run at all.
func (l *limiter) start(ctx context.Context, namespace string, run func(context.Context)) (cancel func() (waited bool)) {
	w := &work{namespace: namespace, run: run}
	w.ctx, w.cancel = context.WithCancelCause(ctx)
	l.mu.Lock()
	l.waiting = append(l.waiting, w)
	l.dispatch()
	l.mu.Unlock()
	return func() bool { return l.drop(w) }
}

// drop cancels an errand, and reports whether it waited: then it does not run any more.
func (l *limiter) drop(w *work) (waited bool) {
	w.cancel(context.Canceled)
	l.mu.Lock()
	defer l.mu.Unlock()
	waiting := len(l.waiting)
	l.waiting = slices.DeleteFunc(l.waiting, func(other *work) bool { return other == w })
	return len(l.waiting) < waiting
}

// dispatch gives free places to those that wait, and makes room if there is none.
func (l *limiter) dispatch() {
	for len(l.running) < l.places {
		w := l.next()
		if w == nil {
			return
		}
		l.waiting = slices.DeleteFunc(l.waiting, func(other *work) bool { return other == w })
		w.since = l.now()
		l.running[w] = true
		go l.work(w)
	}
	if l.next() != nil {
		l.makeRoom()
	}
}

// next returns the errand that is next: of the namespace with the fewest running, the first that waits. It is nil if
// none may run.
func (l *limiter) next() *work {
	running := l.byNamespace()
	var best *work
	for _, w := range l.waiting {
		if running[w.namespace] < l.places/2 && (best == nil || running[w.namespace] < running[best.namespace]) {
			best = w
		}
	}
	return best
}

func (l *limiter) byNamespace() map[string]int {
	n := map[string]int{}
	for w := range l.running {
		n[w.namespace]++
	}
	return n
}

// makeRoom cancels the errand that has run longest, or looks again when it has run long enough.
func (l *limiter) makeRoom() {
	var oldest *work
	for w := range l.running {
		if w.yields {
			return // a place is about to become free
		}
		if oldest == nil || w.since.Before(oldest.since) {
			oldest = w
		}
	}
	if age := l.now().Sub(oldest.since); age < yieldAfter {
		l.lookAgain(yieldAfter - age)
		return
	}
	oldest.yields = true
	oldest.cancel(errCrowdedOut)
}

func (l *limiter) lookAgain(after time.Duration) {
	if l.timer != nil {
		l.timer.Stop()
	}
	l.timer = time.AfterFunc(after, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.dispatch()
	})
}

func (l *limiter) work(w *work) {
	defer func() {
		w.cancel(nil)
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.running, w)
		l.dispatch()
	}()
	w.run(w.ctx)
}
