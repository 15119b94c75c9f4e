// SPDX-License-Identifier: Apache-2.0

package chartrepo_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/verifiedchart/verifiedchart/internal/chartrepo"
	"github.com/verifiedchart/verifiedchart/internal/chartrepo/chartrepotest"
	"github.com/verifiedchart/verifiedchart/internal/download"
	"github.com/verifiedchart/verifiedchart/internal/registry"
)

var _ = Describe("The index of a classic repository", Label("classic"), func() {
	var c *client
	BeforeEach(func() {
		c = newClient()
		c.server.Add("app", "1.0.0", zipped("one"))
	})
	find := func(age time.Duration, change ...func(*chartrepo.Target)) (chartrepo.Archive, error) {
		return c.repository(change...).Find(ctx, version("1.0.0"), age)
	}
	indexes := func() int { return len(c.server.Requests()) }

	It("names the archive of a version, with its digest", func() {
		found, err := find(0)
		Expect(err).NotTo(HaveOccurred())
		Expect(found.Version).To(Equal("1.0.0"))
		Expect(found.URL.String()).To(Equal(c.server.Repository() + "/app-1.0.0.tgz"))
		Expect(found.Digest).To(Equal(sha(zipped("one"))))
	})

	It("is downloaded once for all who may use one of its age", func() {
		for range 5 {
			_, err := find(time.Minute)
			Expect(err).NotTo(HaveOccurred())
		}
		Expect(indexes()).To(Equal(1))
		c.pass(time.Minute)
		_, err := find(time.Minute)
		Expect(err).NotTo(HaveOccurred())
		Expect(indexes()).To(Equal(2))
		Expect(c.staged()).To(Equal(1))
	})

	It("is downloaded once for all who ask at the same time", func() {
		entered, proceed := make(chan struct{}, 100), make(chan struct{})
		c.server.Break(func(http.ResponseWriter, *http.Request) bool {
			entered <- struct{}{}
			<-proceed
			return false
		})
		const many = 100
		errs := make(chan error, many)
		for range many {
			go func() {
				_, err := find(time.Minute)
				errs <- err
			}()
		}
		<-entered
		Eventually(c.clock.Load).Should(BeNumerically(">", many), "each has looked at the clock when it asked")
		close(proceed)
		for range many {
			Expect(<-errs).NotTo(HaveOccurred())
		}
		Expect(indexes()).To(Equal(1))
	})

	It("is sent again only if it has changed", func() {
		_, err := find(0)
		Expect(err).NotTo(HaveOccurred())
		sent := c.server.Sent()
		_, err = find(0)
		Expect(err).NotTo(HaveOccurred())
		Expect(c.server.Sent()).To(Equal(sent))
		c.server.Add("app", "1.1.0", zipped("two"))
		_, err = c.repository().Find(ctx, version("1.1.0"), 0)
		Expect(err).NotTo(HaveOccurred())
		Expect(c.staged()).To(Equal(1))
	})

	It("is asked for again if it lacks a version that may be new", func() {
		_, err := find(0)
		Expect(err).NotTo(HaveOccurred())
		c.server.Add("app", "1.1.0", zipped("two"))
		c.pass(time.Minute)
		_, err = c.repository().Find(ctx, version("1.1.0"), time.Hour)
		Expect(err).NotTo(HaveOccurred())
		_, err = c.repository().Find(ctx, version("9.9.9"), time.Hour)
		beOnly(err, registry.ErrNotFound)
		Expect(indexes()).To(Equal(2), "the second index is fresh enough to be believed")
	})

	DescribeTable("is not shared",
		func(change func(*chartrepo.Target)) {
			_, err := find(time.Hour)
			Expect(err).NotTo(HaveOccurred())
			_, err = find(time.Hour, change)
			Expect(err).NotTo(HaveOccurred())
			Expect(indexes()).To(Equal(2))
		},
		Entry("with other credentials", func(t *chartrepo.Target) { t.Credentials = download.Basic("user", "hunter2") }),
	)

	It("is shared by the charts of several namespaces with the same credentials", func() {
		_, err := find(time.Hour)
		Expect(err).NotTo(HaveOccurred())
		_, err = find(time.Hour, func(t *chartrepo.Target) { t.Scope = "others" })
		Expect(err).NotTo(HaveOccurred())
		Expect(indexes()).To(Equal(1))
	})

	It("that cannot be read is not replaced by an older one", func() {
		_, err := find(0)
		Expect(err).NotTo(HaveOccurred())
		c.server.Break(status(http.StatusInternalServerError, ""))
		_, err = find(0)
		beOnly(err, nil)
		c.server.Break(nil)
		_, err = find(0)
		Expect(err).NotTo(HaveOccurred())
	})

	It("whose reader gives up fails nobody who waits for it", func() {
		entered, proceed := make(chan struct{}, 2), make(chan struct{})
		c.server.Break(func(http.ResponseWriter, *http.Request) bool {
			entered <- struct{}{}
			<-proceed
			return false
		})
		short, cancel := context.WithCancel(ctx)
		first := make(chan error, 1)
		go func() {
			_, err := c.repository().Find(short, version("1.0.0"), 0)
			first <- err
		}()
		<-entered
		second := make(chan error, 1)
		go func() {
			_, err := c.repository().Find(ctx, version("1.0.0"), 0)
			second <- err
		}()
		cancel()
		Expect(<-first).To(MatchError(context.Canceled))
		close(proceed)
		Expect(<-second).NotTo(HaveOccurred())
	})

	DescribeTable("gives an error if the server",
		func(answer func(http.ResponseWriter, *http.Request) bool, class error) {
			c.server.Break(answer)
			_, err := find(0)
			beOnly(err, class)
			if !errors.Is(class, registry.ErrMalformed) {
				Expect(c.staged()).To(BeZero())
			}
		},
		Entry("has none", status(http.StatusNotFound, ""), registry.ErrNotFound),
		Entry("asks for credentials", status(http.StatusUnauthorized, ""), registry.ErrUnauthorized),
		Entry("refuses access", status(http.StatusForbidden, ""), registry.ErrUnauthorized),
		Entry("fails", status(http.StatusBadGateway, ""), nil),
		Entry("answers with a page", status(http.StatusOK, "<html>hunter2</html>"), registry.ErrMalformed),
		Entry("answers with nothing", status(http.StatusOK, ""), registry.ErrMalformed),
		Entry("says that an index is unchanged that was never sent", status(http.StatusNotModified, ""), nil),
		Entry("stops in the middle", func(w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("Content-Length", "1000")
			_, _ = w.Write([]byte("apiVersion: v1\n"))
			return true
		}, nil),
		Entry("claims gzip", func(w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write([]byte("apiVersion: v1\n"))
			return true
		}, nil),
	)

	It("that is too large after decompression is not read", func() {
		c = newClient(func(o *chartrepo.Options) { o.MaxIndexSize = 1 << 20 })
		c.server.Put("index.yaml", []byte("apiVersion: v1\n#"+strings.Repeat(" ", 2<<20)))
		_, err := find(0)
		beOnly(err, registry.ErrTooLarge)
		Expect(c.staged()).To(BeZero())
	})

	DescribeTable("leads elsewhere: an archive",
		func(at string, class error) {
			c.server.Add("app", "1.0.0", zipped("one"), chartrepotest.At(at))
			_, err := find(0)
			if class == nil {
				Expect(err).NotTo(HaveOccurred())
				return
			}
			beOnly(err, class)
		},
		Entry("in a registry is refused", "oci://registry-1.docker.io/bitnamicharts/app", registry.ErrURL),
		Entry("in a file is refused", "file:///etc/passwd", registry.ErrURL),
		Entry("with credentials in its URL is refused", "https://user:hunter2@other.example/app.tgz", registry.ErrURL),
		Entry("with a signed URL is accepted", "https://other.example/app.tgz?signature=hunter2", nil),
	)

	It("of many repositories takes a bounded number of files", func() {
		for i := range 300 {
			_, err := find(time.Hour, func(t *chartrepo.Target) { t.Credentials = download.Basic("user", fmt.Sprint(i)) })
			Expect(err).NotTo(HaveOccurred())
		}
		Expect(c.staged()).To(BeNumerically("<=", 256))
	})
})

// status answers every request with a status and a text.
func status(code int, text string) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, _ *http.Request) bool {
		w.WriteHeader(code)
		_, _ = w.Write([]byte(text))
		return true
	}
}
