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
	"github.com/verifiedchart/verifiedchart/test/scenario"
)

// soon bounds the time for an immediate effect on a busy machine, with a registry that never answers: it is
// shorter than the timeout of a request to that registry, and shorter than an interval.
const soon = time.Minute

// Rules hold while registries hide content or hang, or volumes are lost.
var _ = Describe("a rule holds:", Label("policy"), func() {
	spec("the end of an audit takes effect even while the registry is out of reach", distribution, func(ctx context.Context, w *scenario.World) {
		Expect(w.Push(ctx, "audited")).To(Succeed())
		Expect(w.DeclareFor(ctx, "audited", pinned, scenario.KeyAuthority(), "mode: Audit")).To(Succeed())
		Expect(w.Until(ctx, "audited", published)).To(Succeed())
		url := urlOf(ctx, w, "audited")
		outOfReach(w)
		edit(ctx, w, "audited", "verify: {mode: Enforce}")
		eventuallyNotAt(ctx, w, url)
	})

	spec("B13: a range does not go back if the volume was wiped, as an emptyDir is with each new pod", distribution,
		func(ctx context.Context, w *scenario.World) {
			older := declareSigned(ctx, w, "wiped", ranged)
			newer := publish(ctx, w, "wiped", "1.1.0")
			stopController(w)
			Expect(os.RemoveAll(w.Controller.Storage())).To(Succeed())
			deleteTag(ctx, newer)
			startController(ctx, w)
			Expect(w.Reconcile(ctx, "wiped", lacks(v1alpha1.DowngradeRefusedReason))).To(Succeed())
			Expect(w.NotServed(ctx, older)).To(Succeed())
		})

	spec("a revoked chart is not held", distribution, func(ctx context.Context, w *scenario.World) {
		chart := declareSigned(ctx, w, "held-and-revoked", pinned)
		edit(ctx, w, "held-and-revoked", "verify: {onTrustLoss: Hold}")
		url := urlOf(ctx, w, "held-and-revoked")
		edit(ctx, w, "held-and-revoked", fmt.Sprintf("verify: {revoked: {digests: [%q]}}", chart.Digest))
		Expect(w.Until(ctx, "held-and-revoked", revoked)).To(Succeed())
		expectNotAt(ctx, w, url)
		eventuallyWarned(ctx, w, "held-and-revoked", v1alpha1.ArtifactWithdrawnReason, 1)
		Expect(warnings(ctx, w, "held-and-revoked", v1alpha1.VerificationErrorReason)).To(BeZero(), "of a withdrawal one Warning is sent")
	})

	spec("a revoked chart is withdrawn at once if the registry accepts requests and never answers", distribution, func(ctx context.Context, w *scenario.World) {
		declareSigned(ctx, w, "silenced", pinned)
		edit(ctx, w, "silenced", "timeout: 1h")
		vc := get(ctx, w, "silenced")
		w.Registry.Silent(true)
		DeferCleanup(w.Registry.Silent, false)
		edit(ctx, w, "silenced", fmt.Sprintf("verify: {revoked: {keys: [%q]}}", vc.Status.Verification.Authorities[0].Signer))
		Eventually(statusOf).WithContext(ctx).WithArguments(w, vc.Status.Artifact.URL).WithTimeout(soon).Should(Equal(http.StatusNotFound))
		Eventually(w.Announced).WithContext(ctx).WithArguments("silenced").WithTimeout(soon).Should(BeNil())
	})

	spec("I4: charts of a registry that never answers, as many as are reconciled at a time, keep no other from being withdrawn", distribution,
		func(ctx context.Context, w *scenario.World) {
			declareSigned(ctx, w, "starved", pinned)
			url := urlOf(ctx, w, "starved")
			silent, asked := silentRegistry()
			for i := range 8 {
				Expect(w.Kubectl.Apply(ctx, hanging(w, fmt.Sprintf("hanging-%d", i), silent))).To(Succeed())
			}
			Eventually(asked).WithContext(ctx).Should(Receive())
			trustOnly(ctx, w, "starved", w.Stranger)
			Eventually(statusOf).WithContext(ctx).WithArguments(w, url).WithTimeout(soon).Should(Equal(http.StatusNotFound))
		})
})
