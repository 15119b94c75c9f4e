// SPDX-License-Identifier: Apache-2.0

package realparts_test

import (
	"encoding/json"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/verifiedchart/verifiedchart/internal/registry"
	"github.com/verifiedchart/verifiedchart/test/realparts"
)

const (
	bundleType       = "application/vnd.dev.sigstore.bundle.v0.3+json"
	experimentalType = "application/vnd.dev.cosign.artifact.sig.v1+json"
	simpleSigning    = "application/vnd.dev.cosign.simplesigning.v1+json"
)

// Signatures that discovery must find.
var _ = Describe("what the real cosign pushes", Label("cosign"), Ordered, func() {
	var (
		s   shelf
		key realparts.Key
	)

	BeforeAll(func(ctx SpecContext) {
		s.set(ctx)
		var err error
		key, err = s.cosign2.GenerateKey(ctx, "key")
		Expect(err).NotTo(HaveOccurred())
	})

	DescribeTable("as legacy signatures is one manifest with a tag, and a layer for each", func(ctx SpecContext, major int, kind string) {
		pushed := s.push(ctx, kind)
		Expect(s.cosign(major).SignAs(ctx, realparts.LegacyTag, key, nil, pushed.Ref())).To(Succeed())
		Expect(s.cosign(major).SignAs(ctx, realparts.LegacyTag, key, nil, pushed.Ref(), "--annotations=again=true")).To(Succeed())
		Expect(repository(pushed).Tags(ctx)).To(ConsistOf("1.0.0", referrersTag(pushed)+".sig"))
		stored, err := repository(pushed).Resolve(ctx, referrersTag(pushed)+".sig")
		Expect(err).NotTo(HaveOccurred())
		var manifest ocispec.Manifest
		Expect(json.Unmarshal(stored.Raw, &manifest)).To(Succeed())
		Expect(manifest.Layers).To(HaveLen(2))
		Expect(manifest.Layers).To(HaveEach(HaveField("MediaType", simpleSigning)))
		Expect(manifest.Subject).To(BeNil())
	},
		Entry("of cosign 2 in a registry with the referrers API", cosign2, withReferrers),
		Entry("of cosign 2 in the distribution registry", cosign2, withoutReferrers),
		Entry("of cosign 3 in a registry with the referrers API", cosign3, withReferrers),
		Entry("of cosign 3 in the distribution registry", cosign3, withoutReferrers),
	)

	DescribeTable("as a referrer is listed by the registry, or otherwise under the referrers tag, as", func(ctx SpecContext, major int, layout realparts.Layout, kind, listedAs string) {
		pushed := s.push(ctx, kind)
		Expect(s.cosign(major).SignAs(ctx, layout, key, nil, pushed.Ref())).To(Succeed())
		tags := []string{"1.0.0"}
		if kind == withoutReferrers {
			tags = append(tags, referrersTag(pushed))
		}
		Expect(repository(pushed).Tags(ctx)).To(ConsistOf(tags))

		referrers := listed(ctx, kind, pushed)
		Expect(referrers).To(HaveLen(1))
		Expect(referrers[0].ArtifactType).To(Equal(listedAs))
		Expect(referrers[0].Annotations).To(BeEmpty())
		manifest, contents := layers(ctx, pushed, referrers[0])
		Expect(contents).To(HaveLen(1))
		if layout == realparts.LegacyReferrer {
			Expect(manifest.ArtifactType).To(Equal(experimentalType))
			Expect(manifest.Layers[0].MediaType).To(Equal(simpleSigning))
			Expect(manifest.Layers[0].Annotations).To(HaveKey("dev.cosignproject.cosign/signature"))
			return
		}
		Expect(manifest.ArtifactType).To(Equal(bundleType))
		Expect(manifest.Config.MediaType).To(Equal(ocispec.MediaTypeEmptyJSON))
		Expect(manifest.Layers[0].MediaType).To(Equal(bundleType))
		Expect(manifest.Annotations).To(HaveKeyWithValue("dev.sigstore.bundle.predicateType", "https://sigstore.dev/cosign/sign/v1"))
	},
		Entry("its own type: cosign 2's legacy signature, by the API", cosign2, realparts.LegacyReferrer, withReferrers, experimentalType),
		Entry("its own type: cosign 2's legacy signature, by the tag", cosign2, realparts.LegacyReferrer, withoutReferrers, experimentalType),
		Entry("its own type: cosign 3's legacy signature, by the API", cosign3, realparts.LegacyReferrer, withReferrers, experimentalType),
		Entry("its own type: cosign 3's legacy signature, by the tag", cosign3, realparts.LegacyReferrer, withoutReferrers, experimentalType),
		Entry("the type of its empty configuration: cosign 2's bundle, by this registry's API", cosign2, realparts.Bundle, withReferrers, ocispec.MediaTypeEmptyJSON),
		Entry("the type of its empty configuration: cosign 2's bundle, by the tag", cosign2, realparts.Bundle, withoutReferrers, ocispec.MediaTypeEmptyJSON),
		Entry("the type of its empty configuration: cosign 3's bundle, by this registry's API", cosign3, realparts.Bundle, withReferrers, ocispec.MediaTypeEmptyJSON),
		Entry("its own type: cosign 3's bundle, by the tag", cosign3, realparts.Bundle, withoutReferrers, bundleType),
	)

	const isThere, isNotThere = true, false
	DescribeTable("into another repository is", func(ctx SpecContext, major int, layout realparts.Layout, kind string, moved bool) {
		pushed := s.push(ctx, kind)
		// Each has its own, because two would share a referrers tag.
		other := s.hubs[kind].Addr() + "/signatures/of/" + pushed.Name
		Expect(s.cosign(major).Into(other).SignAs(ctx, layout, key, nil, pushed.Ref())).To(Succeed())
		elsewhere := pushed
		elsewhere.Repository = other
		if !moved {
			_, err := repository(elsewhere).Tags(ctx)
			Expect(err).To(MatchError(registry.ErrNotFound))
			return
		}
		Expect(repository(pushed).Tags(ctx)).To(ConsistOf("1.0.0"))
		if layout == realparts.LegacyTag {
			Expect(repository(elsewhere).Tags(ctx)).To(ConsistOf(referrersTag(pushed) + ".sig"))
			return
		}
		referrers := listed(ctx, kind, elsewhere)
		Expect(referrers).To(HaveLen(1))
		layers(ctx, elsewhere, referrers[0])
	},
		Entry("there: a legacy signature of cosign 2", cosign2, realparts.LegacyTag, withoutReferrers, isThere),
		Entry("there: a legacy signature of cosign 3", cosign3, realparts.LegacyTag, withoutReferrers, isThere),
		Entry("there: a bundle of cosign 3, by the API", cosign3, realparts.Bundle, withReferrers, isThere),
		Entry("there: a bundle of cosign 3, by the tag", cosign3, realparts.Bundle, withoutReferrers, isThere),
		Entry("not there: a bundle of cosign 2", cosign2, realparts.Bundle, withoutReferrers, isNotThere),
		Entry("not there: a legacy signature of cosign 2 that is a referrer", cosign2, realparts.LegacyReferrer, withoutReferrers, isNotThere),
		Entry("not there: a legacy signature of cosign 3 that is a referrer", cosign3, realparts.LegacyReferrer, withoutReferrers, isNotThere),
	)
})
