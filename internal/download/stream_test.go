// SPDX-License-Identifier: Apache-2.0

package download_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/verifiedchart/verifiedchart/internal/download"
)

var _ = Describe("A file that is read as it arrives", Label("classic", "network"), func() {
	ctx := context.Background()

	read := func(r download.Request) ([]byte, download.Validators, error) {
		stream, err := newClient().Open(ctx, r)
		if err != nil {
			return nil, download.Validators{}, err
		}
		defer stream.Close()
		raw, err := io.ReadAll(stream)
		return raw, stream.Validators, err
	}

	It("has the validators that the server sent", func() {
		s := serve(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("ETag", `"1"`)
			w.Header().Set("Last-Modified", "Thu, 26 Nov 2026 00:00:00 GMT")
			_, _ = w.Write([]byte("file"))
		})
		raw, validators, err := read(s.request())
		Expect(err).NotTo(HaveOccurred())
		Expect(raw).To(BeEquivalentTo("file"))
		Expect(validators).To(Equal(download.Validators{ETag: `"1"`, LastModified: "Thu, 26 Nov 2026 00:00:00 GMT"}))
	})

	DescribeTable("is not sent again if it is unchanged",
		func(known download.Validators, header, want string) {
			s := serve(func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get(header) == want {
					w.WriteHeader(http.StatusNotModified)
					return
				}
				good(w, r)
			})
			r := s.request()
			r.Known = known
			_, _, err := read(r)
			Expect(err).To(MatchError(download.ErrUnchanged))
		},
		Entry("by its tag", download.Validators{ETag: `W/"1"`}, "If-None-Match", `W/"1"`),
		Entry("by its date", download.Validators{LastModified: "Thu, 26 Nov 2026 00:00:00 GMT"}, "If-Modified-Since", "Thu, 26 Nov 2026 00:00:00 GMT"),
	)

	It("is not unchanged if nobody asked for that", func() {
		_, _, err := read(serve(status(http.StatusNotModified)).request())
		Expect(err).To(HaveOccurred())
		Expect(err).NotTo(MatchError(download.ErrUnchanged))
	})

	Context("compressed on its way", func() {
		zipped := func(text string) http.HandlerFunc {
			return func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get("Accept-Encoding") != "gzip" {
					_, _ = w.Write([]byte(text))
					return
				}
				w.Header().Set("Content-Encoding", "gzip")
				z := gzip.NewWriter(w)
				_, _ = z.Write([]byte(text))
				_ = z.Close()
			}
		}

		It("is the same file", func() {
			r := serve(zipped("file")).request()
			r.Gzip = true
			raw, _, err := read(r)
			Expect(err).NotTo(HaveOccurred())
			Expect(raw).To(BeEquivalentTo("file"))
		})

		It("A2: is cut at its limit after decompression", func() {
			r := serve(zipped(strings.Repeat("x", 64<<20))).request()
			r.Gzip = true
			raw, _, err := read(r)
			Expect(err).To(MatchError(download.ErrTooLarge))
			Expect(len(raw)).To(BeNumerically("<=", limit))
		})

		It("is not compressed unless the reader allows it", func() {
			Expect(newClient().File(ctx, serve(zipped("file")).request())).To(BeEquivalentTo("file"))
		})

		It("that ends early is no whole file", func() {
			var whole bytes.Buffer
			z := gzip.NewWriter(&whole)
			_, _ = z.Write([]byte(strings.Repeat("file", 100)))
			_ = z.Close()
			r := serve(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Encoding", "gzip")
				_, _ = w.Write(whole.Bytes()[:whole.Len()-4])
			}).request()
			r.Gzip = true
			_, _, err := read(r)
			Expect(err).To(HaveOccurred())
			for _, class := range []error{download.ErrNotFound, download.ErrTooLarge, download.ErrUnchanged} {
				Expect(errors.Is(err, class)).To(BeFalse())
			}
		})
	})

	Context("over plain HTTP", func() {
		var plain *httptest.Server
		BeforeEach(func() {
			plain = httptest.NewServer(http.HandlerFunc(good))
			DeferCleanup(plain.Close)
		})

		It("A14: is read only if the request allows it", func() {
			_, _, err := read(download.Request{URL: plain.URL, Limit: limit})
			Expect(err).To(MatchError(download.ErrURL))
			raw, _, err := read(download.Request{URL: plain.URL, PlainHTTP: true, Limit: limit})
			Expect(err).NotTo(HaveOccurred())
			Expect(raw).To(BeEquivalentTo("file"))
		})

		It("A14: is not what HTTPS leads to, even if the request allows it", func() {
			r := serve(to(func() string { return plain.URL })).request()
			r.PlainHTTP = true
			_, _, err := read(r)
			Expect(err).To(HaveOccurred())
		})
	})

	DescribeTable("A11: that an index names on an internal host is read only if the index came from inside",
		func(isInside, allowed bool) {
			s := serve(good)
			named, err := url.Parse("https://charts.example/stable")
			Expect(err).NotTo(HaveOccurred())
			r := s.request()
			r.NamedBy = &download.Server{URL: named, IsInside: isInside}
			// 127.0.0.1 is forbidden to both, so the test looks at the reason.
			_, err = newClient("10.0.0.0/8").Open(ctx, r)
			Expect(err).To(MatchError(ContainSubstring("refused to connect")))
			r.URL = strings.Replace(r.URL, "127.0.0.1", "10.255.255.1", 1)
			deadline, cancel := context.WithTimeout(ctx, 1)
			defer cancel()
			_, err = newClient("192.0.2.1").Open(deadline, r)
			Expect(strings.Contains(err.Error(), "an external host leads there")).To(Equal(!allowed))
		},
		Entry("from an external host", false, false),
		Entry("from an internal host", true, true),
	)
})
