// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"slices"
	"sync"
	"time"
)

// slowPass is how long a pass may take before it counts as slow.
const slowPass = 100 * time.Millisecond

// shares keeps the objects of one namespace from occupying every worker of the Guard: while half of the workers are slow with
// objects of a namespace, its other objects are tried again later. It is safe for concurrent use.
type shares struct {
	slow int // how many slow passes a namespace may have
	now  func() time.Time

	mu      sync.Mutex
	running map[string][]*time.Time
}

func newShares(workers int, now func() time.Time) *shares {
	return &shares{slow: max(workers/2, 1), now: now, running: map[string][]*time.Time{}}
}

// begin begins a pass for an object of a namespace, and returns the function that ends the pass. It returns nil if the object has to be
// tried again later.
func (s *shares) begin(namespace string) (end func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	start := s.now()
	slow := 0
	for _, since := range s.running[namespace] {
		if start.Sub(*since) >= slowPass {
			slow++
		}
	}
	if slow >= s.slow {
		return nil
	}
	s.running[namespace] = append(s.running[namespace], &start)
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		left := slices.DeleteFunc(s.running[namespace], func(other *time.Time) bool { return other == &start })
		if len(left) == 0 {
			delete(s.running, namespace)
			return
		}
		s.running[namespace] = left
	}
}
