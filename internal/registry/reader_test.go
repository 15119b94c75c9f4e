// SPDX-License-Identifier: Apache-2.0

package registry_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/verifiedchart/verifiedchart/internal/registry"
)

var _ = Describe("A Reader", Label("registry"), func() {
	var (
		ctx = context.Background()
		p   pushed
		r   registry.Reader
	)
	BeforeEach(func() {
		p = push()
		r = p.reader()
	})

	It("sends one request for each content, and no other", func() {
		Expect(tags(ctx, p, r)).To(Succeed())
		Expect(resolve(ctx, p, r)).To(Succeed())
		Expect(manifest(ctx, p, r)).To(Succeed())
		Expect(blob(ctx, p, r)).To(Succeed())
		Expect(p.Requests()).To(Equal([]string{
			"GET /v2/charts/app/tags/list",
			"GET /v2/charts/app/manifests/1.0.0",
			"GET /v2/charts/app/manifests/" + p.manifest.Digest.String(),
			"GET /v2/charts/app/blobs/" + p.archive.Digest.String(),
		}))
	})

	It("returns a manifest with the digest and size of its bytes", func() {
		m, err := r.Resolve(ctx, "1.0.0")
		Expect(err).NotTo(HaveOccurred())
		Expect(m.Descriptor).To(Equal(p.manifest))
		Expect(digest.FromBytes(m.Raw)).To(Equal(p.manifest.Digest))
		Expect(r.Manifest(ctx, p.manifest.Digest)).To(Equal(m))
	})

	It("takes the media type from the manifest, and from the header only if it has none", func() {
		p.Repository(app).PushAs("inside", "application/x-header", []byte(`{"mediaType":"application/x-inside"}`))
		m, err := r.Resolve(ctx, "inside")
		Expect(err).NotTo(HaveOccurred())
		Expect(m.Descriptor.MediaType).To(Equal("application/x-inside"))
		p.Repository(app).PushAs("header", "application/x-header; charset=utf-8", []byte(`{}`))
		m, err = r.Resolve(ctx, "header")
		Expect(err).NotTo(HaveOccurred())
		Expect(m.Descriptor.MediaType).To(Equal("application/x-header"))
	})

	It("reads content that is addressed by SHA-512", func() {
		raw := []byte(`{"mediaType":"application/x-some"}`)
		d := digest.SHA512.FromBytes(raw)
		p.Break(body(len(raw), raw))
		m, err := r.Manifest(ctx, d)
		Expect(err).NotTo(HaveOccurred())
		Expect(m.Descriptor.Digest).To(Equal(d))
		Expect(r.Blob(ctx, ocispec.Descriptor{Digest: d, Size: int64(len(raw))}, 1000)).To(Equal(raw))
	})

	It("ends the bytes of a blob with io.EOF, and again with io.EOF", func() {
		opened, err := r.Open(ctx, p.archive)
		Expect(err).NotTo(HaveOccurred())
		defer opened.Close()
		Expect(io.ReadAll(opened)).To(Equal(archive))
		_, err = opened.Read(make([]byte, 1))
		Expect(err).To(Equal(io.EOF))
	})

	It("requests bytes without compression, and reads none that are compressed on the way", func() {
		var encoding []string
		p.Break(func(_ http.ResponseWriter, req *http.Request) bool {
			encoding = req.Header.Values("Accept-Encoding")
			return false
		})
		Expect(blob(ctx, p, r)).To(Succeed())
		Expect(encoding).To(BeEmpty())
	})

	DescribeTable("missing content is not found", func(ask func() error) {
		Expect(ask()).To(MatchError(registry.ErrNotFound))
	},
		Entry("a tag", func() error { _, err := r.Resolve(ctx, "2.0.0"); return err }),
		Entry("a manifest", func() error { _, err := r.Manifest(ctx, digest.FromString("other")); return err }),
		Entry("a blob", func() error {
			_, err := r.Blob(ctx, ocispec.Descriptor{Digest: digest.FromString("other"), Size: 5}, 100)
			return err
		}),
		Entry("a repository", func() error { p.Break(answer(http.StatusNotFound)); _, err := r.Tags(ctx); return err }),
	)

	DescribeTable("a text that is no tag is not requested", func(tag string) {
		_, err := r.Resolve(ctx, tag)
		Expect(err).To(MatchError(registry.ErrNotFound))
		Expect(p.Requests()).To(BeEmpty())
	},
		Entry("none", ""),
		Entry("a path", "../../other/manifests/1.0.0"),
		Entry("a query", "1.0.0?x=y"),
		Entry("a digest", digest.FromString("x").String()),
		Entry("a line break", "1.0.0\r\nHost: other"),
	)

	DescribeTable("B7: an impossible size is refused before any request or allocation", func(size int64, class error) {
		d := ocispec.Descriptor{Digest: p.archive.Digest, Size: size}
		_, err := r.Blob(ctx, d, 1<<20)
		Expect(err).To(MatchError(class))
		_, err = r.Open(ctx, d)
		Expect(err).To(MatchError(registry.ErrMalformed))
		Expect(p.Requests()).To(BeEmpty())
	},
		Entry("-1", int64(-1), registry.ErrMalformed),
		Entry("the smallest", int64(-1<<63), registry.ErrMalformed),
		Entry("2^62", int64(1)<<62, registry.ErrTooLarge),
	)

	It("B7: a blob with a size that differs from its descriptor's is refused, also with size 0", func() {
		for _, size := range []int64{0, p.archive.Size - 1, p.archive.Size + 1} {
			_, err := r.Blob(ctx, ocispec.Descriptor{Digest: p.archive.Digest, Size: size}, 1<<20)
			Expect(err).To(MatchError(registry.ErrDescriptor), "size %d", size)
			opened, err := r.Open(ctx, ocispec.Descriptor{Digest: p.archive.Digest, Size: size})
			if err == nil {
				_, err = io.ReadAll(opened)
			}
			Expect(err).To(MatchError(registry.ErrIntegrity), "size %d", size)
		}
	})

	It("refuses a blob over the limit before any request", func() {
		_, err := r.Blob(ctx, p.archive, p.archive.Size-1)
		Expect(err).To(MatchError(registry.ErrTooLarge))
		Expect(p.Requests()).To(BeEmpty())
		Expect(r.Blob(ctx, p.archive, p.archive.Size)).To(Equal(archive))
	})

	DescribeTable("B9: a digest with an unknown algorithm or form is malformed, and causes no request", func(d digest.Digest) {
		_, err := r.Manifest(ctx, d)
		Expect(err).To(MatchError(registry.ErrMalformed))
		_, err = r.Blob(ctx, ocispec.Descriptor{Digest: d, Size: 1}, 100)
		Expect(err).To(MatchError(registry.ErrMalformed))
		_, err = r.Open(ctx, ocispec.Descriptor{Digest: d, Size: 1})
		Expect(err).To(MatchError(registry.ErrMalformed))
		Expect(p.Requests()).To(BeEmpty())
	},
		Entry("none", digest.Digest("")),
		Entry("MD5", digest.Digest("md5:d41d8cd98f00b204e9800998ecf8427e")),
		Entry("SHA-384", digest.SHA384.FromString("x")),
		Entry("too short", digest.Digest("sha256:abcd")),
		Entry("upper case", digest.Digest("sha256:E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855")),
		Entry("the length of another algorithm", digest.Digest("sha512:"+digest.FromString("x").Encoded())),
		Entry("a path", digest.Digest("sha256:../../../../etc/passwd")),
		Entry("no algorithm", digest.Digest(digest.FromString("x").Encoded())),
	)

	It("is safe for concurrent use", func() {
		var wg sync.WaitGroup
		errs := make(chan error, 64)
		for range 16 {
			for _, ask := range []question{tags, resolve, manifest, blob} {
				wg.Go(func() { errs <- ask(ctx, p, r) })
			}
		}
		wg.Wait()
		close(errs)
		for err := range errs {
			Expect(err).NotTo(HaveOccurred())
		}
	})

	It("offers its user agent", func() {
		var agent string
		p.Break(func(_ http.ResponseWriter, req *http.Request) bool { agent = req.UserAgent(); return false })
		Expect(tags(ctx, p, open(registry.NewClient(registry.ClientOptions{AllowedHosts: loopback, UserAgent: "verifiedchart/1"}), p.target()))).To(Succeed())
		Expect(agent).To(Equal("verifiedchart/1"))
	})

	It("does not read from a malformed URL", func() {
		_, err := newClient().Repository(registry.Target{Repository: "user:pass@host/app"})
		Expect(err).To(MatchError(registry.ErrURL))
		Expect(fmt.Sprint(err)).NotTo(ContainSubstring("pass@"))
	})
})
