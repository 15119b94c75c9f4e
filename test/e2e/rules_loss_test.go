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

// losses are what becomes of an artifact that is not trusted any more.
func losses(w **scenario.World) {
	var chart realparts.Pushed

	spec("where onTrustLoss is Hold the artifact goes on being served when its key is replaced, and the status says so", w,
		func(ctx context.Context, w *scenario.World) {
			declareSigned(ctx, w, "held", pinned)
			edit(ctx, w, "held", "verify: {onTrustLoss: Hold}")
			stop := watchful(w, urlOf(ctx, w, "held"))
			trustOnly(ctx, w, "held", w.Stranger)
			Expect(w.Until(ctx, "held", scenario.IsRefused)).To(Succeed())
			Expect(w.ServedAsPushed(ctx, "held")).To(Succeed())
			vc, err := w.Get(ctx, "held")
			Expect(err).NotTo(HaveOccurred())
			Expect(conditions.GetMessage(vc, meta.ReadyCondition)).To(ContainSubstring("onTrustLoss is Hold"))

			trustOnly(ctx, w, "held", w.Release)
			Expect(w.Proven(ctx, "held")).To(Succeed())
			_, failures := stop()
			Expect(failures).To(BeEmpty())
			Expect(warnings(ctx, w, "held", v1alpha1.ArtifactWithdrawnReason)).To(BeZero())
		})

	spec("a held artifact is withdrawn as soon as it is not to be held any more", w, func(ctx context.Context, w *scenario.World) {
		url := urlOf(ctx, w, "held")
		trustOnly(ctx, w, "held", w.Stranger)
		Expect(w.Until(ctx, "held", scenario.IsRefused)).To(Succeed())
		edit(ctx, w, "held", "verify: {onTrustLoss: Withdraw}")
		Expect(w.Until(ctx, "held", withdrawn)).To(Succeed())
		expectGone(ctx, w, "held", url)
	})

	spec("a chart that is installed is downloaded once", w, func(ctx context.Context, w *scenario.World) {
		w.Registry.Forget()
		chart = declareSigned(ctx, w, "lost", pinned)
		Expect(downloads(w, chart)).To(Equal(1))
		Expect(w.Install(ctx, "lost")).To(Succeed())
		Eventually(w.ReleaseReady).WithContext(ctx).WithArguments("lost").WithTimeout(time.Minute).WithPolling(100 * time.Millisecond).Should(Succeed())
	})

	spec("when its key is replaced it is withdrawn with one warning, and its release is left alone, also by a helm-controller that looks", w,
		func(ctx context.Context, w *scenario.World) {
			release := releases(ctx, w, "lost")
			Expect(release).To(HaveLen(1))
			url := urlOf(ctx, w, "lost")
			w.Registry.Forget()
			trustOnly(ctx, w, "lost", w.Stranger)
			Expect(w.Until(ctx, "lost", withdrawn)).To(Succeed())
			expectGone(ctx, w, "lost", url)
			Eventually(warnings).WithContext(ctx).WithArguments(w, "lost", v1alpha1.ArtifactWithdrawnReason).WithTimeout(time.Minute).Should(BeEquivalentTo(1))
			lookAgain(ctx, w, "lost")
			Expect(w.ReleaseReady(ctx, "lost")).NotTo(Succeed(), "helm-controller has seen that the artifact is gone")
			Expect(releases(ctx, w, "lost")).To(Equal(release))
		})

	spec("when its key is back the same bytes are published without a download, and nothing is upgraded", w,
		func(ctx context.Context, w *scenario.World) {
			release := releases(ctx, w, "lost")
			trustOnly(ctx, w, "lost", w.Release)
			Expect(w.ProvenAs(ctx, chart)).To(Succeed())
			Expect(downloads(w, chart)).To(BeZero(), "%q", requestsFor(w, "lost"))
			lookAgain(ctx, w, "lost")
			Expect(w.ReleaseReady(ctx, "lost")).To(Succeed())
			Expect(releases(ctx, w, "lost")).To(Equal(release))
			Expect(warnings(ctx, w, "lost", v1alpha1.ArtifactWithdrawnReason)).To(BeEquivalentTo(1))
		})
}

// downloads returns how often the archive of a chart was asked for since the last Forget.
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

// releases returns what helm keeps of the releases of a chart, one Secret for each
// install, upgrade or rollback, by name and version of the object.
func releases(ctx context.Context, w *scenario.World, name string) map[string]string {
	GinkgoHelper()
	var secrets corev1.SecretList
	Expect(w.Client.List(ctx, &secrets, client.InNamespace(scenario.Namespace), client.MatchingLabels{"owner": "helm", "name": name})).To(Succeed())
	kept := map[string]string{}
	for _, s := range secrets.Items {
		kept[s.Name] = s.ResourceVersion
	}
	return kept
}

// lookAgain has helm-controller look at a HelmRelease, and returns when it has.
func lookAgain(ctx context.Context, w *scenario.World, name string) {
	GinkgoHelper()
	token := time.Now().Format(time.RFC3339Nano)
	Expect(w.Kubectl.Run(ctx, "annotate", "--overwrite", "helmrelease", name, meta.ReconcileRequestAnnotation+"="+token)).NotTo(BeEmpty())
	Eventually(func() (string, error) {
		return w.Kubectl.Run(ctx, "get", "helmrelease", name, "-o", "jsonpath={.status.lastHandledReconcileAt}")
	}).WithContext(ctx).WithTimeout(time.Minute).Should(Equal(token))
}
