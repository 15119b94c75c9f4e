// SPDX-License-Identifier: Apache-2.0

package registry_test

import (
	"context"
	"net/http"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/opencontainers/go-digest"

	"github.com/verifiedchart/verifiedchart/internal/registry"
	"github.com/verifiedchart/verifiedchart/internal/registry/registrytest"
)

var _ = Describe("The manifest that a tag names now", Label("registry"), func() {
	ctx := context.Background()
	var p pushed
	var cache *registry.Cache
	BeforeEach(func() {
		p = push()
		cache = registry.NewCache(1<<20, time.Hour, time.Now)
	})
	// current asks for the tag, as a new attempt does.
	current := func() (registry.Manifest, error) {
		return cache.Reader(registry.Scope{}, p.target().Repository, p.reader()).Current(ctx, "1.0.0")
	}
	methods := func() (all []string) {
		for _, r := range p.Requests() {
			method, _, _ := strings.Cut(r, " ")
			all = append(all, method)
		}
		return all
	}

	DescribeTable("A25: costs one HEAD while nothing changes", func(fault registrytest.Fault) {
		before, err := current()
		Expect(err).NotTo(HaveOccurred())
		Expect(methods()).To(Equal([]string{"GET"}))
		p.Reset()
		p.Break(fault)
		Expect(current()).To(Equal(before))
		Expect(methods()).To(Equal([]string{"HEAD"}))
	},
		Entry("by the digest in the answer", nil),
		Entry("by 304", registrytest.Fault(func(w http.ResponseWriter, r *http.Request) bool {
			fits := r.Method == http.MethodHead && strings.HasPrefix(r.Header.Get("If-None-Match"), `"sha256:`) && r.Header.Get("Accept") != ""
			return fits && answer(http.StatusNotModified)(w, r)
		})),
	)

	DescribeTable("A25: is read if the answer to HEAD is not that nothing changed", func(head registrytest.Fault) {
		before, err := current()
		Expect(err).NotTo(HaveOccurred())
		p.Reset()
		p.Break(func(w http.ResponseWriter, r *http.Request) bool { return r.Method == http.MethodHead && head(w, r) })
		Expect(current()).To(Equal(before))
		Expect(methods()).To(Equal([]string{"HEAD", "GET"}))
	},
		Entry("404", answer(http.StatusNotFound)),
		Entry("405", answer(http.StatusMethodNotAllowed)),
		Entry("403", answer(http.StatusForbidden)),
		Entry("500", answer(http.StatusInternalServerError)),
		Entry("200 without a digest", answer(http.StatusOK)),
		Entry("200 with a malformed digest", answer(http.StatusOK, "Docker-Content-Digest", "sha256:x")),
		Entry("200 with another digest", answer(http.StatusOK, "Docker-Content-Digest", digest.FromString("x").String())),
		Entry("204", answer(http.StatusNoContent)),
	)

	It("A9: is hashed if the tag moved, whatever digest the answer to HEAD names", func() {
		_, err := current()
		Expect(err).NotTo(HaveOccurred())
		moved := p.Repository(app).PushChart("1.0.0", []byte(`{"name":"app","version":"1.0.0"}`), archive)
		p.Break(func(w http.ResponseWriter, r *http.Request) bool {
			return r.Method == http.MethodHead && answer(http.StatusOK, "Docker-Content-Digest", digest.FromString("lie").String())(w, r)
		})
		m, err := current()
		Expect(err).NotTo(HaveOccurred())
		Expect(m.Descriptor.Digest).To(Equal(moved.Digest))
	})

	It("A25: is missing if the registry has deleted the tag", func() {
		_, err := current()
		Expect(err).NotTo(HaveOccurred())
		p.Repository(app).DeleteTag("1.0.0")
		_, err = current()
		Expect(err).To(MatchError(registry.ErrNotFound))
	})

	It("A25: counts as confirmed by the registry", func() {
		_, err := current()
		Expect(err).NotTo(HaveOccurred())
		r := cache.Reader(registry.Scope{}, p.target().Repository, p.reader())
		m, err := r.Current(ctx, "1.0.0")
		Expect(err).NotTo(HaveOccurred())
		p.Reset()
		Expect(r.Confirm(ctx, m.Descriptor.Digest)).To(Succeed())
		Expect(p.Requests()).To(BeEmpty())
	})
})
