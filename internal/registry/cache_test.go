// SPDX-License-Identifier: Apache-2.0

package registry_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/verifiedchart/verifiedchart/internal/registry"
	"github.com/verifiedchart/verifiedchart/internal/verify/verifytest"
)

var _ = Describe("Memory", func() {
	var (
		ctx    = context.Background()
		now    time.Time
		memory *registry.Cache
		repo   *verifytest.Repository
	)
	BeforeEach(func() {
		now = time.Unix(1_700_000_000, 0)
		memory = registry.NewCache(1<<20, time.Hour, func() time.Time { return now })
		repo = verifytest.NewRepository()
		repo.PushLayers("tag", repo.PushBlob("text/plain", []byte("first")))
	})
	reader := func() *registry.CachingReader { return memory.Reader("object", "registry.example/app", repo) }

	It("asks for a tag once, and says that it recalled the answer", func() {
		first, err := reader().Resolve(ctx, "tag")
		Expect(err).NotTo(HaveOccurred())
		r := reader()
		second, err := r.Resolve(ctx, "tag")
		Expect(err).NotTo(HaveOccurred())
		Expect(second).To(Equal(first))
		Expect(r.FromCache()).To(BeTrue())
		Expect(repo.Asked()).To(HaveLen(1))
	})

	It("asks again for a tag after a refresh, and remembers the new answer", func() {
		_, _ = reader().Resolve(ctx, "tag")
		repo.PushLayers("tag", repo.PushBlob("text/plain", []byte("second")))
		r := reader()
		r.Bypass()
		fresh, err := r.Resolve(ctx, "tag")
		Expect(err).NotTo(HaveOccurred())
		Expect(r.FromCache()).To(BeFalse())
		again, _ := reader().Resolve(ctx, "tag")
		Expect(again).To(Equal(fresh))
	})

	It("does not ask again after a refresh for what it has just asked", func() {
		_, _ = reader().Resolve(ctx, "tag")
		r := reader()
		_, _ = r.Resolve(ctx, "tag")
		_, _ = r.Resolve(ctx, "other")
		Expect(r.FromCache()).To(BeTrue())
		r.Bypass()
		asked := len(repo.Asked())
		_, err := r.Resolve(ctx, "other")
		Expect(err).To(MatchError(registry.ErrNotFound))
		Expect(repo.Asked()).To(HaveLen(asked))
		Expect(r.FromCache()).To(BeFalse())
		_, _ = r.Resolve(ctx, "tag")
		Expect(repo.Asked()).To(HaveLen(asked + 1))
	})

	It("forgets what a tag named when it is stale, and never what is addressed by digest", func() {
		manifest, _ := reader().Resolve(ctx, "tag")
		_, _ = reader().Manifest(ctx, manifest.Descriptor.Digest)
		asked := len(repo.Asked())
		now = now.Add(time.Hour + time.Second)
		r := reader()
		_, _ = r.Manifest(ctx, manifest.Descriptor.Digest)
		Expect(repo.Asked()).To(HaveLen(asked))
		_, _ = r.Resolve(ctx, "tag")
		Expect(r.FromCache()).To(BeFalse())
		Expect(repo.Asked()).To(HaveLen(asked + 1))
	})

	It("remembers that there is no such tag, until it is asked anew or that is stale", func() {
		_, err := reader().Resolve(ctx, "sig")
		Expect(err).To(MatchError(registry.ErrNotFound))
		repo.PushLayers("sig", repo.PushBlob("text/plain", []byte("signature")))
		r := reader()
		_, err = r.Resolve(ctx, "sig")
		Expect(err).To(MatchError(registry.ErrNotFound))
		Expect(r.FromCache()).To(BeTrue())
		r.Bypass()
		_, err = r.Resolve(ctx, "sig")
		Expect(err).NotTo(HaveOccurred())
		_, err = reader().Resolve(ctx, "sig")
		Expect(err).NotTo(HaveOccurred())
	})

	It("asks for referrers once, for none of them too", func() {
		manifest, _ := reader().Resolve(ctx, "tag")
		d := manifest.Descriptor.Digest
		asked := len(repo.Asked())
		for range 2 {
			list, err := reader().Referrers(ctx, d)
			Expect(err).NotTo(HaveOccurred())
			Expect(list.Descriptors).To(BeEmpty())
		}
		Expect(repo.Asked()).To(HaveLen(asked + 1))
		referrer := repo.PushReferrer("application/vnd.example", manifest.Descriptor)
		r := reader()
		r.Bypass()
		for _, fresh := range []registry.Reader{r, reader()} {
			list, err := fresh.Referrers(ctx, d)
			Expect(err).NotTo(HaveOccurred())
			Expect(list.Descriptors).To(ConsistOf(HaveField("Digest", referrer.Digest)))
		}
	})

	It("remembers that there is no referrers API", func() {
		repo.WithoutReferrers = true
		for range 2 {
			_, err := reader().Referrers(ctx, "sha256:x")
			Expect(err).To(MatchError(registry.ErrNotFound))
		}
		Expect(repo.Asked()).To(HaveLen(1))
	})

	It("shares with a sibling what is fresh, and keeps apart what it remembers", func() {
		repo.Beside("registry.example/signatures").PushLayers("tag", repo.PushBlob("text/plain", []byte("other")))
		ask := func(r *registry.CachingReader) registry.Manifest {
			GinkgoHelper()
			sibling, err := r.Sibling("registry.example/signatures")
			Expect(err).NotTo(HaveOccurred())
			manifest, err := sibling.Resolve(ctx, "tag")
			Expect(err).NotTo(HaveOccurred())
			return manifest
		}
		own, _ := reader().Resolve(ctx, "tag")
		Expect(ask(reader())).NotTo(Equal(own))
		r := reader()
		ask(r)
		Expect(r.FromCache()).To(BeTrue())
		r.Bypass()
		ask(r)
		Expect(r.FromCache()).To(BeFalse())
	})

	It("remembers no failure", func() {
		repo.Fail("tag", verifytest.ErrUnreachable)
		_, err := reader().Resolve(ctx, "tag")
		Expect(err).To(MatchError(verifytest.ErrUnreachable))
		repo.Fail("tag", nil)
		_, err = reader().Resolve(ctx, "tag")
		Expect(err).NotTo(HaveOccurred())
	})

	It("I5: answers nobody from what another was answered", func() {
		_, _ = reader().Resolve(ctx, "tag")
		repo.Fail("tag", registry.ErrUnauthorized)
		_, err := memory.Reader("another object", "registry.example/app", repo).Resolve(ctx, "tag")
		Expect(err).To(MatchError(registry.ErrUnauthorized))
		_, err = memory.Reader("object", "registry.example/other", repo).Resolve(ctx, "tag")
		Expect(err).To(MatchError(registry.ErrUnauthorized))
	})

	It("answers a blob only where size and limit fit", func() {
		d := repo.PushBlob("text/plain", []byte("payload"))
		_, err := reader().Blob(ctx, d, 100)
		Expect(err).NotTo(HaveOccurred())
		_, err = reader().Blob(ctx, d, 3)
		Expect(err).To(MatchError(registry.ErrTooLarge))
		d.Size++
		_, err = reader().Blob(ctx, d, 100)
		Expect(err).To(MatchError(registry.ErrIntegrity))
	})

	It("stays within its bound, keeping what was used last", func() {
		var last error
		for i := range 200 {
			d := repo.PushBlob("text/plain", append(bytes.Repeat([]byte("x"), 20<<10), fmt.Sprint(i)...))
			_, err := reader().Blob(ctx, d, d.Size)
			last = errors.Join(last, err)
		}
		Expect(last).NotTo(HaveOccurred())
		Expect(memory.Size()).To(And(BeNumerically(">", 1<<19), BeNumerically("<=", 1<<20)))
	})
})
