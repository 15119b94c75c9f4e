// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"

	"github.com/fluxcd/pkg/apis/meta"
	"github.com/fluxcd/pkg/runtime/conditions"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
)

var _ = Describe("A chart whose version gets another digest, even a signed one,", Label("policy", "registry"), func() {
	var w *world
	BeforeEach(func() { w = newWorld(context.Background()) })

	var d, moved ocispec.Descriptor
	mutate := func(change ...func(*v1alpha1.VerifiedChartSpec)) {
		GinkgoHelper()
		d = w.push("1.0.0", w.ours)
		w.declare(change...)
		w.ready(d.Digest)
		moved = w.pushWith("1.0.0", "moved: true\n", w.ours)
		w.reconcile()
	}

	It("is refused, both digests are named, and the first stays published", func() {
		mutate()
		obj := w.reason(v1alpha1.FetchFailedCondition, metav1.ConditionTrue, v1alpha1.VersionMutatedReason)
		Expect(conditions.GetMessage(obj, meta.ReconcilingCondition)).To(And(ContainSubstring(d.Digest.String()), ContainSubstring(moved.Digest.String())))
		Expect(obj.Status.Artifact.Revision).To(HaveSuffix(d.Digest.String()))
		Expect(obj.Status.History).To(ConsistOf(And(HaveField("Version", "1.0.0"), HaveField("Digest", d.Digest.String()))))
	})

	It("is also refused after it was withdrawn", func() {
		mutate()
		w.setKeys(w.theirs)
		w.isWithdrawn()
		w.setKeys(w.ours)
		obj := w.reason(v1alpha1.FetchFailedCondition, metav1.ConditionTrue, v1alpha1.VersionMutatedReason)
		Expect(obj.Status.Artifact).To(BeNil())
	})

	It("is refused even if only its archive names its version", func() {
		mutate(func(s *v1alpha1.VerifiedChartSpec) { s.Ref.Tag = "1.0.0" })
		w.repo.PushManifest("stable", w.manifest(moved))
		w.edit(func(s *v1alpha1.VerifiedChartSpec) { s.Ref.Tag = "stable" })
		w.eventually(func(g Gomega, obj *v1alpha1.VerifiedChart) {
			g.Expect(obj.Status.ObservedGeneration).To(Equal(obj.Generation))
			g.Expect(conditions.GetReason(obj, v1alpha1.FetchFailedCondition)).To(Equal(v1alpha1.VersionMutatedReason))
		})
		Expect(w.get().Status.Artifact.Revision).To(HaveSuffix(d.Digest.String()))
	})

	It("is published with a warning if versionMutation is Warn", func() {
		mutate(rules(func(r *v1alpha1.Rules) { r.VersionMutation = v1alpha1.VersionMutationWarn }))
		obj := w.ready(moved.Digest)
		Expect(obj.Status.History).To(ConsistOf(HaveField("Digest", moved.Digest.String())))
		w.warned(v1alpha1.VersionMutatedReason)
	})

	It("is published if that is allowed, or if the spec names the digest", func() {
		mutate(rules(func(r *v1alpha1.Rules) { r.VersionMutation = v1alpha1.VersionMutationAllow }))
		w.ready(moved.Digest)
		w.edit(rules(func(r *v1alpha1.Rules) { r.VersionMutation = "" }))
		w.edit(func(s *v1alpha1.VerifiedChartSpec) { s.Ref = v1alpha1.ChartRef{Digest: d.Digest.String()} })
		w.ready(d.Digest)
	})
})

var _ = Describe("A chart in a range", Label("policy", "registry"), func() {
	var w *world
	BeforeEach(func() { w = newWorld(context.Background()) })

	ranged := func(s *v1alpha1.VerifiedChartSpec) { s.Ref = v1alpha1.ChartRef{SemVer: ">=1.0.0"} }

	It("goes back to a lower version only if that is allowed", func() {
		first, second := w.push("1.0.0", w.ours), w.push("1.1.0", w.ours)
		w.declare(ranged)
		w.ready(second.Digest)
		w.repo.DeleteTag("1.1.0")
		w.reconcile()
		w.reason(v1alpha1.FetchFailedCondition, metav1.ConditionTrue, v1alpha1.DowngradeRefusedReason)
		w.edit(func(s *v1alpha1.VerifiedChartSpec) { s.AllowDowngrade = true })
		w.ready(first.Digest)
	})

	DescribeTable("B15: that was moved to 999.0.0 comes back by",
		func(recover func(*v1alpha1.VerifiedChartSpec)) {
			good := w.push("1.0.0", w.ours)
			w.declare(ranged)
			w.ready(good.Digest)
			stolen := w.push("999.0.0", w.ours)
			w.reconcile()
			w.ready(stolen.Digest)
			w.edit(recover)
			w.ready(good.Digest)
		},
		Entry("a pin", func(s *v1alpha1.VerifiedChartSpec) { s.Ref = v1alpha1.ChartRef{Tag: "1.0.0"} }),
		Entry("an exclusion", func(s *v1alpha1.VerifiedChartSpec) { s.Ref.SemVer = ">=1.0.0 <999.0.0" }),
	)

	It("B15: that was moved to 999.0.0 is withdrawn by revoking that version", func() {
		stolen := w.push("999.0.0", w.ours)
		w.declare(ranged)
		w.ready(stolen.Digest)
		w.edit(rules(func(r *v1alpha1.Rules) { r.Revoked = &v1alpha1.Revocations{Versions: []string{">=999"}} }))
		w.isWithdrawn()
	})
})
