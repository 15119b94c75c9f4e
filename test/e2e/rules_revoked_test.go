// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"context"
	"fmt"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/test/scenario"
)

// Revocations, whatever key accepts the chart.
var _ = Describe("a chart", Label("revocation"), func() {
	for _, way := range []struct {
		text string
		list func(*v1alpha1.VerifiedChart) string
	}{
		{"digest", func(vc *v1alpha1.VerifiedChart) string {
			return fmt.Sprintf("digests: [%q]", vc.Status.Verification.Digest)
		}},
		{"key, as the status names it,", func(vc *v1alpha1.VerifiedChart) string {
			return fmt.Sprintf("keys: [%q]", vc.Status.Verification.Authorities[0].Signer)
		}},
		{"version", func(*v1alpha1.VerifiedChart) string { return `versions: ["<1.1.0"]` }},
	} {
		spec("whose "+way.text+" is revoked is withdrawn, even out of reach of the registry, and published again when it no longer is", distribution,
			func(ctx context.Context, w *scenario.World) {
				chart := declareSigned(ctx, w, "revoked", ranged)
				url := urlOf(ctx, w, "revoked")
				outOfReach(w)
				edit(ctx, w, "revoked", "verify: {revoked: {"+way.list(get(ctx, w, "revoked"))+"}}")
				Expect(w.Until(ctx, "revoked", revoked)).To(Succeed())
				expectGone(ctx, w, "revoked", url)

				w.Registry.OutOfReach(false)
				Expect(w.Reconcile(ctx, "revoked", withdrawn)).To(Succeed(), "the registry does not change that")
				edit(ctx, w, "revoked", "verify: {revoked: null}")
				Expect(w.ProvenAs(ctx, chart)).To(Succeed())
			})
	}
})

// revoked returns nil if a VerifiedChart is not trusted and has no artifact, whether or not the registry is
// reachable.
func revoked(vc *v1alpha1.VerifiedChart) error {
	if vc.Status.Artifact != nil {
		return fmt.Errorf("VerifiedChart %s is published", vc.Name)
	}
	return scenario.Condition(vc, v1alpha1.SourceVerifiedCondition, metav1.ConditionFalse, v1alpha1.VerificationErrorReason)
}
