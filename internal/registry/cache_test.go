// SPDX-License-Identifier: Apache-2.0

package registry_test

import (
	"bytes"
	"context"
	"fmt"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/verifiedchart/verifiedchart/internal/registry"
	"github.com/verifiedchart/verifiedchart/internal/verify/verifytest"
)

var _ = Describe("The cache of answers", Label("registry", "cache"), func() {
	var (
		ctx   = context.Background()
		now   time.Time
		cache *registry.Cache
		repo  *verifytest.Repository
		asked int
	)
	BeforeEach(func() {
		asked = 0
		now = time.Unix(1_700_000_000, 0)
		cache = registry.NewCache(1<<20, time.Hour, func() time.Time { return now })
		repo = verifytest.NewRepository()
		repo.PushLayers("tag", repo.PushBlob("text/plain", []byte("first")))
	})
	reader := func() *registry.CachingReader {
		return cache.Reader(registry.Scope{Namespace: "tenant", Object: "object"}, "registry.example/app", repo)
	}

	It("requests a tag once, and reports that the second answer came from the cache", func() {
		first, err := reader().Resolve(ctx, "tag")
		Expect(err).NotTo(HaveOccurred())
		r := reader()
		second, err := r.Resolve(ctx, "tag")
		Expect(err).NotTo(HaveOccurred())
		Expect(second).To(Equal(first))
		Expect(r.FromCache()).To(BeTrue())
		Expect(repo.Asked()).To(HaveLen(1))
	})

	It("requests a tag again if it is bypassed, and keeps the new answer", func() {
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

	It("does not repeat its own request, even if it is bypassed", func() {
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

	DescribeTable("keeps a file from outside",
		func(ask func(r registry.Reader, access string) error, requests int) {
			r := reader()
			for _, access := range []string{"old password", "old password", "new password"} {
				Expect(ask(r, access)).To(Succeed())
			}
			Expect(asked).To(Equal(requests))
			offline := r.Answers().Reader("registry.example/app")
			Expect(ask(offline, "the password of another process")).To(Succeed(), "stored material needs no password")
			Expect(asked).To(Equal(requests))
		},
		Entry("once for each access", func(r registry.Reader, access string) error {
			_, err := r.ReadThrough("URL", access, func() ([]byte, error) { asked++; return []byte("file"), nil })
			return err
		}, 2),
	)

	It("drops the manifest of a tag when it is stale, and never an answer by digest", func() {
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

	It("keeps the absence of a tag, until it is bypassed or the entry is stale", func() {
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

	It("requests referrers once, even if there are none", func() {
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

	It("keeps the absence of a referrers API", func() {
		repo.WithoutReferrers = true
		for range 2 {
			_, err := reader().Referrers(ctx, "sha256:x")
			Expect(err).To(MatchError(registry.ErrNotFound))
		}
		Expect(repo.Asked()).To(HaveLen(1))
	})

	It("shares the freshness of answers with a sibling, but not its entries", func() {
		repo.Other("registry.example/signatures").PushLayers("tag", repo.PushBlob("text/plain", []byte("other")))
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

	It("keeps no failure", func() {
		repo.Fail("tag", verifytest.ErrUnreachable)
		_, err := reader().Resolve(ctx, "tag")
		Expect(err).To(MatchError(verifytest.ErrUnreachable))
		repo.Fail("tag", nil)
		_, err = reader().Resolve(ctx, "tag")
		Expect(err).NotTo(HaveOccurred())
	})

	It("I5: answers no object from the entries of another", func() {
		_, _ = reader().Resolve(ctx, "tag")
		repo.Fail("tag", registry.ErrUnauthorized)
		_, err := cache.Reader(registry.Scope{Namespace: "tenant", Object: "another object"}, "registry.example/app", repo).Resolve(ctx, "tag")
		Expect(err).To(MatchError(registry.ErrUnauthorized))
		_, err = cache.Reader(registry.Scope{Namespace: "tenant", Object: "object"}, "registry.example/other", repo).Resolve(ctx, "tag")
		Expect(err).To(MatchError(registry.ErrUnauthorized))
	})

	It("answers a blob only if size and limit fit", func() {
		d := repo.PushBlob("text/plain", []byte("payload"))
		_, err := reader().Blob(ctx, d, 100)
		Expect(err).NotTo(HaveOccurred())
		_, err = reader().Blob(ctx, d, 3)
		Expect(err).To(MatchError(registry.ErrTooLarge))
		d.Size++
		_, err = reader().Blob(ctx, d, 100)
		Expect(err).To(MatchError(registry.ErrIntegrity))
	})

	// fill requests the given number of blobs of 20 KiB on behalf of an object.
	fill := func(scope registry.Scope, count int) {
		GinkgoHelper()
		r := cache.Reader(scope, "registry.example/app", repo)
		for i := range count {
			d := repo.PushBlob("text/plain", append(bytes.Repeat([]byte("x"), 20<<10), fmt.Sprint(scope, i)...))
			_, err := r.Blob(ctx, d, d.Size)
			Expect(err).NotTo(HaveOccurred())
		}
	}
	// requests returns the number of requests to the registry for the tag on behalf of an object.
	requests := func(scope registry.Scope) int {
		GinkgoHelper()
		before := len(repo.Asked())
		_, err := cache.Reader(scope, "registry.example/app", repo).Resolve(ctx, "tag")
		Expect(err).NotTo(HaveOccurred())
		return len(repo.Asked()) - before
	}

	// whole is the size of the cache, of which one namespace gets at most half.
	const whole, half, quarter = 1 << 20, 1 << 19, 1 << 18
	// load fills the cache on behalf of one object in each namespace, in this order.
	type load struct {
		namespaces       []string
		moreThan, atMost int // the bytes that the cache then holds
	}
	DescribeTable("J12: stays within its bound, and gives no namespace more than half",
		func(l load) {
			for i, namespace := range l.namespaces {
				fill(registry.Scope{Namespace: namespace, Object: fmt.Sprint(i)}, 200)
			}
			Expect(cache.Size()).To(And(BeNumerically(">", l.moreThan), BeNumerically("<=", l.atMost)))
		},
		Entry("for one object", load{namespaces: []string{"a"}, moreThan: quarter, atMost: half}),
		Entry("for many objects of one namespace", load{namespaces: []string{"a", "a", "a", "a"}, moreThan: quarter, atMost: half}),
		Entry("for two namespaces", load{namespaces: []string{"a", "b"}, moreThan: half, atMost: whole}),
		Entry("for many namespaces", load{namespaces: []string{"a", "b", "c", "d", "e"}, moreThan: half, atMost: whole}),
		Entry("for one namespace in turn with others", load{namespaces: []string{"a", "b", "a", "c", "a"}, moreThan: half, atMost: whole}),
	)

	DescribeTable("J12: never evicts from a small namespace, whatever other namespaces request",
		func(others ...string) {
			small := registry.Scope{Namespace: "small", Object: "small"}
			Expect(requests(small)).To(Equal(1))
			for i, namespace := range others {
				fill(registry.Scope{Namespace: namespace, Object: fmt.Sprint(i)}, 200)
			}
			Expect(requests(small)).To(BeZero())
		},
		Entry("if one fills its half", "a"),
		Entry("if two fill their halves", "a", "b"),
		Entry("if three contend", "a", "b", "c", "a", "b", "c"),
		Entry("if one sorts first, and one has a longer name", "", "smaller", ""),
	)

	It("J12: evicts the least recently used entry of the namespace that exceeds its half", func() {
		old, used := registry.Scope{Namespace: "a", Object: "old"}, registry.Scope{Namespace: "a", Object: "used"}
		Expect(requests(old)).To(Equal(1))
		Expect(requests(used)).To(Equal(1))
		for range 10 {
			fill(registry.Scope{Namespace: "a", Object: fmt.Sprint(len(repo.Asked()))}, 10)
			Expect(requests(used)).To(BeZero())
		}
		Expect(requests(old)).To(Equal(1))
	})

	It("drops the entries of only one object", func() {
		gone, kept := registry.Scope{Namespace: "a", Object: "1"}, registry.Scope{Namespace: "a", Object: "2"}
		same := registry.Scope{Namespace: "b", Object: "1"}
		for _, scope := range []registry.Scope{gone, kept, same} {
			Expect(requests(scope)).To(Equal(1))
		}
		cache.Drop(gone)
		cache.Drop(registry.Scope{Namespace: "never", Object: "1"})
		Expect(requests(kept)).To(BeZero())
		Expect(requests(same)).To(BeZero())
		Expect(requests(gone)).To(Equal(1))
		for _, scope := range []registry.Scope{gone, kept, same} {
			cache.Drop(scope)
		}
		Expect(cache.Size()).To(BeZero())
	})
})
