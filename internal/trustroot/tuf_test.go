package trustroot_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/theupdateframework/go-tuf/v2/metadata"

	"github.com/verifiedchart/verifiedchart/internal/trustroot"
	"github.com/verifiedchart/verifiedchart/internal/trustroot/trustroottest"
)

// clock is the time, put forward.
type clock struct{ ahead atomic.Int64 }

func (c *clock) Now() time.Time           { return time.Now().Add(time.Duration(c.ahead.Load())) }
func (c *clock) Advance(by time.Duration) { c.ahead.Add(int64(by)) }

func idOf(raw []byte) string {
	sum := sha256.Sum256(raw)
	return "sha256:" + hex.EncodeToString(sum[:])
}

var _ = Describe("The trusted root of a TUF repository", func() {
	var (
		repository *trustroottest.Repository
		raw        []byte
		dir        string
		now        *clock
		changes    atomic.Int32
		options    trustroot.TUFOptions
	)
	ctx := context.Background()

	BeforeEach(func() {
		repository = trustroottest.New()
		DeferCleanup(repository.Close)
		raw = newRoot()
		repository.SetTrustedRoot(raw)
		dir, now = filepath.Join(GinkgoT().TempDir(), "tuf"), &clock{}
		changes.Store(0)
		options = trustroot.TUFOptions{
			Mirror: repository.URL(), Root: repository.RootJSON(), CacheDir: dir, Now: now.Now,
			Changed: func() { changes.Add(1) },
		}
	})

	start := func() *trustroot.TUF {
		GinkgoHelper()
		t, err := trustroot.NewTUF(options)
		Expect(err).NotTo(HaveOccurred())
		return t
	}
	serves := func(t *trustroot.TUF, raw []byte) {
		GinkgoHelper()
		root, err := t.Root(ctx)
		Expect(err).NotTo(HaveOccurred())
		Expect(root.ID()).To(Equal(idOf(raw)))
	}
	fails := func(t *trustroot.TUF) error {
		GinkgoHelper()
		root, err := t.Root(ctx)
		Expect(err).To(MatchError(trustroot.ErrUnavailable))
		Expect(err).NotTo(MatchError(trustroot.ErrMalformed))
		Expect(root).To(BeNil())
		Expect(len(err.Error())).To(BeNumerically("<=", 512))
		return err
	}
	// expire lets all metadata end that was published so far.
	expire := func() { now.Advance(trustroottest.Validity + time.Minute) }

	It("is fetched at its first use, and not before", func() {
		t := start()
		_, ok := t.Age()
		Expect(ok).To(BeFalse())
		Expect(repository.Requests()).To(BeEmpty())
		Expect(dir).NotTo(BeADirectory())
		serves(t, raw)
		Expect(repository.Requests()).To(HaveExactElements(
			"2.root.json", "timestamp.json", "2.snapshot.json", "2.targets.json", MatchRegexp(`^targets/[0-9a-f]{64}\.trusted_root\.json$`)))
		Expect(t.LastError()).NotTo(HaveOccurred())
	})

	It("is not asked for again while it is valid", func() {
		t := start()
		serves(t, raw)
		asked := len(repository.Requests())
		now.Advance(trustroottest.Validity / 2)
		serves(t, raw)
		serves(t, raw)
		Expect(repository.Requests()).To(HaveLen(asked))
		age, ok := t.Age()
		Expect(ok).To(BeTrue())
		Expect(age).To(BeNumerically("~", trustroottest.Validity/2, time.Minute))
	})

	It("is had even by who has given up, if it is at hand", func() {
		t := start()
		serves(t, raw)
		gone, cancel := context.WithCancel(ctx)
		cancel()
		root, err := t.Root(gone)
		Expect(err).NotTo(HaveOccurred())
		Expect(root.ID()).To(Equal(idOf(raw)))
	})

	It("is fetched once for all who ask at once, and a caller's leaving does not end it", func() {
		reached, goOn := make(chan struct{}), make(chan struct{})
		repository.SetFault(only("timestamp.json", func(http.ResponseWriter, *http.Request) bool {
			close(reached)
			<-goOn
			return false
		}))
		t := start()
		gone, cancel := context.WithCancel(ctx)
		left := make(chan error)
		go func() {
			_, err := t.Root(gone)
			left <- err
		}()
		<-reached
		cancel()
		Expect(<-left).To(And(MatchError(trustroot.ErrUnavailable), MatchError(context.Canceled)))
		var all sync.WaitGroup
		var served atomic.Int32
		for range 100 {
			all.Go(func() {
				if root, err := t.Root(ctx); err == nil && root.ID() == idOf(raw) {
					served.Add(1)
				}
			})
		}
		close(goOn)
		all.Wait()
		Expect(served.Load()).To(BeEquivalentTo(100))
		Expect(repository.Requests()).To(HaveLen(5))
	})

	Describe("E17: with the mirror down", func() {
		DescribeTable("is had from the cache after a restart, until the timestamp expires",
			func(fault trustroottest.Fault) {
				serves(start(), raw)
				now.Advance(time.Hour)
				repository.SetFault(fault)

				options.Timeout = 200 * time.Millisecond
				t := start()
				serves(t, raw)
				Expect(t.LastError()).To(MatchError(trustroot.ErrUnavailable))
				age, ok := t.Age()
				Expect(ok).To(BeTrue())
				Expect(age).To(BeNumerically("~", time.Hour, time.Minute))

				expire()
				fails(t)
				fails(start())
				Expect(fails(start()).Error()).To(ContainSubstring(repository.URL()))
			},
			Entry("that drops connections", trustroottest.Down),
			Entry("that hangs", trustroottest.Hang),
			Entry("that fails", answer(http.StatusServiceUnavailable)),
			Entry("that refuses", answer(http.StatusForbidden)),
			Entry("that has nothing", answer(http.StatusNotFound)),
		)

		It("is had after a rotation of the root and a restart", func() {
			serves(start(), raw)
			repository.RotateRoot()
			repository.RotateRoot()
			serves(start(), raw)
			repository.SetFault(trustroottest.Down)
			serves(start(), raw)
		})

		It("is not had where it never was", func() {
			repository.SetFault(trustroottest.Down)
			t := start()
			fails(t)
			_, ok := t.Age()
			Expect(ok).To(BeFalse())
		})

		It("is not asked for by each of a thousand objects", func() {
			repository.SetFault(answer(http.StatusServiceUnavailable))
			t := start()
			for range 1000 {
				fails(t)
			}
			Expect(repository.Requests()).To(HaveLen(1))
			now.Advance(time.Minute)
			repository.SetFault(nil)
			serves(t, raw)
		})

		It("is had again once the mirror is back", func() {
			t := start()
			serves(t, raw)
			expire()
			repository.SetFault(trustroottest.Down)
			fails(t)
			repository.SetFault(nil)
			repository.Publish(longer(2 * trustroottest.Validity))
			now.Advance(time.Minute)
			serves(t, raw)
		})
	})

	Describe("E18: with a hostile mirror", func() {
		next := newRoot()

		DescribeTable("stays the last good one until it expires, at",
			func(attack func(*trustroottest.Repository)) {
				t := start()
				serves(t, raw)
				kept := files(dir)

				attack(repository)
				restarted := start()
				serves(restarted, raw)
				Expect(restarted.LastError()).To(MatchError(trustroot.ErrUnavailable))
				Expect(files(dir)).To(Equal(kept))

				options.CacheDir = filepath.Join(GinkgoT().TempDir(), "empty")
				fails(start())

				expire()
				fails(t)
				fails(restarted)
			},
			attacks(next),
		)

		It("stays the last good one at a rollback, until it expires", func() {
			serves(start(), raw)
			repository.SetTrustedRoot(next)
			t := start()
			serves(t, next)
			repository.Rollback()
			restarted := start()
			serves(restarted, next)
			Expect(restarted.LastError()).To(MatchError(&metadata.ErrBadVersionNumber{}))
			expire()
			fails(t)
			fails(restarted)
		})

		It("stays as it was where the cache is lost while it runs", func() {
			repository.Publish(longer(3 * trustroottest.Validity))
			repository.SetTrustedRoot(next)
			t := start()
			serves(t, next)
			Expect(os.RemoveAll(dir)).To(Succeed())
			repository.Rollback()
			expire()
			Expect(fails(t)).To(MatchError(&metadata.ErrBadVersionNumber{}))
		})

		It("is not read from a cache that others changed", func() {
			serves(start(), raw)
			repository.SetFault(trustroottest.Down)
			Expect(os.WriteFile(filepath.Join(dir, "trusted_root.json"), next, 0o600)).To(Succeed())
			fails(start())
			repository.SetFault(nil)
			serves(start(), raw)
		})

		It("knows a rotated root after a restart, though the mirror hides it", func() {
			serves(start(), raw)
			repository.RotateRoot()
			serves(start(), raw)
			repository.Rollback()
			t := start()
			serves(t, raw)
			Expect(t.LastError()).To(MatchError(trustroot.ErrUnavailable))
		})

		It("is not had from another host without TLS", func() {
			other := trustroottest.New()
			DeferCleanup(other.Close)
			repository.SetFault(func(w http.ResponseWriter, r *http.Request) bool {
				http.Redirect(w, r, other.URL()+r.URL.Path, http.StatusFound)
				return true
			})
			fails(start())
			Expect(other.Requests()).To(BeEmpty())
		})
	})

	It("follows a redirection within the mirror", func() {
		repository.SetFault(only("timestamp.json", func(w http.ResponseWriter, r *http.Request) bool {
			if r.URL.RawQuery != "" {
				return false
			}
			http.Redirect(w, r, "/timestamp.json?again", http.StatusFound)
			return true
		}))
		serves(start(), raw)
	})

	It("is not waited for beyond the timeout", func() {
		repository.SetFault(func(w http.ResponseWriter, r *http.Request) bool {
			w.(http.Flusher).Flush()
			<-r.Context().Done()
			return true
		})
		options.Timeout = 50 * time.Millisecond
		Expect(fails(start())).To(MatchError(context.DeadlineExceeded))
	})

	It("is not had where the cache cannot be written", func() {
		Expect(os.WriteFile(dir, nil, 0o600)).To(Succeed())
		Expect(fails(start()).Error()).To(ContainSubstring(dir))
	})

	It("is had of a repository without consistent snapshots", func() {
		plain := trustroottest.NewWithoutConsistentSnapshots()
		DeferCleanup(plain.Close)
		plain.SetTrustedRoot(raw)
		options.Mirror, options.Root = plain.URL(), plain.RootJSON()
		serves(start(), raw)
		Expect(plain.Requests()).To(HaveExactElements(
			"2.root.json", "timestamp.json", "snapshot.json", "targets.json", "targets/trusted_root.json"))
	})

	DescribeTable("needs options that can work",
		func(change func(*trustroot.TUFOptions)) {
			change(&options)
			_, err := trustroot.NewTUF(options)
			Expect(err).To(HaveOccurred())
			Expect(repository.Requests()).To(BeEmpty())
		},
		Entry("a directory", func(o *trustroot.TUFOptions) { o.CacheDir = "" }),
		Entry("a root that is one", func(o *trustroot.TUFOptions) { o.Root = []byte("{}") }),
		Entry("a mirror that is a URL", func(o *trustroot.TUFOptions) { o.Mirror = "http://a b" }),
		Entry("a mirror of a scheme that is spoken", func(o *trustroot.TUFOptions) { o.Mirror = "file:///etc" }),
		Entry("a mirror with a host", func(o *trustroot.TUFOptions) { o.Mirror = "https:///x" }),
		Entry("a mirror without a password", func(o *trustroot.TUFOptions) { o.Mirror = "https://a:b@example.com" }),
		Entry("a mirror without a query", func(o *trustroot.TUFOptions) { o.Mirror = "https://example.com?a=b" }),
	)

	It("is by default that of the public-good Sigstore", func() {
		_, err := trustroot.NewTUF(trustroot.TUFOptions{CacheDir: dir})
		Expect(err).NotTo(HaveOccurred())
	})
})
