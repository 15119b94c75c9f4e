// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

var _ = Describe("The limiter", Label("registry", "deadline"), func() {
	var (
		ctx     context.Context
		elapsed atomic.Int64
		l       *limiter
		mu      sync.Mutex
		running map[string]int
		ended   map[string]error
	)
	BeforeEach(func() {
		var cancel context.CancelFunc
		ctx, cancel = context.WithCancel(context.Background())
		DeferCleanup(cancel)
		elapsed.Store(0)
		start := time.Now()
		l = newLimiter(4, func() time.Time { return start.Add(time.Duration(elapsed.Load())) })
		running, ended = map[string]int{}, map[string]error{}
	})

	// hang starts an errand of a namespace that runs until it is cancelled.
	var hangOn func(namespace, name string, places int) func() (waited bool)
	hang := func(namespace, name string) func() (waited bool) { return hangOn(namespace, name, 1) }
	hangOn = func(namespace, name string, places int) func() (waited bool) {
		running, ended := running, ended // copies for this spec
		return l.start(ctx, namespace, places, func(ctx context.Context) {
			mu.Lock()
			running[namespace]++
			mu.Unlock()
			<-ctx.Done()
			mu.Lock()
			defer mu.Unlock()
			running[namespace]--
			ended[name] = context.Cause(ctx)
		})
	}
	runs := func(namespace string) func() int {
		return func() int { mu.Lock(); defer mu.Unlock(); return running[namespace] }
	}
	cause := func(name string) func() error {
		return func() error { mu.Lock(); defer mu.Unlock(); return ended[name] }
	}

	It("reports whether a cancelled errand was still waiting, since such an errand never requeues its object", func() {
		first, second, third := hang("a", "1"), hang("a", "2"), hang("a", "3")
		Eventually(runs("a")).Should(Equal(2))
		Expect(third()).To(BeTrue())
		Expect(third()).To(BeFalse())
		Expect(first()).To(BeFalse())
		Eventually(runs("a")).Should(Equal(1))
		second()
		Eventually(runs("a")).Should(BeZero())
		Expect(first()).To(BeFalse())
	})

	It("J6: gives no namespace more than half of the places", func() {
		for i := range 10 {
			hang("greedy", fmt.Sprint("greedy", i))
		}
		Eventually(runs("greedy")).Should(Equal(2))
		hang("other", "a")
		hang("other", "b")
		Eventually(runs("other")).Should(Equal(2))
		Expect(runs("greedy")()).To(Equal(2))
	})

	It("J6: cancels the longest-running errand of the namespace that holds most places, but no errand that has just begun", func() {
		hang("second", "third")
		Eventually(runs("second")).Should(Equal(1))
		hang("fourth", "fourth")
		Eventually(runs("fourth")).Should(Equal(1))
		hang("first", "first")
		Eventually(runs("first")).Should(Equal(1))
		elapsed.Store(int64(time.Second))
		hang("first", "second")
		Eventually(runs("first")).Should(Equal(2))
		hang("third", "late")
		Expect(cause("first")()).NotTo(HaveOccurred())
		elapsed.Store(int64(yieldAfter))
		hang("third", "later") // dispatches again
		Eventually(cause("first")).Should(MatchError(errCrowdedOut))
		Eventually(runs("third")).Should(Equal(1))
		Expect(cause("second")()).NotTo(HaveOccurred())
		Expect(cause("third")()).NotTo(HaveOccurred())
	})

	It("J15: cancels the only errand of a namespace, for a namespace that would hold as many places, only after a long time", func() {
		for _, namespace := range []string{"a", "b", "c", "d"} {
			hang(namespace, namespace)
			Eventually(runs(namespace)).Should(Equal(1))
		}
		hang("late", "late")
		elapsed.Store(int64(yieldAfter))
		hang("late", "later") // dispatches again
		l.mu.Lock()
		yields := 0
		for w := range l.running {
			if w.yields {
				yields++
			}
		}
		l.mu.Unlock()
		Expect(yields).To(BeZero())
		elapsed.Store(int64(sharedAfter))
		hang("late", "latest")
		Eventually(runs("late")).Should(Equal(1))
	})

	It("J12: lets an errand that holds much data take several places, at most half of them", func() {
		hangOn("heavy", "heavy", 100)
		Eventually(runs("heavy")).Should(Equal(1))
		hang("heavy", "light")
		hang("other", "a")
		hang("other", "b")
		Eventually(runs("other")).Should(Equal(2))
		Expect(runs("heavy")()).To(Equal(1))
	})

	It("J15: runs an errand that fits, while an earlier one waits for more places than are free", func() {
		hang("a", "a0")
		Eventually(runs("a")).Should(Equal(1))
		hang("b", "b0")
		Eventually(runs("b")).Should(Equal(1))
		hang("c", "c0")
		Eventually(runs("c")).Should(Equal(1))
		hangOn("heavy", "heavy", 2)
		hang("d", "d0")
		Eventually(runs("d")).Should(Equal(1))
		Expect(runs("heavy")()).To(BeZero())
	})

	It("cancels an errand that waits, so that it never runs", func() {
		for i := range 2 {
			hang("a", fmt.Sprint("a", i))
		}
		Eventually(runs("a")).Should(Equal(2))
		cancel := hang("a", "waits")
		cancel()
		Expect(l.waiting).To(BeEmpty())
	})

	It("gives a free place to the namespace that holds the fewest", func() {
		stop := hang("a", "a0")
		hang("a", "a1")
		hang("b", "b0")
		Eventually(runs("b")).Should(Equal(1))
		hang("a", "a2")
		hang("b", "b1")
		Eventually(runs("b")).Should(Equal(2))
		stop()
		Eventually(runs("a")).Should(Equal(2))
	})

	It("runs every errand in the end", func() {
		var n atomic.Int64
		var all sync.WaitGroup
		for i := range 200 {
			all.Add(1)
			l.start(ctx, fmt.Sprint("namespace", i%7), 1+i%3, func(context.Context) { n.Add(1); all.Done() })
		}
		all.Wait()
		Expect(n.Load()).To(BeEquivalentTo(200))
	})
})
