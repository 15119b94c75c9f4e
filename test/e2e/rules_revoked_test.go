// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"context"
	"fmt"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/test/realparts"
	"github.com/verifiedchart/verifiedchart/test/scenario"
)

// revocations are what a spec revokes, whoever vouches for it.
func revocations(w **scenario.World) {
	var chart realparts.Pushed

	spec("a chart that will be revoked is proven", w, func(ctx context.Context, w *scenario.World) {
		chart = declareSigned(ctx, w, "revoked", `semver: ">=1.0.0"`)
	})

	for _, way := range []struct {
		text string
		list func(*v1alpha1.VerifiedChart) string
	}{
		{"its digest", func(vc *v1alpha1.VerifiedChart) string {
			return fmt.Sprintf("digests: [%q]", vc.Status.Verification.Digest)
		}},
		{"its key, as the status names it,", func(vc *v1alpha1.VerifiedChart) string {
			return fmt.Sprintf("keys: [%q]", vc.Status.Verification.Authorities[0].Signer)
		}},
		{"its version", func(*v1alpha1.VerifiedChart) string { return `versions: ["<1.1.0"]` }},
	} {
		spec("when "+way.text+" is revoked it is withdrawn, even out of reach of the registry, and published again when it no longer is", w,
			func(ctx context.Context, w *scenario.World) {
				vc, err := w.Get(ctx, "revoked")
				Expect(err).NotTo(HaveOccurred())
				url := urlOf(ctx, w, "revoked")
				w.Registry.OutOfReach(true)
				edit(ctx, w, "revoked", "verify: {revoked: {"+way.list(vc)+"}}")
				Expect(w.Until(ctx, "revoked", revoked)).To(Succeed())
				expectGone(ctx, w, "revoked", url)

				w.Registry.OutOfReach(false)
				Expect(w.Reconcile(ctx, "revoked", withdrawn)).To(Succeed(), "the registry does not change that")
				edit(ctx, w, "revoked", "verify: {revoked: null}")
				Expect(w.ProvenAs(ctx, chart)).To(Succeed())
			})
	}
}

// revoked returns nil if a VerifiedChart is not trusted and has no artifact, whether or not the registry could be asked.
func revoked(vc *v1alpha1.VerifiedChart) error {
	if vc.Status.Artifact != nil {
		return fmt.Errorf("VerifiedChart %s is published", vc.Name)
	}
	return scenario.Condition(vc, v1alpha1.SourceVerifiedCondition, metav1.ConditionFalse, v1alpha1.VerificationErrorReason)
}
