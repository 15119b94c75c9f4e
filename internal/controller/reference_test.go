// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"net/http"
	"strings"
	"sync"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/internal/chart/charttest"
)

var _ = Describe("A VerifiedChart follows its reference", Label("registry"), func() {
	var w *world
	BeforeEach(func(ctx SpecContext) { w = newWorld(GinkgoT().Context()) })

	It("takes the highest signed version of a range, with _ for +, and moves up", func() {
		w.push("1.0.0", w.ours)
		d := w.repo.PushChart("1.2.3_b", charttest.ConfigJSON("app", "1.2.3+b"), charttest.Archive("app", "1.2.3+b"))
		w.sign(d.Digest, w.ours)
		w.declare(func(s *v1alpha1.VerifiedChartSpec) { s.Ref = v1alpha1.ChartRef{SemVer: ">=1.0.0 <2.0.0"} })
		obj := w.ready(d.Digest)
		Expect(obj.Status.Artifact.Revision).To(Equal("1.2.3_b@"+d.Digest.String()), "B14")

		newer := w.push("1.3.0", w.ours)
		w.reconcile()
		obj = w.ready(newer.Digest)
		Expect(w.externalArtifact()).To(Equal(obj.Status.Artifact))
	})

	It("B11: publishes the verified digest, even if the tag moves meanwhile", func() {
		d := w.push("1.0.0", w.ours)
		var once sync.Once
		w.registry.Break(func(_ http.ResponseWriter, r *http.Request) bool {
			if strings.HasSuffix(r.URL.Path, ".sig") {
				once.Do(func() {
					w.pushArchive("1.0.0", charttest.Archive("app", "1.0.0", charttest.File("values.yaml", "evil: true\n")))
				})
			}
			return false
		})
		w.declare()
		w.ready(d.Digest)
		w.registry.Break(nil)
	})

	It("keeps the last proven revision if its tag moves to unproven bytes", func() {
		d := w.push("1.0.0", w.ours)
		w.declare()
		w.ready(d.Digest)
		w.pushArchive("1.0.0", charttest.Archive("app", "1.0.0", charttest.File("values.yaml", "evil: true\n")))
		w.reconcile()
		obj := w.reason(v1alpha1.SourceVerifiedCondition, metav1.ConditionFalse, v1alpha1.VerificationErrorReason)
		Expect(obj.Status.Artifact.Revision).To(HaveSuffix(d.Digest.String()))
		Expect(artifactBytes(obj)).To(Equal(charttest.Archive("app", "1.0.0")))
		Expect(w.externalArtifact()).To(Equal(obj.Status.Artifact))
	})

	It("B12: keeps the published chart if the tag is gone", func() {
		d := w.push("1.0.0", w.ours)
		w.declare()
		w.ready(d.Digest)
		w.repo.DeleteTag("1.0.0")
		w.reconcile()
		obj := w.reason(v1alpha1.FetchFailedCondition, metav1.ConditionTrue, v1alpha1.OCIPullFailedReason)
		Expect(obj.Status.Artifact.Revision).To(HaveSuffix(d.Digest.String()))
	})

	It("B13: does not go back in a range unless the spec changes", func() {
		old := w.push("1.0.0", w.ours)
		d := w.push("1.1.0", w.ours)
		w.declare(func(s *v1alpha1.VerifiedChartSpec) { s.Ref = v1alpha1.ChartRef{SemVer: ">=1.0.0"} })
		w.ready(d.Digest)
		w.repo.DeleteTag("1.1.0")
		w.reconcile()
		obj := w.reason(v1alpha1.FetchFailedCondition, metav1.ConditionTrue, v1alpha1.DowngradeRefusedReason)
		Expect(obj.Status.Artifact.Revision).To(HaveSuffix(d.Digest.String()))
		w.edit(func(s *v1alpha1.VerifiedChartSpec) { s.Ref = v1alpha1.ChartRef{Tag: "1.0.0"} })
		w.ready(old.Digest)
	})

	It("B15: recovers from a version above all others that a stolen key signed, by an exclusion or a pin", func() {
		good := w.push("1.0.0", w.ours)
		stolen := w.push("999999.0.0", w.ours)
		w.declare(func(s *v1alpha1.VerifiedChartSpec) { s.Ref = v1alpha1.ChartRef{SemVer: ">=1.0.0"} })
		w.ready(stolen.Digest)
		w.edit(func(s *v1alpha1.VerifiedChartSpec) { s.Ref.SemVer = ">=1.0.0 <999999.0.0" })
		w.ready(good.Digest)
		w.edit(func(s *v1alpha1.VerifiedChartSpec) { s.Ref.SemVer = ">=1.0.0" })
		w.ready(stolen.Digest)
		w.edit(func(s *v1alpha1.VerifiedChartSpec) { s.Ref = v1alpha1.ChartRef{Tag: "1.0.0"} })
		w.ready(good.Digest)
	})

	It("takes a chart with another name only if the spec sets chartName", func() {
		d := w.repo.PushChart("1.0.0", charttest.ConfigJSON("other", "1.0.0"), charttest.Archive("other", "1.0.0"))
		w.sign(d.Digest, w.ours)
		w.declare(func(s *v1alpha1.VerifiedChartSpec) { s.ChartName = "other" })
		w.ready(d.Digest)
		w.edit(func(s *v1alpha1.VerifiedChartSpec) { s.ChartName = "" })
		w.reason(v1alpha1.BuildFailedCondition, metav1.ConditionTrue, v1alpha1.ChartMismatchReason)
	})

	It("prefers a digest to a range or a tag", func() {
		first := w.push("1.0.0", w.ours)
		second := w.push("1.1.0", w.ours)
		third := w.push("2.0.0", w.ours)
		w.declare(func(s *v1alpha1.VerifiedChartSpec) {
			s.Ref = v1alpha1.ChartRef{Digest: first.Digest.String(), SemVer: "1.x"}
		})
		w.ready(first.Digest)
		w.edit(func(s *v1alpha1.VerifiedChartSpec) { s.Ref.Digest = "" })
		w.ready(second.Digest)
		w.edit(byTag("2.0.0"))
		w.ready(third.Digest)
	})
})
