// SPDX-License-Identifier: Apache-2.0

package chartrepo_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/verifiedchart/verifiedchart/internal/chartrepo"
	"github.com/verifiedchart/verifiedchart/internal/chartrepo/chartrepotest"
	"github.com/verifiedchart/verifiedchart/internal/download"
	"github.com/verifiedchart/verifiedchart/internal/registry"
)

var _ = Describe("An archive in a classic repository", Label("classic"), func() {
	var c *client
	one := zipped("one")
	BeforeEach(func() {
		c = newClient()
		c.server.Add("app", "1.0.0", one)
	})
	found := func(change ...func(*chartrepo.Target)) (*chartrepo.Repository, chartrepo.Archive) {
		GinkgoHelper()
		r := c.repository(change...)
		a, err := r.Find(ctx, version("1.0.0"), 0)
		Expect(err).NotTo(HaveOccurred())
		return r, a
	}
	reader := func(d digest.Digest) registry.Reader {
		r, a := found()
		return r.Reader(a, d, false)
	}
	read := func(r registry.Reader, d digest.Digest) ([]byte, error) {
		body, err := r.Open(ctx, ocispec.Descriptor{Digest: d})
		if err != nil {
			return nil, err
		}
		defer body.Close()
		return io.ReadAll(body)
	}

	It("is read by its digest", func() {
		Expect(read(reader(sha(one)), sha(one))).To(Equal(one))
	})

	DescribeTable("is never read to its end with other bytes",
		func(answer string) {
			r := reader(sha(one))
			c.server.Put("app-1.0.0.tgz", zipped(answer))
			_, err := read(r, sha(one))
			beOnly(err, registry.ErrIntegrity)
		},
		Entry("of the same length", "two"),
		Entry("and more of them", "one and more"),
		Entry("and fewer of them", "on"),
	)

	It("that is not the expected one is not asked for", func() {
		r := reader(sha(one))
		c.server.Reset()
		_, err := read(r, sha(zipped("two")))
		beOnly(err, registry.ErrNotFound)
		_, err = r.Beside(ctx, sha(zipped("two")), ".prov", 100)
		beOnly(err, registry.ErrNotFound)
		_, err = r.Manifest(ctx, sha(zipped("two")))
		beOnly(err, registry.ErrNotFound)
		Expect(c.server.Requests()).To(BeEmpty())
	})

	It("is measured by its bytes, and not sent again while it is unchanged", func() {
		r, a := found()
		var got bytes.Buffer
		d, written, err := r.Measure(ctx, a, &got)
		Expect(err).NotTo(HaveOccurred())
		Expect(d).To(Equal(sha(one)))
		Expect(written).To(BeTrue())
		Expect(got.Bytes()).To(Equal(one))
		d, written, err = r.Measure(ctx, a, &got)
		Expect(err).NotTo(HaveOccurred())
		Expect(d).To(Equal(sha(one)))
		Expect(written).To(BeFalse())
		c.server.Put("app-1.0.0.tgz", zipped("two"))
		d, written, err = r.Measure(ctx, a, io.Discard)
		Expect(err).NotTo(HaveOccurred())
		Expect(d).To(Equal(sha(zipped("two"))))
		Expect(written).To(BeTrue())
	})

	It("is sent each time by a server that has no ETag", func() {
		c.server.WithoutValidators = true
		r, a := found()
		for range 2 {
			_, written, err := r.Measure(ctx, a, io.Discard)
			Expect(err).NotTo(HaveOccurred())
			Expect(written).To(BeTrue())
		}
	})

	It("keeps the error of the writer", func() {
		r, a := found()
		full := errors.New("disk full")
		_, _, err := r.Measure(ctx, a, failing{full})
		Expect(err).To(MatchError(full))
	})

	DescribeTable("is confirmed by its bytes",
		func(arrange func(), class error) {
			r, a := found()
			arrange()
			_, err := r.Reader(a, sha(one), false).Manifest(ctx, sha(one))
			if class == nil {
				Expect(err).NotTo(HaveOccurred())
				return
			}
			beOnly(err, class)
		},
		Entry("if they are the same", func() {}, nil),
		Entry("and not if they have changed", func() { c.server.Put("app-1.0.0.tgz", zipped("two")) }, registry.ErrIntegrity),
		Entry("and not if they are gone", func() { c.server.Delete("app-1.0.0.tgz") }, registry.ErrNotFound),
		Entry("and not if the server refuses access", func() { c.server.Break(status(http.StatusForbidden, "")) }, registry.ErrUnauthorized),
	)

	DescribeTable("has files beside it:",
		func(arrange func(), class error) {
			c.server.Put("app-1.0.0.tgz.prov", []byte("signed"))
			r := reader(sha(one))
			arrange()
			raw, err := r.Beside(ctx, sha(one), ".prov", 100)
			if class == nil {
				Expect(raw).To(BeEquivalentTo("signed"))
				return
			}
			beOnly(err, class)
		},
		Entry("one is read", func() {}, nil),
		Entry("one is missing", func() { c.server.Delete("app-1.0.0.tgz.prov") }, registry.ErrNotFound),
		Entry("one is gone", func() { c.server.Break(status(http.StatusGone, "")) }, registry.ErrNotFound),
		Entry("one is too large", func() { c.server.Put("app-1.0.0.tgz.prov", []byte(strings.Repeat("x", 101))) }, registry.ErrTooLarge),
		Entry("access to one is refused, as some hosts answer for a missing file", func() { c.server.Break(status(http.StatusForbidden, "hunter2")) }, registry.ErrUnauthorized),
	)

	It("with a query in its URL has the query in the URLs of the files beside it", func() {
		var asked []string
		c.server.Add("app", "1.0.0", one, chartrepotest.At("/stable/app-1.0.0.tgz?token=hunter2"))
		c.server.Put("app-1.0.0.tgz.prov", []byte("signed"))
		c.server.Break(func(_ http.ResponseWriter, r *http.Request) bool {
			asked = append(asked, r.URL.RequestURI())
			return false
		})
		c.server.Add("app", "1.0.0", one, chartrepotest.At(c.server.URL+"/stable/app-1.0.0.tgz?token=hunter2"))
		r := reader(sha(one))
		_, err := r.Beside(ctx, sha(one), ".prov", 100)
		Expect(err).NotTo(HaveOccurred())
		Expect(asked).To(ContainElement("/stable/app-1.0.0.tgz.prov?token=hunter2"))
	})

	Context("on another host", func() {
		var got []string
		var other *httptest.Server
		BeforeEach(func() {
			got = nil
			other = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				got = append(got, r.Header.Get("Authorization"))
				_, _ = w.Write(one)
			}))
			DeferCleanup(other.Close)
		})
		withPassword := func(t *chartrepo.Target) { t.Credentials = download.Basic("user", "hunter2") }

		DescribeTable("A8: gets no credentials",
			func(change ...func(*chartrepo.Target)) {
				c.server.Add("app", "1.0.0", one, chartrepotest.At(other.URL+"/app.tgz"))
				r, a := found(append(change, withPassword)...)
				Expect(read(r.Reader(a, sha(one), false), sha(one))).To(Equal(one))
				Expect(got).To(Equal([]string{""}))
			},
			Entry("by default"),
			Entry("over plain HTTP, whatever the user sets", func(t *chartrepo.Target) { t.PassCredentials = true }),
		)

		It("A8: gets no credentials from a redirect", func() {
			c.server.Break(func(w http.ResponseWriter, r *http.Request) bool {
				if strings.HasSuffix(r.URL.Path, ".tgz") {
					http.Redirect(w, r, other.URL+"/app.tgz", http.StatusFound)
					return true
				}
				return false
			})
			r, a := found(withPassword)
			Expect(read(r.Reader(a, sha(one), false), sha(one))).To(Equal(one))
			Expect(got).To(Equal([]string{""}))
		})
	})

	It("on the same host with its port written out gets the credentials", func() {
		var got string
		c.server.Break(func(_ http.ResponseWriter, r *http.Request) bool {
			got = r.Header.Get("Authorization")
			return false
		})
		c.server.Add("app", "1.0.0", one, chartrepotest.At(strings.ToUpper(c.server.URL[:4])+c.server.URL[4:]+"/stable/app-1.0.0.tgz"))
		r, a := found(func(t *chartrepo.Target) { t.Credentials = download.Basic("user", "hunter2") })
		Expect(read(r.Reader(a, sha(one), false), sha(one))).To(Equal(one))
		Expect(got).To(HavePrefix("Basic "))
	})

	It("has no tags, manifests, referrers or siblings", func() {
		r := reader(sha(one))
		_, err := r.Tags(ctx)
		beOnly(err, registry.ErrNotFound)
		_, err = r.Resolve(ctx, "1.0.0")
		beOnly(err, registry.ErrNotFound)
		_, err = r.Referrers(ctx, sha(one))
		beOnly(err, registry.ErrNotFound)
		_, err = r.Blob(ctx, ocispec.Descriptor{Digest: sha(one), Size: 3}, 3)
		beOnly(err, registry.ErrNotFound)
		_, err = r.Sibling("ghcr.io/org/signatures")
		beOnly(err, nil)
		Expect(r.LacksReferrers()).To(BeTrue())
	})
})

// failing is a writer that fails.
type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }
