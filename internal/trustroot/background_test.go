// SPDX-License-Identifier: Apache-2.0

package trustroot_test

import (
	"context"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/verifiedchart/verifiedchart/internal/trustroot"
	"github.com/verifiedchart/verifiedchart/internal/trustroot/trustroottest"
)

// background is a repository and its started client, in a bubble in which time passes only while all goroutines
// wait.
type background struct {
	*testing.T
	*trustroottest.Repository
	root    *trustroot.TUF
	changes int
	started time.Time
}

func inBackground(t *testing.T, test func(*background)) {
	synctest.Test(t, func(t *testing.T) {
		b := &background{T: t, Repository: trustroottest.New(), started: time.Now()}
		root, err := trustroot.NewTUF(trustroot.TUFOptions{
			Mirror: "https://tuf.example", Root: b.RootJSON(), CacheDir: t.TempDir(),
			Transport: b.Transport(), Changed: func() { b.changes++ },
		})
		if err != nil {
			t.Fatal(err)
		}
		b.root = root
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- root.Start(ctx) }()
		test(b)
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Start: %v", err)
		}
		synctest.Wait()
	})
}

// pass lets time pass until all goroutines wait.
func (b *background) pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func (b *background) expect(raw []byte, changes int) {
	b.Helper()
	synctest.Wait()
	root, err := b.root.Root(b.Context())
	synctest.Wait()
	switch {
	case raw == nil && err == nil:
		b.Error("there is a root")
	case raw != nil && err != nil:
		b.Error(err)
	case raw != nil && root.ID() != idOf(raw):
		b.Errorf("it is %s, not %s", root.ID(), idOf(raw))
	}
	if b.changes != changes {
		b.Errorf("changed was called %d times, not %d", b.changes, changes)
	}
}

// refreshes returns the number of requests for the timestamp.
func (b *background) refreshes() int {
	return len(slices.DeleteFunc(b.Requests(), func(path string) bool { return path != "timestamp.json" }))
}

func TestBackgroundDoesNothingBeforeTheFirstUse(t *testing.T) {
	inBackground(t, func(b *background) {
		b.pass(1000 * time.Hour)
		if requests := b.Requests(); len(requests) > 0 {
			b.Errorf("it requested %v", requests)
		}
	})
}

func TestBackgroundRefreshes(t *testing.T) {
	inBackground(t, func(b *background) {
		one, other := newRoot(), newRoot()
		b.SetTrustedRoot(one)
		b.expect(one, 1)
		first, _ := b.root.Root(b.Context())

		b.Publish(longer(30 * 24 * time.Hour)) // no other root
		b.pass(12*time.Hour + time.Minute)
		b.expect(one, 1)
		if again, _ := b.root.Root(b.Context()); again != first {
			b.Error("the same root has a different pointer")
		}
		if got := b.refreshes(); got != 2 {
			b.Errorf("%d refreshes in half a day, not 2", got)
		}
		if age, ok := b.root.Age(); !ok || age != time.Minute {
			b.Errorf("the age is %v, not a minute", age)
		}

		b.SetTrustedRoot(other)
		b.pass(12 * time.Hour)
		b.expect(other, 2)
	})
}

func TestBackgroundRefreshesBeforeAShortTimestampExpires(t *testing.T) {
	inBackground(t, func(b *background) {
		raw := newRoot()
		b.SetTrustedRoot(raw)
		b.ExpireIn(2 * time.Hour)
		b.expect(raw, 1)
		for range 10 {
			b.pass(time.Hour + time.Minute)
			b.expect(raw, 1)
			b.ExpireIn(2 * time.Hour)
		}
		if got := b.refreshes(); got < 8 || got > 15 {
			b.Errorf("%d refreshes in ten hours", got)
		}
	})
}

func TestBackgroundAnnouncesExpiryAndReturn(t *testing.T) {
	inBackground(t, func(b *background) {
		raw := newRoot()
		b.SetTrustedRoot(raw)
		b.expect(raw, 1)
		b.SetFault(trustroottest.Down)
		b.pass(trustroottest.Validity - time.Minute)
		b.expect(raw, 1)
		if b.root.LastError() == nil {
			b.Error("it knows of no failure")
		}
		b.pass(time.Minute + time.Second)
		if b.changes != 2 {
			b.Errorf("changed was called %d times by the end, not twice", b.changes)
		}
		b.expect(nil, 2)

		b.SetFault(nil)
		b.Publish(trustroottest.Edit{})
		b.pass(10 * time.Minute)
		b.expect(raw, 3)
	})
}

func TestBackgroundBacksOff(t *testing.T) {
	inBackground(t, func(b *background) {
		b.SetFault(trustroottest.Down)
		b.expect(nil, 0)
		b.pass(24 * time.Hour)
		if got := len(b.Requests()); got < 24*6 || got > 24*6+5 {
			b.Errorf("%d requests in a day, not one in ten minutes", got)
		}
		raw := newRoot()
		b.SetFault(nil)
		b.SetTrustedRoot(raw)
		b.pass(10 * time.Minute)
		b.expect(raw, 1)
	})
}

func TestChangedMayAskForTheRoot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		repository := trustroottest.New()
		var root *trustroot.TUF
		var answers []error
		root, err := trustroot.NewTUF(trustroot.TUFOptions{
			Mirror: "https://tuf.example", Root: repository.RootJSON(), CacheDir: t.TempDir(), Transport: repository.Transport(),
			Changed: func() {
				_, err := root.Root(t.Context())
				answers = append(answers, err)
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		repository.SetTrustedRoot(newRoot())
		if _, err := root.Root(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(trustroottest.Validity + time.Minute)
		if _, err := root.Root(t.Context()); err == nil {
			t.Error("there is a root beyond its end")
		}
		synctest.Wait()
		if len(answers) != 2 || answers[0] != nil || answers[1] == nil {
			t.Errorf("the root was %v", answers)
		}
	})
}

func TestSlowMirror(t *testing.T) {
	for _, row := range []struct {
		name    string
		perFile time.Duration
		isRead  bool
	}{
		{name: "is waited for within the timeout", perFile: 5 * time.Second, isRead: true},
		{name: "is given up beyond the timeout", perFile: 7 * time.Second},
	} {
		t.Run(row.name, func(t *testing.T) {
			inBackground(t, func(b *background) {
				b.SetFault(func(_ http.ResponseWriter, r *http.Request) bool {
					select {
					case <-time.After(row.perFile):
					case <-r.Context().Done():
					}
					return false
				})
				b.SetTrustedRoot(newRoot())
				_, err := b.root.Root(b.Context())
				if took := time.Since(b.started); (err == nil) != row.isRead || took > 30*time.Second {
					b.Errorf("after %v: %v", took, err)
				}
			})
		})
	}
}
