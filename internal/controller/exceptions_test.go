// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"time"

	"github.com/fluxcd/pkg/runtime/conditions"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
)

var _ = Describe("A chart in mode Audit", Label("policy"), func() {
	var w *world
	BeforeEach(func() { w = newWorld(context.Background()) })

	audited := rules(func(r *v1alpha1.Rules) { r.Mode = v1alpha1.ModeAudit })

	It("is published although it is unsigned, and the status says so", func() {
		d := w.push("1.0.0")
		w.declare(audited)
		obj := w.ready(d.Digest)
		Expect(conditions.IsFalse(obj, v1alpha1.SourceVerifiedCondition)).To(BeTrue())
		Expect(conditions.GetReason(obj, v1alpha1.SourceVerifiedCondition)).To(Equal(v1alpha1.VerificationErrorReason))
		Expect(obj.Status.Verification.Exceptions).To(ConsistOf(HaveField("Rule", "Audit")))
		Expect(obj.Status.History).To(BeEmpty(), "nothing was proven")
		Expect(artifactBytes(obj)).NotTo(BeEmpty())
		w.warned(v1alpha1.VerificationErrorReason)

		w.edit(rules(func(r *v1alpha1.Rules) { r.Mode = v1alpha1.ModeEnforce }))
		w.isWithdrawn()
	})

	It("is published although its keys are missing, and by proof once they exist", func() {
		d := w.push("1.0.0", w.ours)
		w.deleteSecret("cosign-pub")
		w.declare(audited)
		obj := w.ready(d.Digest)
		Expect(conditions.IsUnknown(obj, v1alpha1.SourceVerifiedCondition)).To(BeTrue())
		w.setKeys(w.ours)
		w.eventually(func(g Gomega, obj *v1alpha1.VerifiedChart) {
			g.Expect(conditions.IsTrue(obj, v1alpha1.SourceVerifiedCondition)).To(BeTrue())
			g.Expect(obj.Status.Verification.Exceptions).To(BeEmpty())
		})
	})

	It("is proven once it is signed, even if older answers are cached", func() {
		d := w.push("1.0.0")
		w.declare(audited)
		w.ready(d.Digest)
		w.sign(d.Digest, w.ours)
		obj := w.reconcile()
		Expect(conditions.IsTrue(obj, v1alpha1.SourceVerifiedCondition)).To(BeTrue())
		Expect(obj.Status.Verification.Exceptions).To(BeEmpty())
	})

	It("is withdrawn when that mode ends, even while the registry is out of reach", func() {
		d := w.push("1.0.0")
		w.declare(audited)
		w.ready(d.Digest)
		w.unreachable()
		w.edit(rules(func(r *v1alpha1.Rules) { r.Mode = v1alpha1.ModeEnforce }))
		w.isWithdrawn()
	})

	It("stays published when that mode ends while the registry is out of reach, if it was proven", func() {
		d := w.push("1.0.0", w.ours)
		w.declare(audited)
		w.ready(d.Digest)
		w.unreachable()
		w.edit(rules(func(r *v1alpha1.Rules) { r.Mode = v1alpha1.ModeEnforce }))
		Expect(artifactBytes(w.reconcile())).NotTo(BeEmpty())
	})

	It("causes no write at each reconcile", func() {
		d := w.push("1.0.0")
		w.declare(audited)
		w.ready(d.Digest)
		before := w.reconcile()
		w.reconcileAlone(before)
		Expect(w.get().ResourceVersion).To(Equal(before.ResourceVersion))
	})

	It("is not published if it is not a chart", func() {
		w.repo.PushImage("1.0.0", w.repo.PushBlob("application/x", []byte("{}")))
		w.declare(audited)
		w.reason(v1alpha1.FetchFailedCondition, metav1.ConditionTrue, v1alpha1.OCILayerOperationFailedReason)
	})
})

var _ = Describe("A chart with an exemption", Label("policy", "deadline"), func() {
	var w *world
	BeforeEach(func() { w = newWorld(context.Background()) })

	exempted := func(d ocispec.Descriptor, until time.Time) func(*v1alpha1.VerifiedChartSpec) {
		return rules(func(r *v1alpha1.Rules) {
			r.Exemptions = []v1alpha1.Exemption{{Digest: d.Digest.String(), Reason: "the release key is lost", ExpiresAt: metav1.NewTime(until)}}
		})
	}

	It("is published until the exemption ends, and the status says why", func() {
		d := w.push("1.0.0")
		w.declare(exempted(d, time.Now().Add(6*time.Second)))
		obj := w.ready(d.Digest)
		Expect(conditions.IsFalse(obj, v1alpha1.SourceVerifiedCondition)).To(BeTrue())
		Expect(conditions.GetReason(obj, v1alpha1.SourceVerifiedCondition)).To(Equal(v1alpha1.ExemptedReason))
		Expect(obj.Status.Verification.Exceptions).To(ConsistOf(And(HaveField("Rule", "Exemption"), HaveField("Reason", "the release key is lost"))))
		w.warned(v1alpha1.ExemptedReason)
		w.rejected()
		w.isWithdrawn()
	})

	It("is published until the exemption ends, even if its tag now names an untrusted chart", func() {
		d := w.push("1.0.0", w.ours)
		w.declare()
		w.ready(d.Digest)
		w.pushWith("1.0.0", "other: true\n")
		until := time.Now().Add(4 * time.Second)
		w.edit(exempted(d, until))
		w.setKeys(w.theirs)
		w.eventually(func(g Gomega, obj *v1alpha1.VerifiedChart) {
			g.Expect(obj.Status.Verification.Exceptions).To(ConsistOf(HaveField("Rule", "Exemption")))
		})
		w.isWithdrawn()
		Expect(time.Now()).To(BeTemporally(">=", until.Truncate(time.Second)))
	})

	It("needs no exemption once it is signed, even if its tag now names another chart", func() {
		d := w.push("1.0.0")
		w.declare(exempted(d, time.Now().Add(time.Hour)))
		w.ready(d.Digest)
		w.pushWith("1.0.0", "other: true\n")
		w.sign(d.Digest, w.ours)
		w.reconcile()
		obj := w.eventually(func(g Gomega, obj *v1alpha1.VerifiedChart) {
			g.Expect(obj.Status.Verification.Exceptions).To(BeEmpty())
			g.Expect(obj.Status.Verification.Authorities).To(HaveLen(1))
		})
		Expect(obj.Status.History).To(ConsistOf(HaveField("Digest", d.Digest.String())))
		w.unreachable()
		w.edit(rules(func(r *v1alpha1.Rules) { r.Exemptions = nil }))
		Expect(artifactBytes(w.reconcile())).NotTo(BeEmpty())
	})

	It("is not published if another digest is exempted, or the time is over", func() {
		d := w.push("1.0.0")
		other := w.push("1.0.1")
		w.declare(exempted(other, time.Now().Add(time.Hour)))
		Expect(w.rejected().Status.Artifact).To(BeNil())
		w.edit(exempted(d, time.Now().Add(-time.Second)))
		w.reconcile()
		Expect(w.rejected().Status.Artifact).To(BeNil())
	})
})
