// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/fluxcd/pkg/apis/meta"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/test/realparts"
	"github.com/verifiedchart/verifiedchart/test/scenario"
)

// late is what comes by itself, on a machine that is busy, at most.
const late = 5 * time.Second

// moments are what the clock alone brings about: nobody edits anything, nor asks for a reconciliation, when it does.
func moments(w **scenario.World) {
	spec("a chart that was signed just now is refused, and published by itself when its signature is old enough", w,
		func(ctx context.Context, w *scenario.World) {
			const age = 7 * time.Second
			Expect(w.Push(ctx, "fresh")).To(Succeed())
			Expect(w.Cosign.SignKeyless(ctx, realparts.LoggedBundle, scenario.Identity, w.Sigstore, w.Charts["fresh"].Ref())).To(Succeed())
			Expect(w.DeclareFor(ctx, "fresh", pinned, w.IdentityAuthority(), "minSignatureAge: "+age.String())).To(Succeed())
			Expect(w.Until(ctx, "fresh", withdrawn)).To(Succeed())
			Expect(w.NotServed(ctx, w.Charts["fresh"])).To(Succeed())
			refused, err := w.Get(ctx, "fresh")
			Expect(err).NotTo(HaveOccurred())

			Expect(w.Proven(ctx, "fresh")).To(Succeed())
			vc, err := w.Get(ctx, "fresh")
			Expect(err).NotTo(HaveOccurred())
			signedAt := vc.Status.Verification.Authorities[0].SignedAt
			Expect(vc.Status.Verification.VerifiedAt.Time).To(BeTemporally("~", signedAt.Add(age), late))
			Expect(time.Now()).To(BeTemporally(">=", signedAt.Add(age)))
			Expect(vc.Generation).To(Equal(refused.Generation))
		})

	spec("an unsigned chart is published while it is exempted, and withdrawn by itself when that ends", w,
		func(ctx context.Context, w *scenario.World) {
			Expect(w.Push(ctx, "exempted")).To(Succeed())
			end := time.Now().Add(7 * time.Second).UTC().Truncate(time.Second)
			Expect(w.DeclareFor(ctx, "exempted", pinned, scenario.KeyAuthority(), fmt.Sprintf(
				"exemptions: [{digest: %q, reason: the release key is lost, expiresAt: %q}]", w.Charts["exempted"].Digest, end.Format(time.RFC3339),
			))).To(Succeed())
			Expect(w.Until(ctx, "exempted", exempted)).To(Succeed())
			Expect(w.ServedAsPushed(ctx, "exempted")).To(Succeed())
			Eventually(warnings).WithContext(ctx).WithArguments(w, "exempted", v1alpha1.ExemptedReason).WithTimeout(time.Minute).Should(BeEquivalentTo(1))

			url := urlOf(ctx, w, "exempted")
			Expect(w.Until(ctx, "exempted", withdrawn)).To(Succeed())
			Expect(time.Now()).To(BeTemporally("~", end, late))
			Expect(time.Now()).To(BeTemporally(">=", end))
			expectGone(ctx, w, "exempted", url)
		})

	spec("while the registry is out of reach what is known of a chart is enough to go on serving it", w,
		func(ctx context.Context, w *scenario.World) {
			declareSigned(ctx, w, "remote", pinned)
			edit(ctx, w, "remote", "verify: {maxUnverifiedAge: 1m}")
			w.Registry.OutOfReach(true)
			Expect(w.Reconcile(ctx, "remote", lacks(v1alpha1.OCIPullFailedReason))).To(Succeed())
			vc, err := w.Get(ctx, "remote")
			Expect(err).NotTo(HaveOccurred())
			Expect(vc.Status.UnverifiedSince).To(BeNil())
			Expect(w.ServedAsPushed(ctx, "remote")).To(Succeed())
		})

	spec("once it is not, it is served until maxUnverifiedAge is over, and withdrawn by itself just then", w,
		func(ctx context.Context, w *scenario.World) {
			url := urlOf(ctx, w, "remote")
			trustOnly(ctx, w, "remote", w.Stranger) // who may have signed it since
			Expect(w.Until(ctx, "remote", unverified)).To(Succeed())
			Expect(w.ServedAsPushed(ctx, "remote")).To(Succeed())
			end := backdate(ctx, w, "remote", 54*time.Second).Add(time.Minute)
			Expect(w.Reconcile(ctx, "remote", unverified)).To(Succeed())
			Expect(w.ServedAsPushed(ctx, "remote")).To(Succeed())

			Expect(w.Until(ctx, "remote", unjudged)).To(Succeed())
			Expect(time.Now()).To(BeTemporally("~", end, late))
			Expect(time.Now()).To(BeTemporally(">=", end))
			expectGone(ctx, w, "remote", url)
			Eventually(warnings).WithContext(ctx).WithArguments(w, "remote", v1alpha1.ArtifactWithdrawnReason).WithTimeout(time.Minute).Should(BeEquivalentTo(1))
		})

	spec("it is published again when the registry and the key are back", w, func(ctx context.Context, w *scenario.World) {
		w.Registry.OutOfReach(false)
		trustOnly(ctx, w, "remote", w.Release)
		Expect(w.Proven(ctx, "remote")).To(Succeed())
		vc, err := w.Get(ctx, "remote")
		Expect(err).NotTo(HaveOccurred())
		Expect(vc.Status.UnverifiedSince).To(BeNil())
	})
}

// exempted returns nil if a VerifiedChart is published by an exemption, and says that it is not proven.
func exempted(vc *v1alpha1.VerifiedChart) error {
	if err := published(vc); err != nil {
		return err
	}
	if e := vc.Status.Verification.Exceptions; len(e) != 1 || e[0].Rule != "Exemption" || e[0].Reason != "the release key is lost" {
		return fmt.Errorf("the exceptions are %v", e)
	}
	return errors.Join(
		scenario.Condition(vc, v1alpha1.SourceVerifiedCondition, metav1.ConditionFalse, v1alpha1.ExemptedReason),
		scenario.Condition(vc, meta.ReadyCondition, metav1.ConditionTrue, meta.SucceededReason),
	)
}

// unverified returns nil if a VerifiedChart is published though it cannot be found out whether it is trusted.
func unverified(vc *v1alpha1.VerifiedChart) error {
	if vc.Status.UnverifiedSince == nil {
		return fmt.Errorf("VerifiedChart %s can be judged", vc.Name)
	}
	return published(vc)
}

// unjudged returns nil if a VerifiedChart has no artifact since it could not be found out whether it is trusted.
func unjudged(vc *v1alpha1.VerifiedChart) error {
	if vc.Status.Artifact != nil {
		return fmt.Errorf("VerifiedChart %s is published", vc.Name)
	}
	return undecided(vc)
}

// backdate makes it longer that a VerifiedChart could not be judged, and returns since when it is then.
func backdate(ctx context.Context, w *scenario.World, name string, by time.Duration) (since time.Time) {
	Eventually(func() error {
		vc, err := w.Get(ctx, name)
		if err != nil {
			return err
		}
		since = vc.Status.UnverifiedSince.Add(-by)
		patch := client.MergeFromWithOptions(vc.DeepCopy(), client.MergeFromWithOptimisticLock{})
		vc.Status.UnverifiedSince = &metav1.Time{Time: since}
		return w.Client.Status().Patch(ctx, vc, patch)
	}).WithContext(ctx).WithTimeout(10 * time.Second).Should(Succeed())
	return since
}
