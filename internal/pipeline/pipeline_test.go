// SPDX-License-Identifier: Apache-2.0

package pipeline_test

import (
	"bytes"
	"context"
	"errors"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/verifiedchart/verifiedchart/internal/chart"
	"github.com/verifiedchart/verifiedchart/internal/chart/charttest"
	"github.com/verifiedchart/verifiedchart/internal/pipeline"
	"github.com/verifiedchart/verifiedchart/internal/registry"
	"github.com/verifiedchart/verifiedchart/internal/verify"
	"github.com/verifiedchart/verifiedchart/internal/verify/verifytest"
)

// chartIn pushes a chart under the tag 1.0.0, and returns its Request and Resolved.
func chartIn(repo *verifytest.Repository, config, archive []byte) (pipeline.Request, pipeline.Resolved) {
	GinkgoHelper()
	repo.PushBlob(chart.ConfigMediaType, config)
	repo.PushBlob(chart.ArchiveMediaType, archive)
	repo.PushManifest("1.0.0", charttest.Manifest(config, archive))
	w := pipeline.Request{Repository: repository, Name: "app", Tag: "1.0.0"}
	r, err := pipeline.Resolve(context.Background(), caching(repo), w)
	Expect(err).NotTo(HaveOccurred())
	return w, r
}

func step(err error) pipeline.Step {
	GinkgoHelper()
	var failure *pipeline.Failure
	Expect(err).To(HaveOccurred())
	Expect(errors.As(err, &failure)).To(BeTrue())
	return failure.Step
}

var _ = Describe("The pipeline", Label("chart"), func() {
	var (
		ctx     = context.Background()
		repo    *verifytest.Repository
		config  = charttest.ConfigJSON("app", "1.0.0")
		archive = charttest.Archive("app", "1.0.0")
	)
	BeforeEach(func() { repo = verifytest.NewRepository() })

	accept := func(subject verify.Subject) verify.Accepted {
		GinkgoHelper()
		accepted, err := verify.Check(ctx, verifytest.Accepts("release", "k"), subject, repo)
		Expect(err).NotTo(HaveOccurred())
		return accepted
	}

	It("turns a tag into the bytes that may be served", func() {
		w, resolved := chartIn(repo, config, archive)
		subject, err := pipeline.Manifest(w, resolved)
		Expect(err).NotTo(HaveOccurred())
		var fetched bytes.Buffer
		l, err := pipeline.Fetch(ctx, repo, accept(subject), &fetched)
		Expect(err).NotTo(HaveOccurred())
		Expect(fetched.Bytes()).To(Equal(archive))
		metadata, err := pipeline.Inspect(&fetched)
		Expect(err).NotTo(HaveOccurred())
		Expect(pipeline.Validate(ctx, repo, metadata, l, w, resolved)).To(Succeed())
		Expect(metadata.Name).To(Equal("app"))
		Expect(metadata.Version).To(Equal("1.0.0"))
	})

	It("fetches nothing without a proof", func() {
		chartIn(repo, config, archive)
		asked := len(repo.Asked())
		var fetched bytes.Buffer
		_, err := pipeline.Fetch(ctx, repo, verify.Accepted{}, &fetched)
		Expect(step(err)).To(Equal(pipeline.StepFetch))
		Expect(fetched.Len()).To(BeZero())
		Expect(repo.Asked()).To(HaveLen(asked))
	})

	It("A9: rejects a manifest that does not match its digest", func() {
		w, resolved := chartIn(repo, config, archive)
		resolved.Manifest.Raw = append(resolved.Manifest.Raw, ' ')
		_, err := pipeline.Manifest(w, resolved)
		Expect(step(err)).To(Equal(pipeline.StepManifest))
		Expect(err).To(MatchError(registry.ErrIntegrity))
	})

	It("B5: rejects a manifest that is not a chart", func() {
		resolved := pipeline.Resolved{}
		d := repo.PushLayers("1.0.0", repo.PushBlob(ocispec.MediaTypeImageLayerGzip, []byte("layer")))
		resolved.Manifest, _ = repo.Manifest(ctx, d.Digest)
		_, err := pipeline.Manifest(pipeline.Request{}, resolved)
		Expect(step(err)).To(Equal(pipeline.StepManifest))
		Expect(err).To(MatchError(chart.ErrManifest))
	})

	DescribeTable("names the step that failed",
		func(break_ func(chart.Layout), config, archive []byte, wantStep pipeline.Step, want error) {
			w, resolved := chartIn(repo, config, archive)
			subject, err := pipeline.Manifest(w, resolved)
			Expect(err).NotTo(HaveOccurred())
			layout, err := chart.ParseManifest(subject.Raw)
			Expect(err).NotTo(HaveOccurred())
			break_(layout)
			var fetched bytes.Buffer
			l, err := pipeline.Fetch(ctx, repo, accept(subject), &fetched)
			if err == nil {
				var metadata chart.Metadata
				if metadata, err = pipeline.Inspect(&fetched); err == nil {
					err = pipeline.Validate(ctx, repo, metadata, l, w, resolved)
				}
			}
			Expect(step(err)).To(Equal(wantStep))
			Expect(err).To(MatchError(want))
		},
		Entry("the archive cannot be read", func(l chart.Layout) { repo.Fail(l.Archive.Digest.String(), verifytest.ErrUnreachable) },
			config, archive, pipeline.StepFetch, verifytest.ErrUnreachable),
		Entry("the configuration cannot be read", func(l chart.Layout) { repo.Fail(l.Config.Digest.String(), verifytest.ErrUnreachable) },
			config, archive, pipeline.StepFetch, verifytest.ErrUnreachable),
		Entry("the configuration is malformed", func(chart.Layout) {}, []byte("[]"), archive, pipeline.StepValidate, chart.ErrInvalid),
		Entry("the archive is malformed", func(chart.Layout) {}, config, []byte("<html>"), pipeline.StepValidate, chart.ErrInvalid),
		Entry("B10: the configuration is another chart's", func(chart.Layout) {}, charttest.ConfigJSON("app", "1.0.1"), archive, pipeline.StepValidate, chart.ErrMismatch),
		Entry("C7: the chart has another name", func(chart.Layout) {}, charttest.ConfigJSON("other", "1.0.0"), charttest.Archive("other", "1.0.0"), pipeline.StepValidate, chart.ErrMismatch),
		Entry("C7: the chart has another version", func(chart.Layout) {}, charttest.ConfigJSON("app", "2.0.0"), charttest.Archive("app", "2.0.0"), pipeline.StepValidate, chart.ErrMismatch),
	)
})

