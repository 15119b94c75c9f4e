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

// yieldAfter is how long an errand runs before it gives its place to a namespace that has fewer, sharedAfter before it gives
// its place to one that has as many: nobody's errand is cancelled early because others send many.
const yieldAfter, sharedAfter = 3 * time.Second, 20 * time.Second

// limiter runs errands, some at a time. No namespace has more than half of the places. If all places are taken and
// others wait, an errand of the namespace that has most of them is cancelled: the one that has run longest, and for
// yieldAfter at least. It is safe for concurrent use.
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
	places    int // that it takes
	ctx       context.Context
	cancel    context.CancelCauseFunc
	run       func(context.Context)
	since     time.Time // when it began to run
	yields    bool      // it was asked to give up its place
}

func newLimiter(places int, now func() time.Time) *limiter {
	return &limiter{places: max(places, 2), now: now, running: map[*work]bool{}}
}

// start runs an errand as soon as there are as many places as it takes, at most half of all, and returns what cancels it, also
// before. That reports whether it waited still, so that it will not run at all.
func (l *limiter) start(ctx context.Context, namespace string, places int, run func(context.Context)) (cancel func() (waited bool)) {
	w := &work{namespace: namespace, places: min(places, l.places/2), run: run}
	w.ctx, w.cancel = context.WithCancelCause(ctx)
	l.mu.Lock()
	l.waiting = append(l.waiting, w)
	l.dispatch()
	l.mu.Unlock()
	return func() bool { return l.drop(w) }
}

// drop cancels an errand, and reports whether it was still waiting, so that it never runs.
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
	for {
		w := l.next(l.places - l.taken())
		if w == nil {
			break
		}
		l.waiting = slices.DeleteFunc(l.waiting, func(other *work) bool { return other == w })
		w.since = l.now()
		l.running[w] = true
		go l.work(w)
	}
	if w := l.next(l.places); w != nil {
		l.makeRoom(w)
	}
}

// taken is how many places are taken.
func (l *limiter) taken() (n int) {
	for w := range l.running {
		n += w.places
	}
	return n
}

// next returns the errand that is next among those that fit into free places: of the namespace with the fewest places, the
// first that waits. It is nil if none may run.
func (l *limiter) next(free int) *work {
	running := l.byNamespace()
	var best *work
	for _, w := range l.waiting {
		if w.places <= free && running[w.namespace]+w.places <= l.places/2 && (best == nil || running[w.namespace] < running[best.namespace]) {
			best = w
		}
	}
	return best
}

func (l *limiter) byNamespace() map[string]int {
	n := map[string]int{}
	for w := range l.running {
		n[w.namespace] += w.places
	}
	return n
}

// makeRoom cancels, of the namespace that has most places, the errand that has run longest, or looks again when it has run
// long enough.
func (l *limiter) makeRoom(waiting *work) {
	running := l.byNamespace()
	var oldest *work
	for w := range l.running {
		if w.yields {
			return // a place is about to become free
		}
		if oldest == nil || yieldsBefore(running, w, oldest) {
			oldest = w
		}
	}
	least := sharedAfter
	switch others, would := running[oldest.namespace], running[waiting.namespace]+waiting.places; {
	case others < would:
		return // it waits for a place that becomes free
	case others > would:
		least = yieldAfter
	}
	if age := l.now().Sub(oldest.since); age < least {
		l.lookAgain(least - age)
		return
	}
	oldest.yields = true
	oldest.cancel(errCrowdedOut)
}

// yieldsBefore reports whether an errand gives its place before another one.
func yieldsBefore(running map[string]int, w, other *work) bool {
	if more := running[w.namespace] - running[other.namespace]; more != 0 {
		return more > 0
	}
	return w.since.Before(other.since)
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
