// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"github.com/fluxcd/pkg/apis/meta"
	sourcev1 "github.com/fluxcd/source-controller/api/v1"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
)

var _ = Describe("A VerifiedChart", Label("serving"), func() {
	var w *world
	BeforeEach(func(ctx SpecContext) { w = newWorld(GinkgoT().Context()) })

	It("restores its ExternalArtifact when another client deletes or changes it", func() {
		d := w.push("1.0.0", w.ours)
		w.declare()
		obj := w.ready(d.Digest)
		ea := &sourcev1.ExternalArtifact{ObjectMeta: metav1.ObjectMeta{Name: "app", Namespace: w.namespace}}
		Eventually(w.externalArtifact).ShouldNot(BeNil())
		Expect(w.client.Delete(w.ctx, ea)).To(Succeed())
		Eventually(w.externalArtifact).WithTimeout(patience).Should(Equal(obj.Status.Artifact))

		Expect(w.client.Get(w.ctx, client.ObjectKeyFromObject(ea), ea)).To(Succeed())
		ea.Status.Artifact.URL = "http://evil.example/app.tgz"
		Expect(w.client.Status().Update(w.ctx, ea)).To(Succeed())
		Eventually(w.externalArtifact).WithTimeout(patience).Should(Equal(obj.Status.Artifact))
	})

	It("does not touch an ExternalArtifact of its name that has another owner", func() {
		owner := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "owner", Namespace: w.namespace}}
		Expect(w.client.Create(w.ctx, owner)).To(Succeed())
		ea := &sourcev1.ExternalArtifact{ObjectMeta: metav1.ObjectMeta{Name: "app", Namespace: w.namespace}}
		Expect(controllerutil.SetControllerReference(owner, ea, scheme)).To(Succeed())
		Expect(w.client.Create(w.ctx, ea)).To(Succeed())
		w.push("1.0.0", w.ours)
		w.declare()
		w.reason(meta.StalledCondition, metav1.ConditionTrue, v1alpha1.NameTakenReason)
		Expect(w.externalArtifact()).To(BeNil())
	})

	It("does not touch an ExternalArtifact that belongs to another source", func() {
		ea := &sourcev1.ExternalArtifact{ObjectMeta: metav1.ObjectMeta{Name: "app", Namespace: w.namespace}}
		ea.Spec.SourceRef = &meta.NamespacedObjectKindReference{APIVersion: "example.com/v1", Kind: "Other", Name: "app"}
		Expect(w.client.Create(w.ctx, ea)).To(Succeed())
		w.push("1.0.0", w.ours)
		w.declare()
		w.reason(meta.StalledCondition, metav1.ConditionTrue, v1alpha1.NameTakenReason)
		Expect(w.externalArtifact()).To(BeNil())
	})
})
