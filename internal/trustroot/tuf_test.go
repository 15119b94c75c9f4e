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

		It("is not had of a mirror that stands still (freeze)", func() {
			t := start()
			serves(t, raw)
			expire()
			Expect(fails(t)).To(MatchError(&metadata.ErrExpiredMetadata{}))
		})

		It("is not had by a timestamp of before that names what is new", func() {
			repository.Publish(trustroottest.Edit{Timestamp: func(t *metadata.TimestampType) { t.Version += 10 }})
			serves(start(), raw)
			repository.SetTrustedRoot(next)
			t := start()
			serves(t, raw)
			Expect(t.LastError()).To(MatchError(&metadata.ErrBadVersionNumber{}))
		})

		It("is not had by a new snapshot of targets of before", func() {
			repository.SetTrustedRoot(next)
			serves(start(), next)
			repository.Publish(trustroottest.Edit{Snapshot: func(s *metadata.SnapshotType) { s.Meta["targets.json"] = metadata.MetaFile(2) }})
			t := start()
			serves(t, next)
			Expect(t.LastError()).To(MatchError(&metadata.ErrBadVersionNumber{}))
		})

		It("is not downloaded if it is too large", func() {
			repository.SetTrustedRoot(make([]byte, trustroot.MaxSize+1))
			fails(start())
			Expect(repository.Requests()).NotTo(ContainElement(HavePrefix("targets/")))
		})

		It("stays as it was where the cache is lost while it runs", func() {
			repository.Publish(longer(3 * trustroottest.Validity))
			repository.SetTrustedRoot(next)
			serves(start(), next)
			repository.SetFault(trustroottest.Down)
			t := start() // knows it from the cache
			serves(t, next)
			Expect(os.RemoveAll(dir)).To(Succeed())
			repository.SetFault(nil)
			repository.Rollback()
			expire()
			Expect(fails(t)).To(MatchError(&metadata.ErrBadVersionNumber{}))
		})

		DescribeTable("is not had by a root, signed with stolen keys, that",
			func(change func(*metadata.RootType)) {
				t := start()
				serves(t, raw)
				repository.EditRoot(change)
				fails(start()) // what is at hand is signed by keys that are revoked now
				serves(t, raw)
				expire()
				fails(t)
			},
			Entry("CVE-2026-23992: needs no signature", func(r *metadata.RootType) { r.Roles[metadata.TIMESTAMP].Threshold = 0 }),
			Entry("needs less than none", func(r *metadata.RootType) { r.Roles[metadata.SNAPSHOT].Threshold = -1 }),
			Entry("has no role for targets", func(r *metadata.RootType) { delete(r.Roles, metadata.TARGETS) }),
			Entry("has a hole for a role", func(r *metadata.RootType) { r.Roles[metadata.TARGETS] = nil }),
			Entry("has a hole for a key", func(r *metadata.RootType) { r.Keys[r.Roles[metadata.TIMESTAMP].KeyIDs[0]] = nil }),
			Entry("has expired", func(r *metadata.RootType) { r.Expires = time.Unix(0, 0).UTC() }),
		)

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
	})

	DescribeTable("is had through redirections, but not from another host without TLS",
		func(mirror, to string, want bool) {
			options.Mirror, options.Transport = mirror, repository.Transport()
			repository.SetFault(only("timestamp.json", func(w http.ResponseWriter, r *http.Request) bool {
				if r.URL.RawQuery != "" {
					return false
				}
				http.Redirect(w, r, to+"/timestamp.json?again", http.StatusFound)
				return true
			}))
			asked := 0
			if want {
				serves(start(), raw)
				asked = 1
			} else {
				fails(start())
			}
			Expect(repository.Requests()).To(HaveLen(2 + 4*asked))
		},
		Entry("within a host", "http://tuf.example", "", true),
		Entry("within a host with TLS", "https://tuf.example", "", true),
		Entry("from TLS to another host with TLS", "https://tuf.example", "https://cdn.example", true),
		Entry("to another host with TLS", "http://tuf.example", "https://cdn.example", true),
		Entry("to another host without", "http://tuf.example", "http://169.254.169.254", false),
		Entry("to another port without", "http://tuf.example", "http://tuf.example:8080", false),
		Entry("from TLS to none", "https://tuf.example", "http://tuf.example", false),
		Entry("to no web server", "https://tuf.example", "ftp://tuf.example", false),
	)

	It("is not had from a mirror that redirects in a circle", func() {
		repository.SetFault(func(w http.ResponseWriter, r *http.Request) bool {
			http.Redirect(w, r, r.URL.Path, http.StatusFound)
			return true
		})
		fails(start())
		Expect(repository.Requests()).To(HaveLen(4))
	})

	It("is kept again where the cache was lost", func() {
		t := start()
		serves(t, raw)
		Expect(os.RemoveAll(dir)).To(Succeed())
		expire()
		repository.Publish(longer(2 * trustroottest.Validity))
		serves(t, raw)
		repository.SetFault(trustroottest.Down)
		serves(start(), raw)
	})

	It("is fetched by whoever asks, leader or not", func() {
		Expect(start().NeedLeaderElection()).To(BeFalse())
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
		Entry("CVE-2026-23991: a root without a hole", func(o *trustroot.TUFOptions) {
			o.Root = []byte(`{"signed":{"_type":"root","roles":{"root":null}},"signatures":[]}`)
		}),
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
