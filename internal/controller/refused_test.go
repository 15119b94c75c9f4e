// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"github.com/fluxcd/pkg/apis/meta"
	"github.com/fluxcd/pkg/runtime/conditions"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/internal/chart"
	"github.com/verifiedchart/verifiedchart/internal/chart/charttest"
	"github.com/verifiedchart/verifiedchart/internal/verify/verifytest"
)

var _ = Describe("A VerifiedChart refuses", Label("chart", "cosign"), func() {
	var w *world
	BeforeEach(func(ctx SpecContext) { w = newWorld(GinkgoT().Context()) })

	DescribeTable("an unproven chart, and serves nothing of it",
		func(arrange func()) {
			arrange()
			w.declare()
			obj := w.reason(v1alpha1.SourceVerifiedCondition, metav1.ConditionFalse, v1alpha1.VerificationErrorReason)
			Expect(conditions.IsFalse(obj, meta.ReadyCondition)).To(BeTrue())
			Expect(obj.Status.Artifact).To(BeNil())
			Expect(w.externalArtifact()).To(BeNil())
			Expect(w.files()).To(BeEmpty())
			Expect(w.registry.Requests()).NotTo(ContainElement(ContainSubstring("/blobs/" + digest.FromBytes(charttest.Archive("app", "1.0.0")).String())))
		},
		Entry("D1: an unsigned chart", func() { w.push("1.0.0") }),
		Entry("D2: a stranger's signature", func() { w.push("1.0.0", w.theirs) }),
		Entry("D3: the signature of another digest", func() {
			d := w.push("1.0.0")
			other := w.push("2.0.0")
			w.repo.PushLayers(verifytest.SignatureTag(d.Digest), w.ours.Legacy(w.repo, verifytest.Payload(other.Digest)))
		}),
		Entry("D4: a payload that was altered", func() {
			d := w.push("1.0.0")
			layer := w.repo.PushBlob("application/vnd.dev.cosign.simplesigning.v1+json", verifytest.Payload(d.Digest))
			layer.Annotations = map[string]string{"dev.cosignproject.cosign/signature": w.ours.Sign([]byte("other"))}
			w.repo.PushLayers(verifytest.SignatureTag(d.Digest), layer)
		}),
		Entry("D5: a signature that is not for a container", func() {
			d := w.push("1.0.0")
			w.repo.PushLayers(verifytest.SignatureTag(d.Digest), w.ours.Legacy(w.repo, verifytest.PayloadOf(d.Digest.String(), "other")))
		}),
	)

	DescribeTable("an artifact that is not one chart, and keeps the published chart",
		func(condition, reason string, push func() ocispec.Descriptor) {
			proven := w.push("0.9.0", w.ours)
			w.declare(func(s *v1alpha1.VerifiedChartSpec) { s.Ref = v1alpha1.ChartRef{SemVer: ">=0.1.0"} })
			w.ready(proven.Digest)
			w.sign(push().Digest, w.ours)
			w.reconcile()
			obj := w.reason(condition, metav1.ConditionTrue, reason)
			Expect(obj.Status.Artifact.Revision).To(HaveSuffix(proven.Digest.String()))
			Expect(artifactBytes(obj)).To(Equal(charttest.Archive("app", "0.9.0")))
			Expect(w.files()).To(HaveLen(1))
		},
		Entry("B1: an index", v1alpha1.FetchFailedCondition, v1alpha1.OCILayerOperationFailedReason, func() ocispec.Descriptor {
			return w.repo.PushIndex("1.0.0")
		}),
		Entry("B4: two chart layers", v1alpha1.FetchFailedCondition, v1alpha1.OCILayerOperationFailedReason, func() ocispec.Descriptor {
			return w.repo.PushImage("1.0.0", w.repo.PushBlob(chart.ConfigMediaType, charttest.ConfigJSON("app", "1.0.0")),
				w.repo.PushBlob(chart.ArchiveMediaType, charttest.Archive("app", "1.0.0")), w.repo.PushBlob(chart.ArchiveMediaType, charttest.Archive("app", "1.0.1")))
		}),
		Entry("B5: a container image", v1alpha1.FetchFailedCondition, v1alpha1.OCILayerOperationFailedReason, func() ocispec.Descriptor {
			return w.repo.PushLayers("1.0.0", w.repo.PushBlob(ocispec.MediaTypeImageLayerGzip, []byte("layer")))
		}),
		Entry("C13: a login page", v1alpha1.BuildFailedCondition, v1alpha1.ChartInvalidReason, func() ocispec.Descriptor {
			return w.pushArchive("1.0.0", []byte("<html>log in</html>"))
		}),
		Entry("a truncated archive", v1alpha1.BuildFailedCondition, v1alpha1.ChartInvalidReason, func() ocispec.Descriptor {
			archive := charttest.Archive("app", "1.0.0")
			return w.pushArchive("1.0.0", archive[:len(archive)/2])
		}),
		Entry("B10: a configuration of another version", v1alpha1.BuildFailedCondition, v1alpha1.ChartMismatchReason, func() ocispec.Descriptor {
			return w.repo.PushChart("1.0.0", charttest.ConfigJSON("app", "1.0.1"), charttest.Archive("app", "1.0.0"))
		}),
		Entry("C7: a chart of another name", v1alpha1.BuildFailedCondition, v1alpha1.ChartMismatchReason, func() ocispec.Descriptor {
			return w.repo.PushChart("1.0.0", charttest.ConfigJSON("other", "1.0.0"), charttest.Archive("other", "1.0.0"))
		}),
		Entry("C7: a chart of another version than its tag", v1alpha1.BuildFailedCondition, v1alpha1.ChartMismatchReason, func() ocispec.Descriptor {
			return w.repo.PushChart("1.0.0", charttest.ConfigJSON("app", "0.1.0"), charttest.Archive("app", "0.1.0"))
		}),
	)

	DescribeTable("a spec that cannot work, and asks no registry",
		func(reason string, change func(*v1alpha1.VerifiedChartSpec)) {
			w.push("1.0.0", w.ours)
			w.declare(change)
			obj := w.reason(meta.StalledCondition, metav1.ConditionTrue, reason)
			Expect(obj.Status.ObservedGeneration).To(Equal(obj.Generation))
		},
		Entry("a malformed filter", v1alpha1.ReferenceInvalidReason, func(s *v1alpha1.VerifiedChartSpec) {
			s.Ref = v1alpha1.ChartRef{SemVer: ">=1.0.0", SemverFilter: "("}
		}),
	)

	It("an empty range, naming the existing versions", func() {
		w.push("1.0.0", w.ours)
		w.declare(func(s *v1alpha1.VerifiedChartSpec) { s.Ref = v1alpha1.ChartRef{SemVer: ">=2.0.0"} })
		obj := w.reason(v1alpha1.FetchFailedCondition, metav1.ConditionTrue, v1alpha1.OCIPullFailedReason)
		Expect(conditions.GetMessage(obj, meta.ReconcilingCondition)).To(ContainSubstring("1.0.0"))
	})
})
