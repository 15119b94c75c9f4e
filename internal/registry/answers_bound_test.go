// SPDX-License-Identifier: Apache-2.0

package registry_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/verifiedchart/verifiedchart/internal/registry"
	"github.com/verifiedchart/verifiedchart/internal/verify"
	"github.com/verifiedchart/verifiedchart/internal/verify/attached"
)

// padding is content of a size that differs from all other padding.
func padding(size, number int) []byte {
	return append(bytes.Repeat([]byte("x"), size-8), fmt.Sprintf("%08d", number)...)
}

var _ = Describe("Answers of a padded repository", Label("registry", "cache"), func() {
	const mib = 1 << 20
	var m *material
	BeforeEach(func() { m = newMaterial() })
	// blobs reads blobs of a size, and returns their descriptors.
	blobs := func(r registry.Reader, size, count int) (all []ocispec.Descriptor) {
		GinkgoHelper()
		for i := range count {
			d := m.repo.PushBlob("text/plain", padding(size, i))
			_, err := r.Blob(m.ctx, d, d.Size)
			Expect(err).NotTo(HaveOccurred())
			all = append(all, d)
		}
		return all
	}
	manifests := func(r registry.Reader, size, count int) {
		GinkgoHelper()
		for i := range count {
			_, err := r.Manifest(m.ctx, m.repo.PushManifest("", padding(size, i)).Digest)
			Expect(err).NotTo(HaveOccurred())
		}
	}
	small := []inquiry{aTag("sig"), aTag("none"), referrers, aBlob(100, same), outside([]byte("file"), nil), atSibling(signatures, aTag("sig"))}

	DescribeTable("J22: hold the subject and everything small, whatever they are padded with, and stay within their bound",
		func(pad func(r *registry.CachingReader)) {
			r := m.reader()
			_, err := aManifest(ofSubject)(m, r)
			Expect(err).NotTo(HaveOccurred())
			for _, ask := range small[:3] {
				_, _ = ask(m, r)
			}
			pad(r)
			for _, ask := range small {
				_, _ = ask(m, r)
			}
			raw, err := json.Marshal(r.Answers())
			Expect(err).NotTo(HaveOccurred())
			Expect(len(raw)).To(BeNumerically("<", registry.MaxAnswers*4/3+mib))
			offline := stored(r)
			Expect(offline.Manifest(m.ctx, ofSubject(m))).To(Equal(m.subject))
			for _, ask := range small {
				_, expected := ask(m, r)
				_, err := ask(m, offline)
				Expect(classes(err)).To(Equal(classes(expected)))
			}
		},
		Entry("a huge blob", func(r *registry.CachingReader) { blobs(r, 5*mib, 1) }),
		Entry("a blob as large as the bound", func(r *registry.CachingReader) { blobs(r, registry.MaxAnswers, 1) }),
		Entry("large blobs", func(r *registry.CachingReader) { blobs(r, mib, 8) }),
		Entry("many middling blobs", func(r *registry.CachingReader) { blobs(r, 16<<10, 400) }),
		Entry("large manifests", func(r *registry.CachingReader) { manifests(r, 3*mib, 5) }),
		Entry("large manifests and middling blobs", func(r *registry.CachingReader) { manifests(r, mib, 5); blobs(r, 64<<10, 100); manifests(r, 2*mib, 2) }),
		Entry("files from outside", func(r *registry.CachingReader) {
			for i := range 20 {
				_, _ = r.ReadThrough(fmt.Sprint(i), "", func() ([]byte, error) { return padding(256<<10, i), nil })
			}
		}),
	)

	DescribeTable("hold a list of referrers, whatever it contains and whatever other questions there are",
		func(name string, pad func(r *registry.CachingReader)) {
			m.repo.ListedAs = name
			for i := range 600 {
				m.repo.PushReferrer("", m.subject.Descriptor, m.repo.PushBlob("text/plain", fmt.Append(nil, i)))
			}
			r := m.reader()
			expected, err := r.Referrers(m.ctx, ofSubject(m))
			Expect(err).NotTo(HaveOccurred())
			pad(r)
			got, err := stored(r).Referrers(m.ctx, ofSubject(m))
			Expect(err).NotTo(HaveOccurred())
			Expect(got.Descriptors).To(HaveLen(601))
			for i, d := range got.Descriptors {
				Expect(d.Digest).To(Equal(expected.Descriptors[i].Digest))
				Expect(expected.Descriptors[i].ArtifactType).To(HavePrefix(d.ArtifactType))
			}
		},
		Entry("long names", strings.Repeat("long", 3000), func(r *registry.CachingReader) {}),
		Entry("blobs that are smaller than it", "name", func(r *registry.CachingReader) { blobs(r, 64<<10, 100) }),
		Entry("both", strings.Repeat("long", 3000), func(r *registry.CachingReader) { blobs(r, 64<<10, 100) }),
	)

	DescribeTable("hold the manifest of the subject, however large it is",
		func(ask func(r *registry.CachingReader, subject registry.Manifest)) {
			d := m.repo.PushManifest("large", padding(mib, 0)).Digest
			subject, err := m.repo.Manifest(m.ctx, d)
			Expect(err).NotTo(HaveOccurred())
			r := m.reader()
			ask(r, subject)
			manifests(r, mib/2, 10)
			blobs(r, 64<<10, 10)
			Expect(stored(r).Manifest(m.ctx, d)).To(Equal(subject))
			Expect(stored(r).Blob(m.ctx, blobs(r, 64<<10, 1)[0], mib)).NotTo(BeEmpty())
		},
		Entry("if it was added", func(r *registry.CachingReader, subject registry.Manifest) { r.Add(subject) }),
		Entry("if it was added late", func(r *registry.CachingReader, subject registry.Manifest) {
			_, _ = aTag("sig")(m, r)
			manifests(r, mib/2, 1)
			r.Add(subject)
		}),
		Entry("if it was read before all signatures", func(r *registry.CachingReader, subject registry.Manifest) {
			_, _ = r.Manifest(m.ctx, subject.Descriptor.Digest)
			_, _ = aTag("sig")(m, r)
		}),
		Entry("if it was read before it was known how to search", func(r *registry.CachingReader, subject registry.Manifest) {
			_, _ = r.Manifest(m.ctx, subject.Descriptor.Digest)
			r.LacksReferrers()
		}),
	)

	DescribeTable("do not hold a large manifest that was found as a signature",
		func(ask func(r *registry.CachingReader, d digest.Digest)) {
			d := m.repo.PushManifest("large", padding(3*mib, 0)).Digest
			r := m.reader()
			ask(r, d)
			manifests(r, mib/2, 10)
			_, err := stored(r).Manifest(m.ctx, d)
			Expect(err).To(MatchError(registry.ErrTooLarge))
		},
		Entry("by a tag", func(r *registry.CachingReader, _ digest.Digest) { _, _ = aTag("large")(m, r) }),
		Entry("after a tag", func(r *registry.CachingReader, d digest.Digest) {
			_, _ = aTag("sig")(m, r)
			_, _ = r.Manifest(m.ctx, d)
		}),
		Entry("after a list of referrers", func(r *registry.CachingReader, d digest.Digest) {
			_, _ = referrers(m, r)
			_, _ = r.Manifest(m.ctx, d)
		}),
		Entry("after it was known how to search", func(r *registry.CachingReader, d digest.Digest) {
			r.LacksReferrers()
			_, _ = r.Manifest(m.ctx, d)
		}),
	)

	It("name a dropped answer as too large, with its size", func() {
		r := m.reader()
		first := blobs(r, mib, 1)[0]
		all := blobs(r, 3*mib/2, 2)
		Expect(stored(r).Blob(m.ctx, first, first.Size)).To(HaveLen(mib), "as large as the configuration of a chart may be")
		for _, d := range all {
			_, err := stored(r).Blob(m.ctx, d, d.Size)
			Expect(classes(err)).To(ConsistOf(registry.ErrTooLarge))
			var dropped *registry.DroppedError
			Expect(errors.As(err, &dropped)).To(BeTrue())
			Expect(dropped.Size).To(BeEquivalentTo(3 * mib / 2))
			Expect(attached.Unread("here", err)).To(BeAssignableToTypeOf(&verify.Refusal{}))
		}
		manifests(r, 3*mib, 1)
		tagged := m.repo.PushManifest("padded", padding(4*mib-1, 1))
		_, _ = r.Resolve(m.ctx, "padded")
		_, err := stored(r).Resolve(m.ctx, "padded")
		Expect(err).To(MatchError(registry.ErrTooLarge))
		_, err = stored(r).Manifest(m.ctx, tagged.Digest)
		Expect(err).To(MatchError(registry.ErrTooLarge))
	})

	It("drop the same contents, whatever the order and the number of questions", func() {
		var expected []byte
		sizes := []int{3 * mib, 100, 2 * mib, mib + 1, 700 << 10, mib, 300 << 10, 5 * mib}
		for turn := 0; turn < len(sizes); turn += 3 {
			r := m.reader()
			for i := range len(sizes) + 2 {
				blobs(r, sizes[(i+turn)%len(sizes)], 1)
			}
			raw, err := json.Marshal(r.Answers())
			Expect(err).NotTo(HaveOccurred())
			if turn == 0 {
				expected = raw
			}
			Expect(bytes.Equal(raw, expected)).To(BeTrue())
		}
	})

	It("J12: also bound the number of questions, and then do not know which questions are new", func() {
		r := m.reader()
		_, _ = aTag("sig")(m, r)
		for i := range 7_000 {
			_, _ = r.Manifest(m.ctx, digest.FromString(fmt.Sprint(i)))
		}
		raw, err := json.Marshal(r.Answers())
		Expect(err).NotTo(HaveOccurred())
		Expect(len(raw)).To(BeNumerically("<", 4<<20))
		Expect(stored(r).Resolve(m.ctx, "sig")).NotTo(BeZero())
		_, err = stored(r).Manifest(m.ctx, digest.FromString("6999"))
		Expect(err).To(MatchError(registry.ErrTooLarge))
	})
})
