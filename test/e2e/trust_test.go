// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"context"
	"path/filepath"

	"github.com/fluxcd/pkg/apis/meta"
	sourcev1 "github.com/fluxcd/source-controller/api/v1"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/verifiedchart/verifiedchart/test/realparts"
	"github.com/verifiedchart/verifiedchart/test/scenario"
)

// The chart after changes of its key. No step asks for a reconciliation here: a Secret is watched.
var _ = Describe("trust", Label("cosign"), func() {
	onEach(func(k kind) {
		spec("while the key is gone there is no verdict, the verified chart stays published, and all is well again when the key is back", k,
			func(ctx context.Context, w *scenario.World) {
				chart := declareSigned(ctx, w, "signed", pinned)
				Expect(w.Client.Delete(ctx, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: w.Namespace, Name: "signed"}})).To(Succeed())
				Expect(w.Until(ctx, "signed", undecided)).To(Succeed())
				Expect(w.ServedAs(ctx, chart)).To(Succeed())
				trustOnly(ctx, w, "signed", w.Release)
				Expect(w.ProvenAs(ctx, chart)).To(Succeed())
			})

		story("of a key that is replaced", k, func(act act) {
			var signed, stranger realparts.Pushed

			act("D11: the chart is withdrawn at once, and a running release is not touched", func(ctx context.Context, w *scenario.World) {
				signed = pushSigned(ctx, w, "signed", scenario.Version)
				var err error
				stranger, err = w.PushSignedBy(ctx, w.Stranger, "stranger", scenario.Version)
				Expect(err).NotTo(HaveOccurred())
				for _, name := range []string{"signed", "stranger"} {
					Expect(w.Declare(ctx, name, pinned)).To(Succeed())
				}
				Expect(w.Install(ctx, "signed")).To(Succeed())
				Expect(w.ProvenAs(ctx, signed)).To(Succeed())
				Eventually(w.ReleaseReady).WithContext(ctx).WithArguments("signed").Should(Succeed())
				Expect(w.Until(ctx, "stranger", scenario.IsRefused)).To(Succeed())
				url, path := urlOf(ctx, w, "signed"), stored(ctx, w, "signed")

				Expect(w.Trust(ctx, w.Stranger)).To(Succeed())
				Expect(w.Until(ctx, "signed", withdrawn)).To(Succeed())
				expectGone(ctx, w, "signed", url)
				Expect(path).NotTo(BeAnExistingFile())
				var note corev1.ConfigMap
				Expect(w.Client.Get(ctx, client.ObjectKey{Namespace: w.Namespace, Name: "signed"}, &note)).To(Succeed())
			})

			act("the chart that the other key signed is verified now", func(ctx context.Context, w *scenario.World) {
				Expect(w.ProvenAs(ctx, stranger)).To(Succeed())
			})

			act("when the key is restored so is the publication", func(ctx context.Context, w *scenario.World) {
				Expect(w.Trust(ctx, w.Release)).To(Succeed())
				Expect(w.ProvenAs(ctx, signed)).To(Succeed())
				Expect(w.Until(ctx, "stranger", withdrawn)).To(Succeed())
				Expect(w.NotServed(ctx, stranger)).To(Succeed())
				lookAgain(ctx, w, "signed")
				Expect(w.ReleaseReady(ctx, "signed")).To(Succeed())
			})
		})
	})
})

var _ = Describe("a VerifiedChart", Label("status"), func() {
	spec("that is deleted takes its artifact and its ExternalArtifact with it, and nothing else", distribution,
		func(ctx context.Context, w *scenario.World) {
			chart := declareSigned(ctx, w, "kept", pinned)
			declareSigned(ctx, w, "deleted", pinned)
			url := urlOf(ctx, w, "deleted")
			Expect(w.Kubectl.Run(ctx, "delete", "verifiedchart", "deleted", "--timeout="+patience.String())).NotTo(BeEmpty())
			eventuallyNotAt(ctx, w, url)
			Eventually(func() bool {
				err := w.Client.Get(ctx, client.ObjectKey{Namespace: w.Namespace, Name: "deleted"}, &sourcev1.ExternalArtifact{})
				return apierrors.IsNotFound(err)
			}).WithContext(ctx).Should(BeTrue(), "the ExternalArtifact is gone")
			Eventually(files).WithArguments(filepath.Join(w.Controller.Storage(), "verifiedchart", w.Namespace, "deleted")).Should(BeEmpty())
			Expect(w.ProvenAs(ctx, chart)).To(Succeed(), "the others stay")
		})

	spec("that is suspended is left unchanged", distribution, func(ctx context.Context, w *scenario.World) {
		chart := pushSigned(ctx, w, "suspended", scenario.Version)
		pushSigned(ctx, w, "other", scenario.Version)
		for name := range w.Charts {
			Expect(w.Declare(ctx, name, pinned)).To(Succeed())
			Expect(w.Proven(ctx, name)).To(Succeed())
		}
		edit(ctx, w, "suspended", "suspend: true")
		Expect(w.Trust(ctx, w.Stranger)).To(Succeed())
		Expect(w.Until(ctx, "other", scenario.IsRefused)).To(Succeed(), "the others learn of the new key")
		idle(ctx, w)
		Expect(scenario.Condition(get(ctx, w, "suspended"), meta.ReadyCondition, metav1.ConditionTrue, meta.SucceededReason)).To(Succeed())
		Expect(w.ServedAs(ctx, chart)).To(Succeed())
	})
})
