// SPDX-License-Identifier: Apache-2.0

package registry_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/verifiedchart/verifiedchart/internal/registry"
	"github.com/verifiedchart/verifiedchart/internal/verify/verifytest"
)

var _ = Describe("Answers", Label("registry", "cache"), func() {
	var m *material
	BeforeEach(func() { m = newMaterial() })

	DescribeTable("J22: give the registry's answers without a network",
		func(ask inquiry) {
			r := m.reader()
			expected, expectedErr := ask(m, r)
			cached := m.reader()
			_, _ = ask(m, cached)
			asked := len(m.repo.Asked()) + len(m.beside.Asked())
			for name, offline := range map[string]registry.Reader{"from the registry": stored(r), "from the cache": stored(cached)} {
				got, err := ask(m, offline)
				Expect(classes(err)).To(Equal(classes(expectedErr)), "%s: %v", name, err)
				Expect(err == nil).To(Equal(expectedErr == nil))
				Expect(got).To(Equal(expected), name)
			}
			Expect(len(m.repo.Asked()) + len(m.beside.Asked())).To(Equal(asked))
		},
		Entry("a manifest by its digest", aManifest(ofSubject)),
		Entry("that there is no such manifest", aManifest(ofNothing)),
		Entry("that a manifest is too large", failing(registry.ErrTooLarge, aManifest(ofSubject))),
		Entry("the manifest of a tag", aTag("sig")),
		Entry("that there is no such tag", aTag("sha256-x.att")),
		Entry("that a name is no tag", aTag("not/a tag")),
		Entry("that the manifest of a tag is too large", failing(registry.ErrTooLarge, aTag("1.0.0"))),
		Entry("a list of referrers", inquiry(func(m *material, r registry.Reader) (any, error) {
			list, err := r.Referrers(m.ctx, m.subject.Descriptor.Digest)
			return list.Descriptors, err
		})),
		Entry("a list of no referrers", inquiry(func(m *material, r registry.Reader) (any, error) {
			list, err := r.Referrers(m.ctx, digest.FromString("lonely"))
			return len(list.Descriptors), err
		})),
		Entry("that there is no list of referrers", inquiry(func(m *material, r registry.Reader) (any, error) {
			m.repo.WithoutReferrers = true
			return referrers(m, r)
		})),
		Entry("a file beside an archive", aFile(".prov", 100)),
		Entry("that there is no file beside an archive", aFile(".sig", 100)),
		Entry("that a file beside an archive is too large", aFile(".prov", 3)),
		Entry("a blob", aBlob(100, same)),
		Entry("that a blob is over a limit", aBlob(3, same)),
		Entry("that there is no such blob", aBlob(100, func(d *ocispec.Descriptor) { d.Digest = digest.FromString("nothing") })),
		Entry("that a blob has another size", failing(registry.ErrDescriptor, aBlob(100, same))),
		Entry("a file from outside", outside([]byte("provenance"), nil)),
		Entry("an empty file from outside", outside([]byte{}, nil)),
		Entry("that there is no file outside", outside(nil, nil)),
		Entry("that a file outside is too large", outside(nil, registry.ErrTooLarge)),
		Entry("a tag in another repository", atSibling(signatures, aTag("sig"))),
		Entry("that another repository has no such tag", atSibling(signatures, aTag("1.0.0"))),
	)

	It("give a tag in another repository, however the repository is written", func() {
		r := m.reader()
		expected, err := atSibling(signatures, aTag("sig"))(m, r)
		Expect(err).NotTo(HaveOccurred())
		for _, spelling := range []string{"REGISTRY.example/signatures", "registry.example/signatures/"} {
			Expect(atSibling(spelling, aTag("sig"))(m, stored(r))).To(Equal(expected))
		}
		_, err = stored(r).Sibling("user:pass@host/app")
		Expect(err).To(MatchError(registry.ErrURL))
		Expect(r.Answers().Reader("REGISTRY.example/charts/app/").Resolve(m.ctx, "x")).Error().To(MatchError(registry.ErrNoAnswer))
	})

	It("give a manifest that was added, and the one of a tag by its digest", func() {
		r := m.reader()
		r.Add(m.subject)
		signature, err := r.Resolve(m.ctx, "sig")
		Expect(err).NotTo(HaveOccurred())
		Expect(stored(r).Manifest(m.ctx, m.subject.Descriptor.Digest)).To(Equal(m.subject))
		Expect(stored(r).Manifest(m.ctx, signature.Descriptor.Digest)).To(Equal(signature))
	})

	It("give the last known answer to whether the referrers API is missing", func() {
		m.repo.WithoutReferrers = true
		r := m.reader()
		Expect(r.LacksReferrers()).To(BeFalse())
		Expect(stored(r).LacksReferrers()).To(BeFalse())
		_, _ = referrers(m, r)
		Expect(r.LacksReferrers()).To(BeTrue())
		Expect(stored(r).LacksReferrers()).To(BeTrue())
		m.repo.WithoutReferrers = false
		Expect(r.LacksReferrers()).To(BeFalse())
		Expect(stored(r).LacksReferrers()).To(BeFalse())
	})

	It("give a list of referrers with names that JSON does not lengthen", func() {
		m.repo.ListedAs = strings.Repeat("\x01<é", 500)
		r := m.reader()
		_, _ = referrers(m, r)
		list, err := stored(r).Referrers(m.ctx, ofSubject(m))
		Expect(err).NotTo(HaveOccurred())
		Expect(list.Descriptors).To(ConsistOf(HaveField("ArtifactType", strings.Repeat("???", 43)[:128])))
		Expect(list.Omitted).To(BeNumerically(">", 1000))
	})

	It("give the last answer to a question", func() {
		r := m.reader()
		_, err := r.Resolve(m.ctx, "late")
		Expect(err).To(MatchError(registry.ErrNotFound))
		m.repo.PushLayers("late", m.blob)
		m.reader().Bypass()
		r.Bypass()
		fresh := m.reader()
		fresh.Bypass()
		expected, err := fresh.Resolve(m.ctx, "late")
		Expect(err).NotTo(HaveOccurred())
		_, _ = r.Resolve(m.ctx, "late")
		Expect(stored(r).Resolve(m.ctx, "late")).To(Equal(expected))
		m.repo.Fail("late", verifytest.ErrUnreachable)
		again := m.reader()
		_, _ = again.Resolve(m.ctx, "late")
		again.Bypass()
		_, _ = again.Resolve(m.ctx, "late")
		Expect(stored(again).Resolve(m.ctx, "late")).To(Equal(expected))
	})

	DescribeTable("give no verdict",
		func(before, ask inquiry) {
			r := m.reader()
			_, _ = before(m, r)
			_, err := ask(m, stored(r))
			Expect(classes(err)).To(ConsistOf(registry.ErrNoAnswer))
			Expect(err.Error()).NotTo(ContainSubstring("hunter2"))
			Expect(len(err.Error())).To(BeNumerically("<=", 1024))
		},
		Entry("on a tag that was not requested", aTag("sig"), aTag("1.0.0")),
		Entry("on a manifest that was not requested", aTag("sig"), aManifest(ofSubject)),
		Entry("on a blob that was not requested", aTag("sig"), aBlob(100, same)),
		Entry("on a blob that was requested with a different size", aBlob(100, same), aBlob(100, func(d *ocispec.Descriptor) { d.Size++ })),
		Entry("on a list that was not requested", aTag("sig"), inquiry(referrers)),
		Entry("on an external file that was not requested", aTag("sig"), outside([]byte("never"), nil)),
		Entry("on a tag of another repository", aTag("sig"), atSibling(signatures, aTag("sig"))),
		Entry("on a manifest of another repository", aManifest(ofSubject), atSibling(signatures, aManifest(ofSubject))),
		Entry("on a blob of another repository", aBlob(100, same), atSibling(signatures, aBlob(100, same))),
		Entry("on a manifest by the digest of a blob", aBlob(100, same), aManifest(func(m *material) digest.Digest { return m.blob.Digest })),
		Entry("if the registry was unreachable", failing(verifytest.ErrUnreachable, aTag("1.0.0")), aTag("1.0.0")),
		Entry("if the registry refused the credentials", failing(registry.ErrUnauthorized, inquiry(referrers)), inquiry(referrers)),
		Entry("if the registry sent other bytes", failing(registry.ErrIntegrity, aBlob(100, same)), aBlob(100, same)),
		Entry("if the registry sent no list", failing(registry.ErrMalformed, inquiry(referrers)), inquiry(referrers)),
		Entry("if the file outside of the registry could not be read", outside(nil, verifytest.ErrUnreachable), outside([]byte("never"), nil)),
		Entry("on the list of tags", aTag("sig"), inquiry(func(m *material, r registry.Reader) (any, error) { return r.Tags(m.ctx) })),
		Entry("on an archive", aBlob(100, same), inquiry(func(m *material, r registry.Reader) (any, error) { return r.Open(m.ctx, m.blob) })),
	)

	It("hold nothing if they are zero", func() {
		var none registry.Answers
		_, err := none.Reader(charts).Resolve(m.ctx, "sig")
		Expect(err).To(MatchError(registry.ErrNoAnswer))
		Expect(none.At()).To(BeZero())
		raw, err := json.Marshal(none)
		Expect(err).NotTo(HaveOccurred())
		Expect(registry.ParseAnswers(raw)).Error().NotTo(HaveOccurred())
	})

	It("are the same bytes for the same answers, in any order and from cache or registry", func() {
		asks := []inquiry{aManifest(ofSubject), aTag("sig"), referrers, aBlob(100, same), outside([]byte("x"), nil), atSibling(signatures, aTag("sig")), aTag("none")}
		var expected []byte
		for turn := range asks {
			r := m.reader()
			r.Add(m.subject)
			for i := range asks {
				_, _ = asks[(i+turn)%len(asks)](m, r)
			}
			raw, err := json.Marshal(r.Answers())
			Expect(err).NotTo(HaveOccurred())
			if turn == 0 {
				expected = raw
			}
			Expect(string(raw)).To(Equal(string(expected)))
		}
		Expect(string(expected)).NotTo(ContainSubstring("hunter2"))
	})

	It("no longer change when the reader answers more questions", func() {
		r := m.reader()
		before := r.Answers()
		_, _ = aTag("sig")(m, r)
		_, err := before.Reader(charts).Resolve(m.ctx, "sig")
		Expect(err).To(MatchError(registry.ErrNoAnswer))
	})

	It("are recorded for questions at the same time", func() {
		r := m.reader()
		var all sync.WaitGroup
		for i := range 16 {
			all.Go(func() {
				_, _ = aTag(fmt.Sprint("tag", i))(m, r)
				_, _ = referrers(m, r)
				r.FromCache()
				r.LacksReferrers()
				r.Answers()
			})
		}
		all.Wait()
		for i := range 16 {
			_, err := aTag(fmt.Sprint("tag", i))(m, stored(r))
			Expect(err).To(MatchError(registry.ErrNotFound))
		}
	})

	DescribeTable("give the time of the oldest answer that may change",
		func(ages bool, ask inquiry) {
			start := m.now
			_, _ = ask(m, m.reader())
			m.now = m.now.Add(time.Minute)
			r := m.reader()
			_, _ = ask(m, r)
			if !ages {
				Expect(r.Answers().At()).To(BeZero())
			}
			_, _ = aTag("none")(m, r)
			expected := m.now
			if ages {
				expected = start
			}
			Expect(r.Answers().At()).To(BeTemporally("==", expected))
		},
		Entry("for a tag", true, aTag("sig")),
		Entry("for no such tag", true, aTag("nothing")),
		Entry("for a list of referrers", true, inquiry(referrers)),
		Entry("for no list of referrers", true, inquiry(func(m *material, r registry.Reader) (any, error) {
			m.repo.WithoutReferrers = true
			return referrers(m, r)
		})),
		Entry("for a file outside", true, outside([]byte("x"), nil)),
		Entry("for no file outside", true, outside(nil, nil)),
		Entry("for a tag in another repository", true, atSibling(signatures, aTag("sig"))),
		Entry("but not for a manifest", false, aManifest(ofSubject)),
		Entry("but not for a blob", false, aBlob(100, same)),
	)

	It("give the time at which there was no such manifest, which may also change", func() {
		r := m.reader()
		_, _ = aManifest(ofNothing)(m, r)
		Expect(r.Answers().At()).To(BeTemporally("==", m.now))
	})
})
