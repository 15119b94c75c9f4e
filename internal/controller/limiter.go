// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// errCrowdedOut is the cause of the cancellation of an errand if others waited for its place.
var errCrowdedOut = errors.New("the registry was slow while other charts waited: the controller tries again")

// yieldAfter is how long an errand runs before it gives its place to a namespace that holds fewer places, sharedAfter before it
// gives its place to a namespace that holds as many: no errand is cancelled early because other namespaces send many.
const yieldAfter, sharedAfter = 3 * time.Second, 20 * time.Second

// limiter bounds how many errands run at a time. No namespace holds more than half of the places. If all places are taken and
// errands wait, the limiter cancels an errand of the namespace that holds most places: the errand that has run longest, and for
// at least yieldAfter. It is safe for concurrent use.
type limiter struct {
	places int
	now    func() time.Time

	mu      sync.Mutex
	running map[*work]bool
	taken   int            // places, by all
	held    map[string]int // places, by namespace
	waiting map[string][]*work
	arrived int // how many errands have arrived
	timer   *time.Timer
}

// work is one errand in a limiter.
type work struct {
	namespace string
	arrival   int // number in the order of arrival
	places    int // how many it takes
	ctx       context.Context
	cancel    context.CancelCauseFunc
	run       func(context.Context)
	since     time.Time // when it began to run
	yields    bool      // it was cancelled to free its place
}

func newLimiter(places int, now func() time.Time) *limiter {
	return &limiter{places: max(places, 2), now: now, running: map[*work]bool{}, held: map[string]int{}, waiting: map[string][]*work{}}
}

// start runs an errand as soon as enough places are free; an errand takes at most half of all places. The function that it returns
// cancels the errand, and reports whether the errand was still waiting, so that it never runs.
func (l *limiter) start(ctx context.Context, namespace string, places int, run func(context.Context)) (cancel func() (waited bool)) {
	w := &work{namespace: namespace, places: min(places, l.places/2), run: run}
	w.ctx, w.cancel = context.WithCancelCause(ctx)
	l.mu.Lock()
	l.arrived++
	w.arrival = l.arrived
	l.waiting[namespace] = append(l.waiting[namespace], w)
	l.dispatch()
	l.mu.Unlock()
	return func() bool { return l.drop(w) }
}

// drop cancels an errand, and reports whether it was still waiting, so that it never runs.
func (l *limiter) drop(w *work) (waited bool) {
	w.cancel(context.Canceled)
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.unqueue(w)
}

// unqueue removes an errand from those that wait, and reports whether it was among them.
func (l *limiter) unqueue(w *work) bool {
	waiting := l.waiting[w.namespace]
	i := slices.Index(waiting, w)
	if i < 0 {
		return false
	}
	if waiting = slices.Delete(waiting, i, i+1); len(waiting) == 0 {
		delete(l.waiting, w.namespace)
	} else {
		l.waiting[w.namespace] = waiting
	}
	return true
}

// dispatch gives free places to errands that wait, and makes room if too few places are free.
func (l *limiter) dispatch() {
	for {
		w := l.next(l.places - l.taken)
		if w == nil {
			break
		}
		l.unqueue(w)
		w.since = l.now()
		l.running[w] = true
		l.take(w.namespace, w.places)
		go l.work(w)
	}
	if w := l.next(l.places); w != nil {
		l.makeRoom(w)
	}
}

// take counts places that a namespace takes; a negative number gives places back.
func (l *limiter) take(namespace string, places int) {
	l.taken += places
	if l.held[namespace] += places; l.held[namespace] == 0 {
		delete(l.held, namespace)
	}
}

// next returns the next errand that fits into the free places: the first of the namespace that holds the fewest places. It
// returns nil if none may run.
func (l *limiter) next(free int) (best *work) {
	for namespace, waiting := range l.waiting {
		fits := min(free, l.places/2-l.held[namespace])
		if fits <= 0 {
			continue
		}
		i := slices.IndexFunc(waiting, func(w *work) bool { return w.places <= fits })
		if i >= 0 && (best == nil || l.isBefore(waiting[i], best)) {
			best = waiting[i]
		}
	}
	return best
}

// isBefore reports whether a waiting errand runs before a waiting errand of another namespace.
func (l *limiter) isBefore(w, other *work) bool {
	if fewer := l.held[other.namespace] - l.held[w.namespace]; fewer != 0 {
		return fewer > 0
	}
	return w.arrival < other.arrival
}

// makeRoom cancels the longest-running errand of the namespace that holds most places. If that has not run long enough, makeRoom
// tries again later.
func (l *limiter) makeRoom(waiting *work) {
	var oldest *work
	for w := range l.running {
		if w.yields {
			return // a place is about to become free
		}
		if oldest == nil || l.yieldsBefore(w, oldest) {
			oldest = w
		}
	}
	least := sharedAfter
	switch held, wouldHold := l.held[oldest.namespace], l.held[waiting.namespace]+waiting.places; {
	case held < wouldHold:
		return // the waiting errand waits until a place becomes free
	case held > wouldHold:
		least = yieldAfter
	}
	if age := l.now().Sub(oldest.since); age < least {
		l.lookAgain(least - age)
		return
	}
	oldest.yields = true
	oldest.cancel(errCrowdedOut)
}

// yieldsBefore reports whether an errand is cancelled before another one.
func (l *limiter) yieldsBefore(w, other *work) bool {
	if more := l.held[w.namespace] - l.held[other.namespace]; more != 0 {
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
		l.take(w.namespace, -w.places)
		l.dispatch()
	}()
	w.run(w.ctx)
}
