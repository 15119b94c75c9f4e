// SPDX-License-Identifier: Apache-2.0

package trustroot_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/verifiedchart/verifiedchart/internal/outbound"
	"github.com/verifiedchart/verifiedchart/internal/trustroot"
	"github.com/verifiedchart/verifiedchart/internal/trustroot/trustroottest"
)

var _ = Describe("The trusted root of a TUF repository", Label("trustroot"), func() {
	var s *scene
	ctx := context.Background()
	BeforeEach(func() { s = newScene() })

	It("is fetched at its first use, and not before", func() {
		t := s.start()
		_, ok := t.Age()
		Expect(ok).To(BeFalse())
		Expect(s.repository.Requests()).To(BeEmpty())
		Expect(s.dir).NotTo(BeADirectory())
		s.serves(t, s.raw)
		Expect(s.repository.Requests()).To(HaveExactElements(
			"2.root.json", "timestamp.json", "2.snapshot.json", "2.targets.json", MatchRegexp(`^targets/[0-9a-f]{64}\.trusted_root\.json$`)))
		Expect(t.LastError()).NotTo(HaveOccurred())
	})

	It("is not requested again while it is valid", func() {
		t := s.start()
		s.serves(t, s.raw)
		before := len(s.repository.Requests())
		s.now.Advance(trustroottest.Validity / 2)
		s.serves(t, s.raw)
		s.serves(t, s.raw)
		Expect(s.repository.Requests()).To(HaveLen(before))
		age, ok := t.Age()
		Expect(ok).To(BeTrue())
		Expect(age).To(BeNumerically("~", trustroottest.Validity/2, time.Minute))
	})

	It("is available even to a caller with a cancelled context, if it is in memory", func() {
		t := s.start()
		s.serves(t, s.raw)
		gone, cancel := context.WithCancel(ctx)
		cancel()
		root, err := t.Root(gone)
		Expect(err).NotTo(HaveOccurred())
		Expect(root.ID()).To(Equal(idOf(s.raw)))
	})

	It("is fetched once for concurrent callers, and goes on if a caller leaves", func() {
		reached, goOn := make(chan struct{}), make(chan struct{})
		s.repository.SetFault(only("timestamp.json", func(http.ResponseWriter, *http.Request) bool {
			close(reached)
			<-goOn
			return false
		}))
		t := s.start()
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
				if root, err := t.Root(ctx); err == nil && root.ID() == idOf(s.raw) {
					served.Add(1)
				}
			})
		}
		close(goOn)
		all.Wait()
		Expect(served.Load()).To(BeEquivalentTo(100))
		Expect(s.repository.Requests()).To(HaveLen(5))
	})

	type redirect struct {
		mirror, to string
		allowed    []string
		refused    error
	}
	DescribeTable("follows a redirect of its mirror",
		func(row redirect) {
			if row.mirror != "" {
				s.options.Mirror, s.options.Transport = row.mirror, s.repository.Transport()
			}
			s.options.AllowedHosts = row.allowed
			other := httptest.NewServer(s.repository)
			DeferCleanup(other.Close)
			to := strings.ReplaceAll(row.to, "OTHER", other.Listener.Addr().String())
			s.repository.SetFault(only("timestamp.json", func(w http.ResponseWriter, r *http.Request) bool {
				if r.URL.RawQuery != "" {
					return false
				}
				http.Redirect(w, r, to+"/timestamp.json?again=hunter2", http.StatusFound)
				return true
			}))
			if row.refused == nil {
				s.serves(s.start(), s.raw)
				return
			}
			err := s.fails(s.start())
			Expect(err).To(MatchError(row.refused))
			Expect(err.Error()).NotTo(ContainSubstring("hunter2"))
			Expect(s.repository.Requests()).To(HaveExactElements("2.root.json", "timestamp.json"))
		},
		Entry("within the host", redirect{}),
		Entry("to an internal host if it is allowed", redirect{to: "http://OTHER", allowed: []string{"127.0.0.1"}}),
		Entry("but not to an internal host", redirect{to: "http://OTHER", refused: outbound.ErrRefused}),
		Entry("but not to an internal host with TLS", redirect{to: "https://OTHER", refused: outbound.ErrRefused}),
		Entry("but not to the metadata service of a cloud", redirect{to: "http://169.254.169.254", refused: outbound.ErrRefused}),
		Entry("but not from TLS to plain HTTP", redirect{mirror: "https://tuf.example", to: "http://tuf.example", refused: outbound.ErrCleartext}),
		Entry("but not to another protocol", redirect{to: "ftp://OTHER", refused: outbound.ErrCleartext}),
	)

	It("is not available from a mirror that redirects in a circle", func() {
		s.repository.SetFault(func(w http.ResponseWriter, r *http.Request) bool {
			http.Redirect(w, r, r.URL.Path, http.StatusFound)
			return true
		})
		s.fails(s.start())
		Expect(s.repository.Requests()).To(HaveLen(6))
	})

	It("is not requested before the time that a busy mirror named", func() {
		s.repository.SetFault(func(w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("Retry-After", "600")
			w.WriteHeader(http.StatusTooManyRequests)
			return true
		})
		t := s.start()
		s.fails(t)
		s.repository.SetFault(nil)
		s.now.Advance(9 * time.Minute)
		s.fails(t)
		Expect(s.repository.Requests()).To(HaveLen(1))
		s.now.Advance(2 * time.Minute)
		s.serves(t, s.raw)
	})

	It("is kept again if the cache was lost", func() {
		t := s.start()
		s.serves(t, s.raw)
		Expect(os.RemoveAll(s.dir)).To(Succeed())
		s.expire()
		s.repository.Publish(longer(2 * trustroottest.Validity))
		s.serves(t, s.raw)
		s.repository.SetFault(trustroottest.Down)
		s.serves(s.start(), s.raw)
	})

	It("is fetched for every caller, leader or not", func() {
		Expect(s.start().NeedLeaderElection()).To(BeFalse())
	})

	It("is not waited for beyond the timeout", func() {
		s.repository.SetFault(func(w http.ResponseWriter, r *http.Request) bool {
			w.(http.Flusher).Flush()
			<-r.Context().Done()
			return true
		})
		s.options.Timeout = 50 * time.Millisecond
		Expect(s.fails(s.start())).To(MatchError(context.DeadlineExceeded))
	})

	It("is not available if the cache cannot be written", func() {
		Expect(os.WriteFile(s.dir, nil, 0o600)).To(Succeed())
		Expect(s.fails(s.start()).Error()).To(ContainSubstring(s.dir))
	})

	It("is available from a repository without consistent snapshots", func() {
		plain := trustroottest.NewWithoutConsistentSnapshots()
		DeferCleanup(plain.Close)
		plain.SetTrustedRoot(s.raw)
		s.options.Mirror, s.options.Root = plain.URL(), plain.RootJSON()
		s.serves(s.start(), s.raw)
		Expect(plain.Requests()).To(HaveExactElements(
			"2.root.json", "timestamp.json", "snapshot.json", "targets.json", "targets/trusted_root.json"))
	})

	DescribeTable("needs usable options",
		func(change func(*trustroot.TUFOptions)) {
			change(&s.options)
			_, err := trustroot.NewTUF(s.options)
			Expect(err).To(HaveOccurred())
			Expect(s.repository.Requests()).To(BeEmpty())
		},
		Entry("a directory", func(o *trustroot.TUFOptions) { o.CacheDir = "" }),
		Entry("a root that is one", func(o *trustroot.TUFOptions) { o.Root = []byte("{}") }),
		Entry("CVE-2026-23991: a root without null entries", func(o *trustroot.TUFOptions) {
			o.Root = []byte(`{"signed":{"_type":"root","roles":{"root":null}},"signatures":[]}`)
		}),
		Entry("a mirror that is a URL", func(o *trustroot.TUFOptions) { o.Mirror = "http://a b" }),
		Entry("a mirror with a supported scheme", func(o *trustroot.TUFOptions) { o.Mirror = "file:///etc" }),
		Entry("a mirror with a host", func(o *trustroot.TUFOptions) { o.Mirror = "https:///x" }),
		Entry("a mirror without a password", func(o *trustroot.TUFOptions) { o.Mirror = "https://a:b@example.com" }),
		Entry("a mirror without a query", func(o *trustroot.TUFOptions) { o.Mirror = "https://example.com?a=b" }),
	)

	It("is by default that of the public-good Sigstore", func() {
		_, err := trustroot.NewTUF(trustroot.TUFOptions{CacheDir: s.dir})
		Expect(err).NotTo(HaveOccurred())
	})
})
