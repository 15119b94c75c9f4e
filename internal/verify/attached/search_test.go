// SPDX-License-Identifier: Apache-2.0

package attached_test

import (
	"context"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/verifiedchart/verifiedchart/internal/registry/registrytest"
	"github.com/verifiedchart/verifiedchart/internal/verify"
	"github.com/verifiedchart/verifiedchart/internal/verify/attached"
	"github.com/verifiedchart/verifiedchart/internal/verify/verifytest"
)

const preferredType, other = "application/vnd.preferred", "application/vnd.other"

var _ = Describe("A search", Label("cosign", "provenance"), func() {
	var (
		repo    *verifytest.Repository
		subject ocispec.Descriptor
		junk    int
	)
	BeforeEach(func() {
		junk = 0
		repo = verifytest.NewRepository()
		subject = repo.Subject("chart").Manifest
	})
	// push attaches a manifest that is padded, and returns its source.
	push := func(artifactType string, padding int) string {
		layer := repo.PushBlob("text/plain", []byte("x"))
		layer.Annotations = map[string]string{"padding": strings.Repeat("x", padding)}
		return "referrer " + repo.PushReferrer(artifactType, subject, layer).Digest.String()
	}
	search := func(s attached.Search, tags ...string) (all []attached.Found) {
		s.Subject, s.Reader = subject.Digest, repo
		s.Preferred = func(artifactType string) bool { return artifactType == preferredType }
		for found := range s.All(context.Background(), tags...) {
			all = append(all, found)
		}
		return all
	}
	sources := func(all []attached.Found) (sources []string) {
		for _, found := range all {
			sources = append(sources, found.Source)
		}
		return sources
	}

	It("E15: reads the smallest manifests of a rank first", func() {
		var expected [3][6]string
		for i := 5; i >= 0; i-- {
			for rank, artifactType := range []string{preferredType, "", other} {
				expected[rank][i] = push(artifactType, 100*i)
			}
		}
		Expect(sources(search(attached.Search{}))).To(HaveExactElements(append(append(expected[0][:], expected[1][:]...), expected[2][:]...)))
	})

	It("E15: refuses a manifest that is listed with more than 1 MiB, and does not request it", func() {
		large := push(preferredType, 1<<20)
		small := push(preferredType, 0)
		found := search(attached.Search{})
		Expect(sources(found)).To(HaveExactElements(small, large))
		Expect(found[1].Problem).To(Equal(&verify.Refusal{Reason: "it is too large"}))
		Expect(repo.Asked()).NotTo(ContainElement(strings.TrimPrefix(large, "referrer ")))
	})

	It("E15: reads a manifest under its tag even if the referrers tag lists it as too large", func() {
		repo.WithoutReferrers = true
		signature := repo.PushLayers("sig", repo.PushBlob("text/plain", []byte("x")))
		signature.Size = 2 << 20
		repo.PushIndex(registrytest.ReferrersTag(subject.Digest), signature)
		Expect(search(attached.Search{}, "sig")).To(ContainElement(And(HaveField("Source", "tag sig"), HaveField("Raw", Not(BeEmpty())))))
	})

	DescribeTable("E15: searches a preferred source first,",
		func(arrange func() string) {
			preferred := arrange()
			for range verify.MaxCandidates {
				junk++
				push(preferredType, junk)
			}
			first := And(HaveField("Source", preferred), HaveField("Raw", Not(BeEmpty())))
			Expect(search(attached.Search{}, "a", "b")).NotTo(ContainElement(first), "junk referrers hide it")
			Expect(search(attached.Search{Prefer: []string{"tag a", preferred}}, "a", "b")[0]).To(first)
		},
		Entry("a referrer of a preferred type that is larger than others", func() string { return push(preferredType, 1000) }),
		Entry("a referrer of another type", func() string { return push(other, 0) }),
		Entry("a tag", func() string { repo.PushLayers("b", repo.PushBlob("text/plain", []byte("x"))); return "tag b" }),
		Entry("a referrer under the referrers tag", func() string { repo.WithoutReferrers = true; return push(other, 0) }),
	)

	It("E15: reads no preferred source that is neither listed nor under a given tag", func() {
		stranger := repo.PushLayers("stranger", repo.PushBlob("text/plain", []byte("x")))
		Expect(search(attached.Search{Prefer: []string{"tag stranger", "referrer " + stranger.Digest.String()}}, "a")).To(BeEmpty())
		Expect(repo.Asked()).NotTo(ContainElement(Or(Equal("stranger"), Equal(stranger.Digest.String()))))
	})

	It("searches each location once, including the preferred tags", func() {
		s := attached.Search{Subject: subject.Digest, Reader: repo, Preferred: func(string) bool { return false }, Prefer: []string{"tag b"}}
		for range s.All(context.Background(), "a", "b") {
			Fail("there is nothing")
		}
		Expect(s.Searched()).To(HaveExactElements("tag b", "referrers of "+subject.Digest.String(), "tag a", "tag "+registrytest.ReferrersTag(subject.Digest)))
	})
})