var _ = Describe("The version that a tag names", Label("chart"), func() {
	ctx := context.Background()
	// validate pushes a chart with the version under the tag, and runs every step.
	validate := func(tag, version string) (verify.Subject, error) {
		GinkgoHelper()
		repo := verifytest.NewRepository()
		config, archive := charttest.ConfigJSON("app", version), charttest.Archive("app", version)
		repo.PushBlob(chart.ConfigMediaType, config)
		repo.PushBlob(chart.ArchiveMediaType, archive)
		repo.PushManifest(tag, charttest.Manifest(config, archive))
		w := pipeline.Request{Repository: repository, Name: "app", Tag: tag}
		resolved, err := pipeline.Resolve(ctx, caching(repo), w)
		Expect(err).NotTo(HaveOccurred())
		subject, err := pipeline.Manifest(w, resolved)
		Expect(err).NotTo(HaveOccurred())
		layout, err := chart.ParseManifest(subject.Raw)
		Expect(err).NotTo(HaveOccurred())
		metadata, err := pipeline.Inspect(bytes.NewReader(archive))
		Expect(err).NotTo(HaveOccurred())
		return subject, pipeline.Validate(ctx, repo, metadata, layout, w, resolved)
	}

	DescribeTable("is known before verification if the tag names only one version",
		func(tag, version, want string) {
			subject, err := validate(tag, version)
			Expect(err).NotTo(HaveOccurred())
			Expect(subject.Chart.Version).To(Equal(want))
		},
		Entry("F6: without a leading v", "v1.2.3", "1.2.3", "1.2.3"),
		Entry("B14: with + for _", "1.2.3_b", "1.2.3+b", "1.2.3+b"),
		Entry("J17: that strict semver does not read", "2024.02.0", "2024.02.0", "2024.02.0"),
		Entry("J17: a pre-release of two parts", "1.2-rc1", "1.2-rc1", "1.2-rc1"),
		Entry("J17: not for a series, which names several", "2024.02", "2024.02.0", ""),
		Entry("J17: not for a version that is written like a series", "v1", "v1", ""),
		Entry("J17: not for latest, which names several", "latest", "2024.02.0", ""),
	)

	DescribeTable("is the chart's, or the chart is refused",
		func(tag, version string) {
			_, err := validate(tag, version)
			Expect(step(err)).To(Equal(pipeline.StepValidate))
			Expect(err).To(MatchError(chart.ErrMismatch))
		},
		Entry("J17: an older chart under a newer tag, with leading zeros", "2024.02.0", "2024.01.0"),
		Entry("J17: an older chart under a newer tag of two parts", "1.3", "1.2"),
		Entry("J17: an older chart under a newer tag of one part with a v", "v2", "v1"),
		Entry("J17: an older chart under a newer series with leading zeros", "2024.02", "2024.01.0"),
		Entry("J17: a chart of a series that only begins with the same digits", "1.2", "1.20.0"),
		Entry("J17: a pre-release under its series", "1.2", "1.2.3-rc.1"),
	)
})
