// SPDX-License-Identifier: Apache-2.0

package chartrepo_test

import (
	"context"
	"fmt"
	"net/http"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/verifiedchart/verifiedchart/internal/chartrepo"
	"github.com/verifiedchart/verifiedchart/internal/chartrepo/chartrepotest"
	"github.com/verifiedchart/verifiedchart/internal/download"
	"github.com/verifiedchart/verifiedchart/internal/registry"
)

var _ = Describe("An attacked index of a classic repository", Label("classic"), func() {
	var c *client
	BeforeEach(func() {
		c = newClient()
		c.server.Add("app", "1.0.0", zipped("one"))
	})
	as := func(user string) func(*chartrepo.Target) {
		return func(t *chartrepo.Target) { t.Credentials = download.Basic("user", user) }
	}

	It("takes a bounded number of files, even if many repositories are asked for at the same time", func() {
		for i := range 256 {
			_, err := c.repository(as(fmt.Sprint(i))).Find(ctx, version("1.0.0"), time.Hour)
			Expect(err).NotTo(HaveOccurred())
		}
		Expect(c.staged()).To(BeNumerically("<=", 256))
		for round := range 10 {
			entered, proceed := make(chan struct{}, 100), make(chan struct{})
			c.server.Break(func(http.ResponseWriter, *http.Request) bool {
				entered <- struct{}{}
				<-proceed
				return false
			})
			var all sync.WaitGroup
			const many = 16 // what a namespace may have by default
			for i := range many {
				all.Go(func() {
					defer GinkgoRecover()
					_, err := c.repository(as(fmt.Sprint("late", round, i))).Find(ctx, version("1.0.0"), time.Hour)
					Expect(err).NotTo(HaveOccurred())
				})
			}
			for range many {
				<-entered
			}
			close(proceed)
			all.Wait()
		}
		c.server.Break(nil)
		Expect(c.staged()).To(BeNumerically("<=", 256))
	})

	It("that is asked for now is not one that the server began to send before", func() {
		_, err := c.repository().Find(ctx, version("1.0.0"), 0)
		Expect(err).NotTo(HaveOccurred())
		entered, proceed := make(chan struct{}, 10), make(chan struct{})
		c.server.Break(func(http.ResponseWriter, *http.Request) bool { // has the old index already
			entered <- struct{}{}
			<-proceed
			return false
		})
		first, second := make(chan error, 1), make(chan error, 1)
		go func() {
			_, err := c.repository().Find(ctx, version("1.0.0"), 0)
			first <- err
		}()
		<-entered
		c.server.Add("app", "1.1.0", zipped("two"))
		before := c.clock.Load()
		go func() {
			_, err := c.repository().Find(ctx, version("1.1.0"), 0)
			second <- err
		}()
		Eventually(c.clock.Load).Should(BeNumerically(">", before), "it has looked at the clock when it asked")
		close(proceed)
		Expect(<-first).NotTo(HaveOccurred())
		Expect(<-second).NotTo(HaveOccurred())
	})

	DescribeTable("shows no text of the server:",
		func(index string) {
			c.server.Put("index.yaml", []byte(index))
			_, err := c.repository().Find(ctx, version("1.0.0"), 0)
			Expect(err).To(HaveOccurred())
			Expect(err.Error()).NotTo(ContainSubstring("hunter2"))
			Expect(err.Error()).NotTo(ContainSubstring("db_password"))
		},
		Entry("a name in a file that is no index", "db_password: 1\nhunter2: 2\n"),
		Entry("a value in a file that is no index", "generated: hunter2\n"),
		Entry("a name in a file of JSON that is no index", `{"db_password": 1}`),
		Entry("a value in an index", "apiVersion: v1\nentries:\n  app:\n  - created: hunter2\n    version: 1.0.0\n    name: app\n"),
	)

	It("names no host with unprintable characters", func() {
		c.server.Add("app", "1.0.0", zipped("one"), chartrepotest.At("https://evil%E2%80%AEmoc.example/"+strings.Repeat("a", 8000)))
		r := c.repository()
		a, err := r.Find(ctx, version("1.0.0"), 0)
		Expect(err).NotTo(HaveOccurred())
		_, _, err = r.Measure(ctx, a, failing{nil})
		Expect(err).To(HaveOccurred())
		Expect(len(err.Error())).To(BeNumerically("<", 2048))
		Expect(err.Error()).NotTo(ContainSubstring("\u202e"))
	})

	It("of one tenant survives the indexes of another", func() {
		other := func(i int) func(*chartrepo.Target) {
			return func(t *chartrepo.Target) { t.Scope, t.Credentials = "evil", download.Basic("evil", fmt.Sprint(i)) }
		}
		_, err := c.repository().Find(ctx, version("1.0.0"), time.Hour)
		Expect(err).NotTo(HaveOccurred())
		for i := range 300 {
			_, err := c.repository(other(i)).Find(ctx, version("1.0.0"), time.Hour)
			Expect(err).NotTo(HaveOccurred())
		}
		c.server.Reset()
		_, err = c.repository().Find(ctx, version("1.0.0"), time.Hour)
		Expect(err).NotTo(HaveOccurred())
		Expect(c.server.Requests()).To(BeEmpty())
	})

	It("fails one tenant only, if the server limits the rate of another", func() {
		entered, proceed := make(chan struct{}, 10), make(chan struct{})
		var once sync.Once
		c.server.Break(func(w http.ResponseWriter, _ *http.Request) (limited bool) {
			once.Do(func() {
				limited = true
				entered <- struct{}{}
				<-proceed
				w.Header().Set("Retry-After", "3600")
				w.WriteHeader(http.StatusTooManyRequests)
			})
			return limited
		})
		evil, good := make(chan error, 1), make(chan error, 1)
		go func() {
			_, err := c.repository(func(t *chartrepo.Target) { t.Scope = "evil" }).Find(ctx, version("1.0.0"), 0)
			evil <- err
		}()
		<-entered
		before := c.clock.Load()
		go func() {
			_, err := c.repository().Find(ctx, version("1.0.0"), 0)
			good <- err
		}()
		Eventually(c.clock.Load).Should(BeNumerically(">", before))
		close(proceed)
		Expect(<-evil).To(HaveOccurred())
		Expect(<-good).NotTo(HaveOccurred())
	})

	It("that lacks the chart is parsed once", func() {
		c.server.Add("other", "1.0.0", zipped("one"))
		c.server.Remove("app", "1.0.0")
		_, err := c.repository().Find(ctx, version("1.0.0"), time.Hour)
		beOnly(err, registry.ErrNotFound)
		reads := c.reads.Load()
		for range 10 {
			_, err := c.repository().Find(ctx, version("1.0.0"), 9*time.Second)
			beOnly(err, registry.ErrNotFound)
		}
		Expect(c.reads.Load()).To(Equal(reads))
	})

	It("takes bounded memory, even if a tenant has many repositories", func() {
		defer debug.SetGCPercent(debug.SetGCPercent(20)) // so that the heap is not much larger than what is alive
		index := "apiVersion: v1\nentries: {app: [\n" + strings.Repeat(strings.Repeat("{a},", 1000)+"\n", 199) + "]}\n"
		Expect(len(index)).To(BeNumerically("<", 4<<20))
		c.server.Put("index.yaml", []byte(index))
		peak, stop, stopped := uint64(0), make(chan struct{}), make(chan struct{})
		go func() {
			defer close(stopped)
			for {
				select {
				case <-stop:
					return
				case <-time.After(5 * time.Millisecond):
					var m runtime.MemStats
					runtime.ReadMemStats(&m)
					peak = max(peak, m.HeapAlloc)
				}
			}
		}()
		var all sync.WaitGroup
		for i := range 16 { // what a namespace may have by default
			all.Go(func() {
				_, _ = c.repository(as(fmt.Sprint(i))).Find(ctx, version("1.0.0"), time.Hour)
			})
		}
		all.Wait()
		close(stop)
		<-stopped
		Expect(peak>>20).To(BeNumerically("<", 256), "MiB; the controller has 512")
	})

	It("that is young enough is not waited for while another tenant downloads it again", func() {
		_, err := c.repository().Find(ctx, version("1.0.0"), time.Hour)
		Expect(err).NotTo(HaveOccurred())
		entered, proceed := make(chan struct{}, 1), make(chan struct{})
		c.server.Break(func(http.ResponseWriter, *http.Request) bool {
			entered <- struct{}{}
			<-proceed
			return false
		})
		evil := make(chan error, 1)
		go func() {
			_, err := c.repository(func(t *chartrepo.Target) { t.Scope = "evil" }).Find(ctx, version("1.0.0"), 0)
			evil <- err
		}()
		<-entered
		patience, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		_, err = c.repository().Find(patience, version("1.0.0"), time.Hour)
		close(proceed)
		Expect(<-evil).NotTo(HaveOccurred())
		Expect(err).NotTo(HaveOccurred())
	})
})
