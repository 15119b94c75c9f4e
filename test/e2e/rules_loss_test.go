// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"context"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/fluxcd/pkg/apis/meta"
	"github.com/fluxcd/pkg/runtime/conditions"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/opencontainers/go-digest"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/test/realparts"
	"github.com/verifiedchart/verifiedchart/test/scenario"
)

// Artifacts that are no longer trusted.
var _ = Describe("the loss of trust", Label("policy"), func() {
	spec("is held if onTrustLoss is Hold, and the status shows it", distribution,
		func(ctx context.Context, w *scenario.World) {
			chart := declareSigned(ctx, w, "held", pinned)
			edit(ctx, w, "held", "verify: {onTrustLoss: Hold}")
			stop := watchful(w, urlOf(ctx, w, "held"))
			trustOnly(ctx, w, "held", w.Stranger)
			Expect(w.Until(ctx, "held", scenario.IsRefused)).To(Succeed())
			Expect(w.ServedAs(ctx, chart)).To(Succeed())
			Expect(conditions.GetMessage(get(ctx, w, "held"), meta.ReadyCondition)).To(ContainSubstring("onTrustLoss: Hold"))

			trustOnly(ctx, w, "held", w.Release)
			Expect(w.ProvenAs(ctx, chart)).To(Succeed())
			Expect(stop()).To(BeEmpty())
			Expect(warnings(ctx, w, "held", v1alpha1.ArtifactWithdrawnReason)).To(BeZero())
		})

	spec("ends a held artifact as soon as it is no longer to be held", distribution, func(ctx context.Context, w *scenario.World) {
		declareSigned(ctx, w, "held", pinned)
		edit(ctx, w, "held", "verify: {onTrustLoss: Hold}")
		url := urlOf(ctx, w, "held")
		trustOnly(ctx, w, "held", w.Stranger)
		Expect(w.Until(ctx, "held", scenario.IsRefused)).To(Succeed())
		edit(ctx, w, "held", "verify: {onTrustLoss: Withdraw}")
		Expect(w.Until(ctx, "held", withdrawn)).To(Succeed())
		expectGone(ctx, w, "held", url)
	})

	story("of a chart that is installed", distribution, func(act act) {
		var chart realparts.Pushed
		var release map[string]string

		act("comes after one download", func(ctx context.Context, w *scenario.World) {
			w.Registry.Forget()
			chart = declareSigned(ctx, w, "lost", pinned)
			Expect(downloads(w, chart)).To(Equal(1))
			Expect(w.Install(ctx, "lost")).To(Succeed())
			Eventually(w.ReleaseReady).WithContext(ctx).WithArguments("lost").Should(Succeed())
			release = releases(ctx, w, "lost")
			Expect(release).To(HaveLen(1))
		})

		act("withdraws it with one warning, and does not touch its release, even if helm-controller reconciles", func(ctx context.Context, w *scenario.World) {
			url := urlOf(ctx, w, "lost")
			w.Registry.Forget()
			trustOnly(ctx, w, "lost", w.Stranger)
			Expect(w.Until(ctx, "lost", withdrawn)).To(Succeed())
			expectGone(ctx, w, "lost", url)
			eventuallyWarned(ctx, w, "lost", v1alpha1.ArtifactWithdrawnReason, 1)
			lookAgain(ctx, w, "lost")
			Expect(w.ReleaseReady(ctx, "lost")).NotTo(Succeed(), "helm-controller has seen that the artifact is gone")
			Expect(releases(ctx, w, "lost")).To(Equal(release))
		})

		act("ends when its key is back: the same bytes are published without a download or an upgrade", func(ctx context.Context, w *scenario.World) {
			trustOnly(ctx, w, "lost", w.Release)
			Expect(w.ProvenAs(ctx, chart)).To(Succeed())
			Expect(downloads(w, chart)).To(BeZero(), "%q", requestsFor(w, "lost"))
			lookAgain(ctx, w, "lost")
			Expect(w.ReleaseReady(ctx, "lost")).To(Succeed())
			Expect(releases(ctx, w, "lost")).To(Equal(release))
			Expect(warnings(ctx, w, "lost", v1alpha1.ArtifactWithdrawnReason)).To(BeEquivalentTo(1))
		})
	})
})

// downloads returns the number of requests for the archive of a chart since the last Forget.
func downloads(w *scenario.World, chart realparts.Pushed) (n int) {
	GinkgoHelper()
	archive, err := os.ReadFile(chart.Archive)
	Expect(err).NotTo(HaveOccurred())
	for _, r := range requestsFor(w, chart.Name) {
		if strings.HasPrefix(r, http.MethodGet) && strings.HasSuffix(r, "/blobs/"+digest.FromBytes(archive).String()) {
			n++
		}
	}
	return n
}

// releases returns helm's records of the releases of a chart, one Secret for each install, upgrade or rollback,
// by name and version of the object.
func releases(ctx context.Context, w *scenario.World, name string) map[string]string {
	GinkgoHelper()
	var secrets corev1.SecretList
	Expect(w.Client.List(ctx, &secrets, client.InNamespace(w.Namespace), client.MatchingLabels{"owner": "helm", "name": name})).To(Succeed())
	kept := map[string]string{}
	for _, s := range secrets.Items {
		kept[s.Name] = s.ResourceVersion
	}
	return kept
}

// lookAgain makes helm-controller reconcile a HelmRelease, and returns when it has.
func lookAgain(ctx context.Context, w *scenario.World, name string) {
	GinkgoHelper()
	token := time.Now().Format(time.RFC3339Nano)
	Expect(w.Kubectl.Run(ctx, "annotate", "--overwrite", "helmrelease", name, meta.ReconcileRequestAnnotation+"="+token)).NotTo(BeEmpty())
	Eventually(func() (string, error) {
		return w.Kubectl.Run(ctx, "get", "helmrelease", name, "-o", "jsonpath={.status.lastHandledReconcileAt}")
	}).WithContext(ctx).Should(Equal(token))
}
