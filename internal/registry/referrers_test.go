// SPDX-License-Identifier: Apache-2.0

package registry_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/verifiedchart/verifiedchart/internal/outbound"
	"github.com/verifiedchart/verifiedchart/internal/registry"
	"github.com/verifiedchart/verifiedchart/internal/registry/registrytest"
)

// listed is an entry of a list of referrers.
func listed(name string) string {
	return fmt.Sprintf(`{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":%q,"size":2}`, digest.FromString(name))
}

func page(entries ...string) string {
	return `{"schemaVersion":2,"manifests":[` + strings.Join(entries, ",") + `]}`
}

// pages returns a fault that answers with one page after the other.
func pages(all ...string) registrytest.Fault {
	next := 0
	return func(w http.ResponseWriter, r *http.Request) bool {
		setType(w, r)
		answer := all[min(next, len(all)-1)]
		if next++; next < len(all) {
			w.Header().Set("Link", fmt.Sprintf(`</v2/charts/app/referrers/x?page=%d>; rel="next"`, next))
		}
		_, _ = w.Write([]byte(answer))
		return true
	}
}

var _ = Describe("The list of referrers", Label("registry"), func() {
	ctx := context.Background()
	var p pushed
	BeforeEach(func() { p = push() })

	It("is the registry's list, whatever fields it has", func() {
		repo := p.Repository(app)
		d := repo.PushReferrer("application/vnd.example", p.manifest, repo.PushBlob("text/plain", []byte("x")))
		list, err := p.reader().Referrers(ctx, p.manifest.Digest)
		Expect(err).NotTo(HaveOccurred())
		Expect(list.Descriptors).To(ConsistOf(HaveField("Digest", d.Digest)))
		Expect(list.More).To(BeFalse())
	})

	It("is empty if nothing refers to a manifest, and absent if there is no such API", func() {
		list, err := p.reader().Referrers(ctx, digest.FromString("other"))
		Expect(err).NotTo(HaveOccurred())
		Expect(list.Descriptors).To(BeEmpty())
		_, err = push(registrytest.WithoutReferrers).reader().Referrers(ctx, p.manifest.Digest)
		Expect(err).To(MatchError(registry.ErrNotFound))
	})

	It("leaves a hint if there is no such API, until there is", func() {
		p := push(registrytest.WithoutReferrers)
		client := newClient()
		Expect(open(client, p.target()).LacksReferrers()).To(BeFalse())
		_, _ = open(client, p.target()).Referrers(ctx, p.manifest.Digest)
		Expect(open(client, p.target()).LacksReferrers()).To(BeTrue())
		p.Break(pages(page()))
		_, err := open(client, p.target()).Referrers(ctx, p.manifest.Digest)
		Expect(err).NotTo(HaveOccurred())
		Expect(open(client, p.target()).LacksReferrers()).To(BeFalse())
	})

	// reading is an answer, and how much of it is read.
	type reading struct {
		of          registrytest.Fault
		descriptors int
		more        bool // whether the list holds more than was read
		requests    int
	}
	DescribeTable("is read within bounds",
		func(read reading) {
			p.Break(read.of)
			r := p.reader()
			var list registry.Referrers
			Expect(allocated(func() {
				var err error
				list, err = r.Referrers(ctx, p.manifest.Digest)
				Expect(err).NotTo(HaveOccurred())
			})).To(BeNumerically("<", 64<<20), "of all that was allocated, the server's part included")
			Expect(list.Descriptors).To(HaveLen(read.descriptors))
			Expect(list.More).To(Equal(read.more))
			Expect(p.Requests()).To(HaveLen(read.requests))
		},
		Entry("one page", reading{of: pages(page(listed("a"), listed("b"))), descriptors: 2, requests: 1}),
		Entry("three pages", reading{of: pages(page(listed("a")), page(listed("b")), page(listed("c"))), descriptors: 3, requests: 3}),
		Entry("null instead of a list", reading{of: pages(`{"manifests":null}`), requests: 1}),
		Entry("no list", reading{of: pages(`{}`), requests: 1}),
		Entry("a list between other fields", reading{of: pages(`{"annotations":{"a":"b"},"manifests":[` + listed("a") + `],"x":[1,{}]}`), descriptors: 1, requests: 1}),
		Entry("E15: ten thousand on one page", reading{of: pages(page(strings.Split(strings.Repeat(listed("a")+"\n", 10_000), "\n")[:10_000]...)), descriptors: registry.MaxReferrers, more: true, requests: 1}),
		Entry("E15: a million empty ones", reading{of: pages(page(strings.Split(strings.Repeat("{} ", 1_000_000), " ")[:1_000_000]...)), more: true, requests: 1}),
		Entry("E15: malformed digests over two pages", reading{of: pages(page(`{"digest":"é"},{"digest":"sha256:x"}`, listed("a"), `{}`), page(`{"digest":"md5:d41d8cd98f00b204e9800998ecf8427e"}`, listed("b"))), descriptors: 2, requests: 2}),
		Entry("E15: a page with as many malformed digests as are read, and another page", reading{of: pages(page(strings.Repeat("{},", registry.MaxReferrers-1)+`{}`), page(listed("a"))), more: true, requests: 2}),
		Entry("E15: endless pages", reading{of: pages(strings.Split(strings.Repeat(page(listed("a"))+"\n", 100), "\n")[:100]...), descriptors: registry.MaxReferrerPages, more: true, requests: registry.MaxReferrerPages}),
		Entry("E15: a page with a huge entry", reading{of: pages(page(listed("a"), `{"digest":"`+strings.Repeat("x", 5<<20)+`"}`)), descriptors: 1, more: true, requests: 1}),
	)

	It("J12: holds the short form of each referrer, and counts the bytes left out", func() {
		d := digest.FromString("a")
		entry := fmt.Sprintf(`{"mediaType":"m\u00e9","artifactType":%q,"digest":%q,"size":2,"data":"eA==","urls":["u"],"platform":{"os":"o"},"annotations":{"k":"v"}}`,
			strings.Repeat("t", 200), d)
		p.Break(pages(page(entry, `{"digest":"é"}`)))
		list, err := p.reader().Referrers(ctx, p.manifest.Digest)
		Expect(err).NotTo(HaveOccurred())
		short := ocispec.Descriptor{MediaType: "m?", ArtifactType: strings.Repeat("t", 128), Digest: d, Size: 2}
		Expect(list.Descriptors).To(Equal([]ocispec.Descriptor{short}))
		Expect(list.Size()).To(BeNumerically("~", len(entry)+len(`{"digest":"é"}`), 2), "with a comma")
		Expect(registry.ParseReferrers([]byte(page(entry, `{"digest":"é"}`)))).To(Equal(list))
	})

	DescribeTable("is malformed",
		func(answer string) {
			p.Break(pages(answer))
			_, err := p.reader().Referrers(ctx, p.manifest.Digest)
			Expect(err).To(MatchError(registry.ErrMalformed))
		},
		Entry("if it is a login page of the right type", "<!doctype html>"),
		Entry("if it is nothing", ""),
		Entry("if it is a list", "[]"),
		Entry("if its list is not a list", `{"manifests":{}}`),
		Entry("if an entry is not an object", `{"manifests":[1]}`),
		Entry("if it ends early", `{"manifests":[`+listed("a")),
	)

	DescribeTable("A17: is read from its own host, whatever host a link names",
		func(link string) {
			other := push()
			p.Break(func(w http.ResponseWriter, r *http.Request) bool {
				setType(w, r)
				if !r.URL.Query().Has("page") {
					w.Header().Set("Link", strings.ReplaceAll(link, "OTHER", other.Host()))
				}
				_, _ = w.Write([]byte(page(listed("a"))))
				return true
			})
			list, err := p.reader().Referrers(ctx, p.manifest.Digest)
			Expect(err).NotTo(HaveOccurred())
			Expect(list.Descriptors).To(HaveLen(2))
			Expect(p.Requests()).To(HaveLen(2))
			Expect(other.Requests()).To(BeEmpty())
		},
		Entry("by a URL", `<http://OTHER/v2/charts/app/referrers/x?page=2>; rel="next"`),
		Entry("by a path", `<//OTHER/v2/charts/app/referrers/x?page=2>; rel="next"`),
	)

	DescribeTable("A19: is absent if the registry does not know the API, and another read is not delayed",
		func(fault registrytest.Fault) {
			p.Break(func(w http.ResponseWriter, r *http.Request) bool {
				return strings.Contains(r.URL.Path, "/referrers/") && fault(w, r)
			})
			r := p.reader()
			_, err := r.Referrers(ctx, p.manifest.Digest)
			Expect(err).To(MatchError(registry.ErrNotFound))
			Expect(r.LacksReferrers()).To(BeTrue())
			Expect(resolve(ctx, p, r)).To(Succeed())
		},
		Entry("404", answer(http.StatusNotFound)),
		Entry("404 with a page", answer(http.StatusNotFound, "Content-Type", "text/html")),
		Entry("400", answer(http.StatusBadRequest)),
		Entry("405", answer(http.StatusMethodNotAllowed)),
		Entry("406", answer(http.StatusNotAcceptable)),
		Entry("501", answer(http.StatusNotImplemented)),
		Entry("303 to another host", answer(http.StatusSeeOther, "Location", "https://web.example/packages")),
		Entry("302 to another host", answer(http.StatusFound, "Location", "https://web.example/packages")),
		Entry("307 to another port", answer(http.StatusTemporaryRedirect, "Location", "http://127.0.0.1:1/packages")),
		Entry("200 with a page", registrytest.Fault(func(w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			_, _ = w.Write([]byte("<!doctype html>"))
			return true
		})),
		Entry("200 with JSON of another type", registrytest.Fault(func(w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write([]byte(`{"manifests":[]}`))
			return true
		})),
	)

	It("A19: is read if its type has parameters, and other letters", func() {
		p.Break(func(w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("Content-Type", "Application/vnd.oci.image.index.v1+JSON; charset=utf-8")
			_, _ = w.Write([]byte(page(listed("a"))))
			return true
		})
		list, err := p.reader().Referrers(ctx, p.manifest.Digest)
		Expect(err).NotTo(HaveOccurred())
		Expect(list.Descriptors).To(HaveLen(1))
	})

	It("A20: is not read while the registry itself asks for a pause", func() {
		p.Break(func(w http.ResponseWriter, r *http.Request) bool {
			return strings.Contains(r.URL.Path, "/manifests/") && answer(http.StatusTooManyRequests, "Retry-After", "600")(w, r)
		})
		r := p.reader()
		Expect(resolve(ctx, p, r)).NotTo(Succeed())
		p.Reset()
		_, err := r.Referrers(ctx, p.manifest.Digest)
		var limited *outbound.RateLimitedError
		Expect(errors.As(err, &limited)).To(BeTrue())
		Expect(p.Requests()).To(BeEmpty())
	})

	It("A20: a rate limit for referrers delays neither the tags, nor the referrers of another repository", func() {
		p.Repository("charts/other").PushChart("1.0.0", []byte(`{}`), archive)
		p.Break(func(w http.ResponseWriter, r *http.Request) bool {
			return strings.Contains(r.URL.Path, "/charts/app/referrers/") && answer(http.StatusTooManyRequests, "Retry-After", "600")(w, r)
		})
		client := newClient()
		r := open(client, p.target())
		for range 2 {
			_, err := r.Referrers(ctx, p.manifest.Digest)
			var limited *outbound.RateLimitedError
			Expect(errors.As(err, &limited)).To(BeTrue())
			Expect(resolve(ctx, p, r)).To(Succeed())
		}
		target := p.target()
		target.Repository = p.Host() + "/charts/other"
		_, err := open(client, target).Referrers(ctx, p.manifest.Digest)
		Expect(err).NotTo(HaveOccurred())
	})

	It("E16: is an error, and not empty, if the registry fails", func() {
		p.Break(answer(http.StatusInternalServerError))
		_, err := p.reader().Referrers(ctx, p.manifest.Digest)
		Expect(err).To(HaveOccurred())
		Expect(err).NotTo(MatchError(registry.ErrNotFound))
	})
})

var _ = Describe("A sibling", Label("registry"), func() {
	It("is read like the first repository, from the same host", func() {
		p := push()
		p.Repository("signatures").PushChart("1.0.0", []byte("{}"), archive)
		sibling, err := p.reader().Sibling(p.Host() + "/signatures")
		Expect(err).NotTo(HaveOccurred())
		Expect(resolve(context.Background(), p, sibling)).To(Succeed())
	})

	It("A14: is not read in plain HTTP from another host", func() {
		p, other := push(), push()
		sibling, err := p.reader().Sibling(other.Host() + "/" + app)
		Expect(err).NotTo(HaveOccurred())
		Expect(resolve(short(), other, sibling)).NotTo(Succeed())
		Expect(other.Requests()).To(BeEmpty())
	})

	It("must have the name of a repository", func() {
		_, err := push().reader().Sibling("user:pass@host/app")
		Expect(err).To(MatchError(registry.ErrURL))
	})
})
