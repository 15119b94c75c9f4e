// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/test/realparts"
	"github.com/verifiedchart/verifiedchart/test/scenario"
)

// soon is how long what takes effect at once may take, with a registry that never answers.
const soon = 15 * time.Second

// firmness is that rules hold while registries hide, or hang, or volumes are lost.
func firmness(w **scenario.World) {
	spec("an audit that is over is over, also while the registry is out of reach", w, func(ctx context.Context, w *scenario.World) {
		Expect(w.Push(ctx, "audited")).To(Succeed())
		Expect(w.DeclareFor(ctx, "audited", pinned, scenario.KeyAuthority(), "mode: Audit")).To(Succeed())
		Expect(w.Until(ctx, "audited", published)).To(Succeed())
		url := urlOf(ctx, w, "audited")
		w.Registry.OutOfReach(true)
		DeferCleanup(w.Registry.OutOfReach, false)
		edit(ctx, w, "audited", "verify: {mode: Enforce}")
		Eventually(statusOf).WithContext(ctx).WithArguments(w, url).WithTimeout(soon).Should(Equal(http.StatusNotFound))
	})

	spec("B13: a range does not go back where the volume was wiped, as an emptyDir is with each new pod", w,
		func(ctx context.Context, w *scenario.World) {
			older := declareSigned(ctx, w, "wiped", `semver: ">=1.0.0"`)
			newer := pushSigned(ctx, w, "wiped", "1.1.0")
			Expect(w.Reconcile(ctx, "wiped", published)).To(Succeed())
			Expect(w.ProvenAs(ctx, newer)).To(Succeed())
			Expect(w.Controller.Stop()).To(Succeed())
			Expect(os.RemoveAll(w.Controller.Storage())).To(Succeed())
			deleteTag(ctx, newer)
			Expect(w.Controller.Start(ctx, &w.Group)).To(Succeed())
			expectNoDowngrade(ctx, w, "wiped", older)
		})

	spec("what is revoked is not held", w, func(ctx context.Context, w *scenario.World) {
		chart := declareSigned(ctx, w, "unheld", pinned)
		edit(ctx, w, "unheld", "verify: {onTrustLoss: Hold}")
		url := urlOf(ctx, w, "unheld")
		edit(ctx, w, "unheld", fmt.Sprintf("verify: {revoked: {digests: [%q]}}", chart.Digest))
		Expect(w.Until(ctx, "unheld", revoked)).To(Succeed())
		Expect(statusOf(ctx, w, url)).To(Equal(http.StatusNotFound))
		told, err := warnings(ctx, w, "unheld", v1alpha1.VerificationErrorReason)
		Expect(err).NotTo(HaveOccurred())
		Expect(told).To(BeZero(), "of a withdrawal one Warning is sent")
	})

	spec("what is revoked ends at once where the registry takes requests and never answers", w, func(ctx context.Context, w *scenario.World) {
		declareSigned(ctx, w, "silenced", pinned)
		vc, err := w.Get(ctx, "silenced")
		Expect(err).NotTo(HaveOccurred())
		w.Registry.Silent(true)
		DeferCleanup(w.Registry.Silent, false)
		edit(ctx, w, "silenced", fmt.Sprintf("verify: {revoked: {keys: [%q]}}", vc.Status.Verification.Authorities[0].Signer))
		Eventually(statusOf).WithContext(ctx).WithArguments(w, vc.Status.Artifact.URL).WithTimeout(soon).Should(Equal(http.StatusNotFound))
		Eventually(w.Announced).WithContext(ctx).WithArguments("silenced").WithTimeout(soon).Should(BeNil())
	})

	spec("I4: charts of a registry that never answers, as many as are reconciled at a time, keep no other from being withdrawn", w,
		func(ctx context.Context, w *scenario.World) {
			declareSigned(ctx, w, "starved", pinned)
			url := urlOf(ctx, w, "starved")
			silent, asked := silentRegistry()
			for i := range 8 {
				Expect(w.Kubectl.Apply(ctx, hanging(i, silent))).To(Succeed())
			}
			Eventually(asked).WithContext(ctx).WithTimeout(time.Minute).Should(Receive())
			trustOnly(ctx, w, "starved", w.Stranger)
			Eventually(statusOf).WithContext(ctx).WithArguments(w, url).WithTimeout(soon).Should(Equal(http.StatusNotFound))
			for i := range 8 {
				Expect(w.Kubectl.Run(ctx, "delete", "verifiedchart", fmt.Sprintf("hanging-%d", i))).NotTo(BeEmpty())
			}
		})
}

// hanging is a VerifiedChart of a registry, which is given an hour to answer.
func hanging(i int, registry string) string {
	return fmt.Sprintf(`
apiVersion: source.verifiedchart.dev/v1alpha1
kind: VerifiedChart
metadata: {name: hanging-%d, namespace: %s}
spec:
  url: oci://%s/charts/hanging
  insecure: true
  ref: {tag: 1.0.0}
  interval: 1s
  timeout: 1h
  verify: {authorities: [{name: release, provider: cosign, secretRef: {name: %s}}]}
`, i, scenario.Namespace, registry, scenario.KeySecret)
}

// expectNoDowngrade expects that a range that resolves to an older chart than was proven publishes nothing.
func expectNoDowngrade(ctx context.Context, w *scenario.World, name string, older realparts.Pushed) {
	GinkgoHelper()
	Expect(w.Reconcile(ctx, name, lacks(v1alpha1.DowngradeRefusedReason))).To(Succeed())
	Expect(w.ServedAs(ctx, older)).NotTo(Succeed(), "it went back to %s", older.Version)
}

// statusOf returns what a GET is answered.
func statusOf(ctx context.Context, w *scenario.World, url string) (int, error) {
	status, _, err := w.Download(ctx, url)
	return status, err
}
