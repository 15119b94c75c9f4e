// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// entered enters in a goroutine of its own, and says how to leave once that is possible.
func entered(t *testing.T, l *lanes, namespace string) <-chan func() {
	t.Helper()
	done := make(chan func(), 1)
	go func() {
		if leave, ok := l.enter(t.Context(), namespace); ok {
			done <- leave
		}
	}()
	synctest.Wait()
	return done
}

func TestLanesLetNobodyInWhileAllWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLanes(2)
		first, second := <-entered(t, l, "a"), <-entered(t, l, "a")
		third := entered(t, l, "b")
		if len(third) != 0 {
			t.Fatal("a third works beside two")
		}
		first()
		synctest.Wait()
		(<-third)()
		second()
		if len(l.working) != 0 || len(l.waiting) != 0 {
			t.Fatalf("%d work, %v wait", len(l.working), l.waiting)
		}
	})
}

func TestLanesLetOthersInForThoseThatWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLanes(1)
		slow := <-entered(t, l, "a")
		next := entered(t, l, "b")
		time.Sleep(slowAfter - 1)
		synctest.Wait()
		if len(next) != 0 {
			t.Fatal("it did not wait for long")
		}
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		fast := <-next
		if l.waiting["a"] != 1 || len(l.working) != 1 {
			t.Fatalf("%d work, %v wait", len(l.working), l.waiting)
		}
		slow()
		fast()
		time.Sleep(time.Minute)
		if len(l.working) != 0 || len(l.waiting) != 0 {
			t.Fatalf("%d work, %v wait", len(l.working), l.waiting)
		}
	})
}

func TestI4LanesKeepOneNamespaceFromTakingThemAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLanes(2)
		var leave []func()
		for range l.limit / cap(l.working) {
			leave = append(leave, <-entered(t, l, "hanging"), <-entered(t, l, "hanging"))
			time.Sleep(slowAfter)
			synctest.Wait()
		}
		if _, ok := l.enter(t.Context(), "hanging"); ok {
			t.Fatal("one more waits")
		}
		if len(l.working) != 0 {
			t.Fatal("who is kept out works")
		}
		other, ok := l.enter(t.Context(), "other")
		if !ok {
			t.Fatal("another namespace is kept out")
		}
		if worst := l.limit + cap(l.working); worst >= l.size() {
			t.Fatalf("one namespace has %d of %d", worst, l.size())
		}
		for _, each := range append(leave, other) {
			each()
		}
		if _, ok := l.enter(t.Context(), "hanging"); !ok {
			t.Fatal("it is kept out for ever")
		}
	})
}

func TestLanesEndWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLanes(1)
		defer (<-entered(t, l, "a"))()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, ok := l.enter(ctx, "b"); ok {
			t.Fatal("it entered beside another that works")
		}
	})
}
