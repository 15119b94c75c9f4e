// SPDX-License-Identifier: Apache-2.0

package pipeline_test

import (
	"context"
	"fmt"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/opencontainers/go-digest"

	"github.com/verifiedchart/verifiedchart/internal/chart"
	"github.com/verifiedchart/verifiedchart/internal/chart/charttest"
	"github.com/verifiedchart/verifiedchart/internal/pipeline"
	"github.com/verifiedchart/verifiedchart/internal/problem"
	"github.com/verifiedchart/verifiedchart/internal/registry"
	"github.com/verifiedchart/verifiedchart/internal/verify/verifytest"
)

const repository = "registry.example/charts/app"

// caching returns a reader of repo with an empty cache.
func caching(repo registry.Reader) *registry.CachingReader {
	return cachingEach(repo)()
}

// cachingEach returns a function that returns readers of repo. All readers share one cache.
func cachingEach(repo registry.Reader) func() *registry.CachingReader {
	cache := registry.NewCache(1<<20, time.Hour, time.Now)
	return func() *registry.CachingReader {
		return cache.Reader(registry.Scope{Object: "object"}, repository, repo)
	}
}

func withTags(tags ...string) *verifytest.Repository {
	repo := verifytest.NewRepository()
	for _, tag := range tags {
		repo.PushLayers(tag, repo.PushBlob("text/plain", []byte(tag)))
	}
	return repo
}

// unlisted returns a repository that answers the request for its tags with an error.
func unlisted(err error) *verifytest.Repository {
	repo := verifytest.NewRepository()
	repo.Fail("tags", err)
	return repo
}

