// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"strings"
	"time"

	"github.com/fluxcd/pkg/apis/meta"
	"github.com/fluxcd/pkg/runtime/conditions"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
)

var _ = Describe("A chart that is no longer trusted", Label("policy"), func() {
	var w *world
	BeforeEach(func() { w = newWorld(context.Background()) })

	archiveRequests := func(d ocispec.Descriptor) (n int) {
		for _, r := range w.registry.Requests() {
			if strings.Contains(r, "/blobs/") && strings.Contains(string(w.manifest(d)), r[strings.LastIndex(r, "/")+1:]) {
				n++
			}
		}
		return n
	}

	It("is published again from the kept bytes when trust returns", func() {
		d := w.push("1.0.0", w.ours)
		w.declare()
		first := w.ready(d.Digest).Status.Artifact
		w.setKeys(w.theirs)
		w.isWithdrawn()
		w.registry.Reset()
		w.setKeys(w.ours)
		again := w.ready(d.Digest)
		Expect(again.Status.Artifact.Digest).To(Equal(first.Digest))
		Expect(artifactBytes(again)).NotTo(BeEmpty())
		Expect(archiveRequests(d)).To(BeZero())
	})

	It("stays served if onTrustLoss is Hold, and the status says so", func() {
		d := w.push("1.0.0", w.ours)
		w.declare(rules(func(r *v1alpha1.Rules) { r.OnTrustLoss = v1alpha1.OnTrustLossHold }))
		w.ready(d.Digest)
		w.setKeys(w.theirs)
		obj := w.rejected()
		Expect(conditions.IsFalse(obj, meta.ReadyCondition)).To(BeTrue())
		Expect(conditions.GetMessage(obj, meta.ReadyCondition)).To(HavePrefix("holding 1.0.0 (onTrustLoss: Hold): "))
		Expect(artifactBytes(obj)).NotTo(BeEmpty())
		Expect(serves(reconciler, obj.Status.Artifact.Path)).To(BeTrue())
		w.edit(rules(func(r *v1alpha1.Rules) { r.OnTrustLoss = "" }))
		w.isWithdrawn()
	})

	DescribeTable("is not held if it is revoked",
		func(revoked func(*v1alpha1.VerifiedChart) v1alpha1.Revocations) {
			d := w.push("1.0.0", w.ours)
			w.declare(rules(func(r *v1alpha1.Rules) { r.OnTrustLoss = v1alpha1.OnTrustLossHold }))
			list := revoked(w.ready(d.Digest))
			w.edit(rules(func(r *v1alpha1.Rules) { r.Revoked = &list }))
			w.isWithdrawn()
		},
		Entry("by its digest", func(obj *v1alpha1.VerifiedChart) v1alpha1.Revocations {
			return v1alpha1.Revocations{Digests: []string{obj.Status.Verification.Digest}}
		}),
		Entry("by the key that signed it", func(obj *v1alpha1.VerifiedChart) v1alpha1.Revocations {
			return v1alpha1.Revocations{Keys: []string{obj.Status.Verification.Signers}}
		}),
	)

	It("is withdrawn when Hold is removed, even while the registry is out of reach", func() {
		d := w.push("1.0.0", w.ours)
		w.declare(rules(func(r *v1alpha1.Rules) { r.OnTrustLoss = v1alpha1.OnTrustLossHold }))
		w.ready(d.Digest)
		w.setKeys(w.theirs)
		Expect(w.rejected().Status.HeldSince).NotTo(BeNil())
		w.unreachable()
		obj := w.reconcile()
		Expect(obj.Status.HeldSince).NotTo(BeNil())
		Expect(artifactBytes(obj)).NotTo(BeEmpty())
		w.edit(rules(func(r *v1alpha1.Rules) { r.OnTrustLoss = "" }))
		Expect(w.isWithdrawn().Status.HeldSince).To(BeNil())
	})

	It("is no longer held once it is trusted again", func() {
		d := w.push("1.0.0", w.ours)
		w.declare(rules(func(r *v1alpha1.Rules) { r.OnTrustLoss = v1alpha1.OnTrustLossHold }))
		w.ready(d.Digest)
		w.setKeys(w.theirs)
		w.rejected()
		w.setKeys(w.ours)
		Expect(w.ready(d.Digest).Status.HeldSince).To(BeNil())
	})

	It("is not replaced, while it is held, by another untrusted chart", func() {
		d := w.push("1.0.0", w.ours)
		w.declare(rules(func(r *v1alpha1.Rules) { r.OnTrustLoss = v1alpha1.OnTrustLossHold }))
		w.ready(d.Digest)
		w.push("1.0.1", w.ours)
		w.setKeys(w.theirs)
		w.edit(func(s *v1alpha1.VerifiedChartSpec) { s.Ref.Tag = "1.0.1" })
		obj := w.rejected()
		Expect(obj.Status.Artifact.Revision).To(HaveSuffix(d.Digest.String()))
	})
})

var _ = Describe("A chart that cannot be verified", Label("deadline"), func() {
	var w *world
	BeforeEach(func() { w = newWorld(context.Background()) })

	It("is withdrawn after maxUnverifiedAge, and published again when it can be verified", func() {
		d := w.push("1.0.0", w.ours)
		w.declare(rules(func(r *v1alpha1.Rules) { r.MaxUnverifiedAge = &metav1.Duration{Duration: time.Hour} }))
		w.ready(d.Digest)
		w.unreachable()
		w.deleteSecret("cosign-pub") // without keys there is no verdict
		obj := w.eventually(func(g Gomega, obj *v1alpha1.VerifiedChart) { g.Expect(obj.Status.UnverifiedSince).NotTo(BeNil()) })
		Expect(obj.Status.Artifact).NotTo(BeNil())
		Expect(obj.Status.UnverifiedSince.Time).To(BeTemporally("~", time.Now(), patience))

		Eventually(func() error {
			obj := w.get()
			patch := client.MergeFromWithOptions(obj.DeepCopy(), client.MergeFromWithOptimisticLock{})
			obj.Status.UnverifiedSince = &metav1.Time{Time: time.Now().Add(-time.Hour)}
			return w.client.Status().Patch(w.ctx, obj, patch)
		}).Should(Succeed())
		w.reconcile()
		obj = w.isWithdrawn()
		Expect(conditions.IsUnknown(obj, v1alpha1.SourceVerifiedCondition)).To(BeTrue())
		w.warned(v1alpha1.ArtifactWithdrawnReason)

		w.registry.Break(nil)
		w.setKeys(w.ours)
		obj = w.ready(d.Digest)
		Expect(obj.Status.UnverifiedSince).To(BeNil())
	})

	It("stays published for any time without a maxUnverifiedAge", func() {
		d := w.push("1.0.0", w.ours)
		w.declare()
		w.ready(d.Digest)
		w.unreachable()
		w.deleteSecret("cosign-pub")
		w.eventually(func(g Gomega, obj *v1alpha1.VerifiedChart) { g.Expect(obj.Status.UnverifiedSince).NotTo(BeNil()) })
		Expect(artifactBytes(w.reconcile())).NotTo(BeEmpty())
	})
})
