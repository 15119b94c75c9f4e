// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"context"
	"net/http"
	"path/filepath"

	"github.com/fluxcd/pkg/apis/meta"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/test/scenario"
)

// undecided returns nil if there is no verdict on a VerifiedChart.
func undecided(vc *v1alpha1.VerifiedChart) error {
	return scenario.Condition(vc, v1alpha1.SourceVerifiedCondition, metav1.ConditionUnknown, v1alpha1.TrustUnavailableReason)
}

// trust is what happens when the key does. Nothing asks for a reconciliation here: a Secret is watched.
func trust(w **scenario.World) {
	spec("while the key is gone there is no verdict, and what was proven stays published", w,
		func(ctx context.Context, w *scenario.World) {
			Expect(w.Client.Delete(ctx, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: scenario.Namespace, Name: scenario.KeySecret}})).To(Succeed())
			Expect(w.Until(ctx, "signed", undecided)).To(Succeed())
			Expect(w.ServedAsPushed(ctx, "signed")).To(Succeed())
		})

	spec("it heals by itself when the key is back", w, func(ctx context.Context, w *scenario.World) {
		Expect(w.Trust(ctx, w.Release)).To(Succeed())
		Expect(w.Proven(ctx, "signed")).To(Succeed())
	})

	spec("D11: when the key is replaced the chart is withdrawn at once, and a running release is not touched", w,
		func(ctx context.Context, w *scenario.World) {
			vc, err := w.Get(ctx, "signed")
			Expect(err).NotTo(HaveOccurred())
			url, path := vc.Status.Artifact.URL, stored(ctx, w, "signed")
			Expect(w.Trust(ctx, w.Stranger)).To(Succeed())
			Expect(w.Until(ctx, "signed", scenario.IsRefused)).To(Succeed())
			vc, err = w.Get(ctx, "signed")
			Expect(err).NotTo(HaveOccurred())
			Expect(vc.Status.Artifact).To(BeNil())
			Expect(w.Announced(ctx, "signed")).To(BeNil())
			status, _, err := w.Download(ctx, url)
			Expect(err).NotTo(HaveOccurred())
			Expect(status).To(Equal(http.StatusNotFound))
			Expect(path).NotTo(BeAnExistingFile())
			var note corev1.ConfigMap
			Expect(w.Client.Get(ctx, client.ObjectKey{Namespace: scenario.Namespace, Name: "signed"}, &note)).To(Succeed())
		})

	spec("what the other key signed is proven now", w, func(ctx context.Context, w *scenario.World) {
		Expect(w.Proven(ctx, "stranger")).To(Succeed())
	})

	spec("when the key is restored so is the publication", w, func(ctx context.Context, w *scenario.World) {
		Expect(w.Trust(ctx, w.Release)).To(Succeed())
		Expect(w.Proven(ctx, "signed")).To(Succeed())
		Expect(w.Until(ctx, "stranger", scenario.IsRefused)).To(Succeed())
		Expect(w.NotServed(ctx, w.Charts["stranger"])).To(Succeed())
		Expect(w.ReleaseReady(ctx, "signed")).To(Succeed())
	})
}

// deletion is the end of a VerifiedChart.
func deletion(w **scenario.World) {
	spec("a VerifiedChart that is deleted takes its artifact and its ExternalArtifact with it", w,
		func(ctx context.Context, w *scenario.World) {
			Expect(w.Kubectl.Run(ctx, "delete", "verifiedchart", "cold", "--timeout=30s")).NotTo(BeEmpty())
			Expect(w.Announced(ctx, "cold")).To(BeNil())
			Expect(files(filepath.Join(w.Controller.Storage(), "verifiedchart", scenario.Namespace))).NotTo(ContainElement(ContainSubstring("cold")))
			Expect(w.Proven(ctx, "signed")).To(Succeed(), "the others stay")
		})

	spec("a suspended VerifiedChart is left as it is", w, func(ctx context.Context, w *scenario.World) {
		edit(ctx, w, "late", "suspend: true")
		Expect(w.Trust(ctx, w.Stranger)).To(Succeed())
		Expect(w.Until(ctx, "signed", scenario.IsRefused)).To(Succeed(), "the others learn of the new key")
		vc, err := w.Get(ctx, "late")
		Expect(err).NotTo(HaveOccurred())
		Expect(scenario.Condition(vc, meta.ReadyCondition, metav1.ConditionTrue, meta.SucceededReason)).To(Succeed())
		Expect(w.ServedAsPushed(ctx, "late")).To(Succeed())
	})
}