var _ = Describe("Resolve", Label("registry"), func() {
	ctx := context.Background()

	DescribeTable("takes the highest version of a range",
		func(semver, filter, want string, tags ...string) {
			got, err := pipeline.Resolve(ctx, caching(withTags(tags...)), pipeline.Request{Repository: repository, SemVer: semver, SemverFilter: filter})
			Expect(err).NotTo(HaveOccurred())
			Expect(got.Tag).To(Equal(want))
			Expect(got.Manifest.Raw).NotTo(BeEmpty())
		},
		Entry("by version, not by text", ">=1.0.0", "", "1.10.0", "1.9.0", "1.10.0", "1.2.0"),
		Entry("without versions outside it", ">=1.0.0 <2.0.0", "", "1.9.0", "1.9.0", "2.0.0", "3.0.0"),
		Entry("without prereleases, unless it names one", ">=1.0.0", "", "1.0.0", "1.0.0", "1.1.0-rc.1"),
		Entry("with prereleases if it names one", ">=1.0.0-0", "", "1.1.0-rc.1", "1.0.0", "1.1.0-rc.1"),
		Entry("with a leading v", ">=1.0.0", "", "v1.1.0", "1.0.0", "v1.1.0"),
		Entry("B14: with _ for +", ">=1.0.0", "", "1.2.3_b", "1.2.3_b", "1.2.2"),
		Entry("of tags that the filter matches", ">=1.0.0", "^1\\.0", "1.0.9", "1.0.9", "1.1.0"),
		Entry("J17: among versions that strict semver does not read", "*", "", "1.0.0", "2024.02.0", "1.2.3.4", "v9", "1.0.0"),
		Entry("among tags that are no versions, and signatures", "*", "", "1.0.0", "latest", "1.2", "1", "sha256-aa.sig", "1.0.0"),
		Entry("always by the same tag if two tags name one version", "*", "", "v1.0.0", "v1.0.0", "1.0.0"),
	)

	// charts are tags that name charts; others name images.
	type charts []string
	pushed := func(is charts, others ...string) *verifytest.Repository {
		repo := withTags(others...)
		for _, tag := range is {
			repo.PushManifest(tag, charttest.Manifest(charttest.ConfigJSON("app", tag), charttest.Archive("app", "1.0.0")))
		}
		return repo
	}
	inRange := pipeline.Request{Repository: repository, Name: "app", SemVer: "*"}

	DescribeTable("K9: takes the tag that is a chart, of tags that spell one version",
		func(want string, reads int, is charts, others ...string) {
			repo := pushed(is, others...)
			each := cachingEach(repo)
			for range 2 {
				before := len(repo.Asked())
				got, err := pipeline.Resolve(ctx, each(), inRange)
				Expect(err).NotTo(HaveOccurred())
				Expect(got.Tag).To(Equal(want))
				Expect(got.Manifest.Raw).To(Equal(repo.Raw(want)))
				_, err = pipeline.Manifest(inRange, got)
				Expect(err).NotTo(HaveOccurred())
				Expect(repo.Asked()[before:]).To(HaveLen(1+reads), "the list, and the tags that were read")
			}
		},
		Entry("the last in the alphabet, if that is a chart", "v1.0.0", 1, charts{"1.0.0", "v1.0.0"}),
		Entry("the other if the last is an image", "1.0.0", 2, charts{"1.0.0"}, "v1.0.0"),
		Entry("the last if the other is an image", "v1.0.0", 1, charts{"v1.0.0"}, "1.0.0"),
		Entry("among builds", "1.0.0_a", 3, charts{"1.0.0_a"}, "1.0.0_b", "1.0.0_c"),
		Entry("the fourth", "1.0.0_a", 4, charts{"1.0.0_a"}, "1.0.0_b", "1.0.0_c", "1.0.0_d"),
		Entry("without other versions", "1.0.0", 2, charts{"1.0.0", "0.9.0"}, "v1.0.0", "v0.9.0"),
	)

	DescribeTable("K9: names the tag and ref.semverFilter if the version of a range is no chart",
		func(tag string, reads int, is charts, others ...string) {
			repo := pushed(is, others...)
			got, err := pipeline.Resolve(ctx, caching(repo), inRange)
			Expect(err).NotTo(HaveOccurred())
			Expect(got.Tag).To(Equal(tag))
			Expect(repo.Asked()).To(HaveLen(1 + reads))
			_, err = pipeline.Manifest(inRange, got)
			Expect(err).To(MatchError(chart.ErrManifest))
			Expect(step(err)).To(Equal(pipeline.StepManifest))
			Expect(problem.Brief(err)).To(ContainSubstring(tag))
			Expect(err).To(MatchError(ContainSubstring("ref.semverFilter")))
		},
		Entry("if it has one tag", "2.0.0", 1, charts{"1.0.0"}, "2.0.0"),
		Entry("if it has two", "v2.0.0", 2, charts{"1.0.0"}, "2.0.0", "v2.0.0"),
		Entry("if only a fifth tag is a chart: at most four are read", "v2.0.0", 4, charts{"2.0.0"}, "2.0.0_a", "2.0.0_b", "2.0.0_c", "v2.0.0"),
	)

	It("K9: does not suggest a filter for a tag that the user names", func() {
		w := pipeline.Request{Repository: repository, Tag: "1.0.0"}
		got, err := pipeline.Resolve(ctx, caching(withTags("1.0.0")), w)
		Expect(err).NotTo(HaveOccurred())
		_, err = pipeline.Manifest(w, got)
		Expect(err).To(And(MatchError(chart.ErrManifest), Not(MatchError(ContainSubstring("semverFilter")))))
	})

	DescribeTable("K9: does not guess past a tag that may be a chart",
		func(fault error, want any) {
			repo := pushed(charts{"1.0.0"}, "v1.0.0")
			repo.Fail("v1.0.0", fault)
			got, err := pipeline.Resolve(ctx, caching(repo), inRange)
			if wanted, ok := want.(error); ok {
				Expect(err).To(MatchError(wanted))
				return
			}
			Expect(err).NotTo(HaveOccurred())
			Expect(got.Tag).To(Equal(want))
		},
		Entry("that could not be read", verifytest.ErrUnreachable, verifytest.ErrUnreachable),
		Entry("that may not be read", registry.ErrWithheld, registry.ErrWithheld),
		Entry("but past one that is listed and does not exist", registry.ErrNotFound, "1.0.0"),
	)

	It("K9: is an error if every tag of the version is listed and does not exist", func() {
		repo := withTags("1.0.0", "v1.0.0")
		repo.Fail("1.0.0", registry.ErrNotFound)
		repo.Fail("v1.0.0", registry.ErrNotFound)
		_, err := pipeline.Resolve(ctx, caching(repo), inRange)
		Expect(err).To(MatchError(registry.ErrNotFound))
		Expect(step(err)).To(Equal(pipeline.StepResolve))
	})

	It("K9: stores no manifest of a tag that is no chart", func() {
		repo := pushed(charts{"1.0.0"}, "v1.0.0")
		r := caching(repo)
		_, err := pipeline.Resolve(ctx, r, inRange)
		Expect(err).NotTo(HaveOccurred())
		stored, err := r.Answers().MarshalJSON()
		Expect(err).NotTo(HaveOccurred())
		Expect(string(stored)).NotTo(ContainSubstring(digest.FromBytes(repo.Raw("v1.0.0")).String()))
	})

	DescribeTable("returns an error for",
		func(w pipeline.Request, want error, tags ...string) {
			w.Repository = repository
			_, err := pipeline.Resolve(ctx, caching(withTags(tags...)), w)
			Expect(err).To(MatchError(want))
			var failure *pipeline.Failure
			Expect(err).To(BeAssignableToTypeOf(failure))
			Expect(len(err.Error())).To(BeNumerically("<", 1024))
		},
		Entry("a malformed range", pipeline.Request{SemVer: ">>1"}, pipeline.ErrReference, "1.0.0"),
		Entry("a malformed filter", pipeline.Request{SemVer: "*", SemverFilter: "("}, pipeline.ErrReference, "1.0.0"),
		Entry("a filter that repeats itself too much", pipeline.Request{SemVer: "*", SemverFilter: "(?:" + strings.Repeat("a", 500) + "){1000}"}, pipeline.ErrReference, "1.0.0"),
		Entry("a range without a matching version", pipeline.Request{SemVer: ">=2.0.0"}, pipeline.ErrNoMatch, "1.0.0"),
		Entry("a repository without versions", pipeline.Request{SemVer: "*"}, pipeline.ErrNoMatch, "latest"),
		Entry("a repository without tags", pipeline.Request{SemVer: "*"}, pipeline.ErrNoMatch),
		Entry("a missing tag", pipeline.Request{Tag: "1.0.0"}, registry.ErrNotFound),
		Entry("a missing digest", pipeline.Request{Digest: digest.FromString("x")}, registry.ErrNotFound),
	)

	DescribeTable("explains why a tag is missing",
		func(repo *verifytest.Repository, brief, fix string) {
			_, err := pipeline.Resolve(ctx, caching(repo), pipeline.Request{Repository: repository, Tag: "2.0.0"})
			Expect(err).To(MatchError(registry.ErrNotFound))
			Expect(problem.Brief(err)).To(ContainSubstring(brief))
			Expect(err).To(MatchError(ContainSubstring(fix)))
		},
		Entry("by the newest tags, in the order of versions", withTags("1.9.0", "1.10.0", "latest", "v1.2.0"), "tag 2.0.0 not found in "+repository, "newest tags: 1.10.0, 1.9.0, v1.2.0, latest"),
		Entry("by at most five tags", withTags("a", "b", "c", "d", "e", "f"), "tag 2.0.0", "newest tags: f, e, d, c, b"),
		Entry("without the tags of signatures", withTags("1.0.0", "sha256-"+strings.Repeat("a", 64)+".sig", "sha256-"+strings.Repeat("b", 64)), "tag 2.0.0", "newest tags: 1.0.0"),
		Entry("by the repository, if that is missing", unlisted(registry.ErrNotFound), "repository "+repository+" not found", "correct url"),
		Entry("without other tags if the tags cannot be read", unlisted(verifytest.ErrUnreachable), "", "not found"),
	)

	It("names some of the existing versions", func() {
		var tags []string
		for i := range 1000 {
			tags = append(tags, fmt.Sprintf("1.0.%d", i))
		}
		_, err := pipeline.Resolve(ctx, caching(withTags(tags...)), pipeline.Request{Repository: repository, SemVer: ">=2.0.0"})
		Expect(err).To(MatchError(ContainSubstring("1000 in all")))
		Expect(len(err.Error())).To(BeNumerically("<", 512))
	})

	It("writes + in a tag like Helm", func() {
		got, err := pipeline.Resolve(ctx, caching(withTags("1.0.0_build")), pipeline.Request{Tag: "1.0.0+build"})
		Expect(err).NotTo(HaveOccurred())
		Expect(got.Tag).To(Equal("1.0.0_build"))
	})

	It("requests a tag every time, and a digest once", func() {
		repo := withTags("1.0.0")
		r := caching(repo)
		first, err := pipeline.Resolve(ctx, r, pipeline.Request{Tag: "1.0.0"})
		Expect(err).NotTo(HaveOccurred())
		repo.PushLayers("1.0.0", repo.PushBlob("text/plain", []byte("moved")))
		second, err := pipeline.Resolve(ctx, r, pipeline.Request{Tag: "1.0.0"})
		Expect(err).NotTo(HaveOccurred())
		Expect(second.Manifest.Descriptor.Digest).NotTo(Equal(first.Manifest.Descriptor.Digest))

		asked := len(repo.Asked())
		_, err = pipeline.Resolve(ctx, r, pipeline.Request{Digest: first.Manifest.Descriptor.Digest})
		Expect(err).NotTo(HaveOccurred())
		Expect(repo.Asked()).To(HaveLen(asked))
	})

	const downgrade, noDowngrade = true, false
	DescribeTable("B13: detects a downgrade",
		func(published, version string, want bool) {
			Expect(pipeline.IsDowngrade(published, version)).To(Equal(want))
		},
		Entry("a lower version", "1.1.0", "1.0.0", downgrade),
		Entry("a pre-release of the version", "1.1.0", "1.1.0-rc.1", downgrade),
		Entry("a lower version, spelled as a tag", "1.1.0+b", "1.0.0_b", downgrade),
		Entry("a lower version with a leading v", "v1.1.0", "v1.0.0", downgrade),
		Entry("the same version", "1.1.0", "1.1.0", noDowngrade),
		Entry("a higher version", "1.1.0", "1.10.0", noDowngrade),
		Entry("a tag that is no version", "1.1.0", "latest", noDowngrade),
		Entry("J17: a lower version with leading zeros", "2024.02.0", "2024.01.0", downgrade),
		Entry("J17: a lower version with leading zeros and a v", "v2024.10.0", "2024.09.0", downgrade),
		Entry("J17: a lower version of two parts", "1.10", "1.9", downgrade),
		Entry("J17: a lower version of four parts", "1.2.3.10", "1.2.3.9", downgrade),
		Entry("J17: a pre-release of the version, with leading zeros", "2024.02.0", "2024.02.0-rc.1", downgrade),
		Entry("J17: a lower version in strict semver, if the published one has leading zeros", "2024.02.0", "2024.1.9", downgrade),
		Entry("J17: a lower version whose numbers exceed 64 bits", "1.0.99999999999999999999", "1.0.99999999999999999998", downgrade),
		Entry("J17: the same version without leading zeros", "2024.02.0", "2024.2.0", noDowngrade),
		Entry("J17: a higher version with leading zeros", "2024.09.0", "2024.10.0", noDowngrade),
		Entry("J17: a higher version of more parts", "1.2", "1.2.1", noDowngrade),
		Entry("J17: a commit id, which has no order", "2024.02.0", "9fceb02", noDowngrade),
		Entry("J17: another build of the same version", "2024.02.0+b", "2024.02.0_a", noDowngrade),
		Entry("any version, if no chart is published", "", "1.0.0", noDowngrade),
	)

	const inside, outside = true, false
	DescribeTable("knows whether a version is in a range",
		func(semver, version string, want bool) {
			Expect(pipeline.InRange(pipeline.Request{SemVer: semver}, version)).To(Equal(want))
		},
		Entry("a version in it", ">=1.0.0", "1.2.3", inside),
		Entry("B14: a tag in it, with _ for +", ">=1.0.0", "v1.2.3_b", inside),
		Entry("a version outside it", "<1.0.0", "1.2.3", outside),
		Entry("J17: a version that strict semver does not read", ">=1.0.0", "2024.02.0", outside),
		Entry("a malformed range", ">>1", "1.2.3", outside),
	)
})
