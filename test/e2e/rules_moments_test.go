// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/fluxcd/pkg/apis/meta"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/test/realparts"
	"github.com/verifiedchart/verifiedchart/test/scenario"
)

// Effects of the clock alone: nobody edits an object or asks for a reconciliation when they happen. On a busy
// machine the specs can only check that an effect comes soon; that it does not come early is exact.
var _ = Describe("a moment", Label("deadline"), func() {
	spec("at which a signature is old enough publishes a chart that was signed a moment ago", distribution,
		func(ctx context.Context, w *scenario.World) {
			Expect(w.Push(ctx, "fresh")).To(Succeed())
			Expect(w.Cosign.SignKeyless(ctx, realparts.LoggedBundle, scenario.Identity, w.Sigstore, w.Charts["fresh"].Ref())).To(Succeed())
			signed := time.Now() // or before
			Expect(w.DeclareFor(ctx, "fresh", pinned, w.IdentityAuthority(), "minSignatureAge: 1h")).To(Succeed())
			Expect(w.Until(ctx, "fresh", withdrawn)).To(Succeed())
			Expect(w.NotServed(ctx, w.Charts["fresh"])).To(Succeed())

			var age time.Duration
			aheadOf(ctx, w, "fresh", withdrawn, func(moment time.Time) {
				age = moment.Sub(signed).Round(time.Second)
				edit(ctx, w, "fresh", fmt.Sprintf("verify: {minSignatureAge: %s}", age))
			})
			Expect(w.Proven(ctx, "fresh")).To(Succeed())
			v := get(ctx, w, "fresh").Status.Verification
			Expect(v.VerifiedAt.Time).To(BeTemporally(">=", v.Authorities[0].SignedAt.Add(age)))
		})

	spec("at which an exemption ends withdraws an unsigned chart that was published by it", distribution,
		func(ctx context.Context, w *scenario.World) {
			Expect(w.Push(ctx, "exempted")).To(Succeed())
			exemption := func(end time.Time) string {
				return fmt.Sprintf("exemptions: [{digest: %q, reason: the release key is lost, expiresAt: %q}]",
					w.Charts["exempted"].Digest, end.UTC().Format(time.RFC3339))
			}
			Expect(w.DeclareFor(ctx, "exempted", pinned, scenario.KeyAuthority(), exemption(time.Now().Add(time.Hour)))).To(Succeed())
			Expect(w.Until(ctx, "exempted", exempted)).To(Succeed())
			Expect(w.ServedAsPushed(ctx, "exempted")).To(Succeed())
			eventuallyWarned(ctx, w, "exempted", v1alpha1.ExemptedReason, 1)
			url := urlOf(ctx, w, "exempted")

			var end time.Time
			aheadOf(ctx, w, "exempted", exempted, func(moment time.Time) {
				end = moment.Truncate(time.Second)
				edit(ctx, w, "exempted", "verify: {"+exemption(end)+"}")
			})
			Expect(w.Until(ctx, "exempted", withdrawn)).To(Succeed())
			Expect(time.Now()).To(BeTemporally(">=", end))
			expectGone(ctx, w, "exempted", url)
		})

	story("at which maxUnverifiedAge is over", distribution, func(act act) {
		const age = 10 * time.Minute

		act("does not come while the registry is out of reach, if the stored material of a chart is enough", func(ctx context.Context, w *scenario.World) {
			chart := declareSigned(ctx, w, "remote", pinned)
			edit(ctx, w, "remote", "verify: {maxUnverifiedAge: "+age.String()+"}")
			outOfReach(w)
			Expect(w.Reconcile(ctx, "remote", lacks(v1alpha1.OCIPullFailedReason))).To(Succeed())
			Expect(get(ctx, w, "remote").Status.UnverifiedSince).To(BeNil())
			Expect(w.ServedAs(ctx, chart)).To(Succeed())
		})

		act("withdraws a chart after its key has gone", func(ctx context.Context, w *scenario.World) {
			url := urlOf(ctx, w, "remote")
			Expect(w.Kubectl.Run(ctx, "delete", "secret", "remote")).NotTo(BeEmpty())
			Expect(w.Until(ctx, "remote", unverified)).To(Succeed())
			Expect(statusOf(ctx, w, url)).To(Equal(200))
			end := backdate(ctx, w, "remote", age-5*time.Second).Add(age)
			anything := func(*v1alpha1.VerifiedChart) error { return nil }
			Expect(w.Reconcile(ctx, "remote", anything)).To(Succeed(), "it learns of the moment")

			Expect(w.Until(ctx, "remote", withdrawnUnverified)).To(Succeed())
			Expect(time.Now()).To(BeTemporally(">=", end))
			expectGone(ctx, w, "remote", url)
			eventuallyWarned(ctx, w, "remote", v1alpha1.ArtifactWithdrawnReason, 1)
		})

		act("is forgotten when the key is back", func(ctx context.Context, w *scenario.World) {
			trustOnly(ctx, w, "remote", w.Release)
			Expect(w.Proven(ctx, "remote")).To(Succeed())
			Expect(get(ctx, w, "remote").Status.UnverifiedSince).To(BeNil())
		})
	})
})

// outOfReach cuts the registry off until the end of the spec.
func outOfReach(w *scenario.World) {
	w.Registry.OutOfReach(true)
	DeferCleanup(w.Registry.OutOfReach, false)
}

// aheadOf sets a time in the near future, and returns when the controller has reconciled the object before that
// time: the object must then still meet the expectation. On a machine that is too busy for that, it sets a
// later time and tries again.
func aheadOf(ctx context.Context, w *scenario.World, name string, before func(*v1alpha1.VerifiedChart) error, set func(time.Time)) {
	GinkgoHelper()
	for ahead := 5 * time.Second; ; ahead *= 2 {
		moment := time.Now().Add(ahead)
		set(moment)
		generation := get(ctx, w, name).Generation
		observed := func(vc *v1alpha1.VerifiedChart) error {
			if vc.Status.ObservedGeneration < generation {
				return fmt.Errorf("generation %d is not observed yet", generation)
			}
			return nil
		}
		Expect(w.Until(ctx, name, observed)).To(Succeed())
		vc := get(ctx, w, name)
		if before(vc) == nil && time.Now().Before(moment) {
			return
		}
		Expect(ahead).To(BeNumerically("<", patience), "the moment always comes first: %v", vc.Status.Conditions)
	}
}

// exempted returns nil if a VerifiedChart is published by an exemption, and its status reports it as
// unverified.
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

// unverified returns nil if a VerifiedChart is published although there is no verdict on it.
func unverified(vc *v1alpha1.VerifiedChart) error {
	if vc.Status.UnverifiedSince == nil {
		return fmt.Errorf("VerifiedChart %s can be verified", vc.Name)
	}
	return published(vc)
}

// withdrawnUnverified returns nil if a VerifiedChart has no artifact because there is no verdict on it.
func withdrawnUnverified(vc *v1alpha1.VerifiedChart) error {
	if vc.Status.Artifact != nil {
		return fmt.Errorf("VerifiedChart %s is published", vc.Name)
	}
	return undecided(vc)
}

// backdate sets an earlier time since which a VerifiedChart could not be verified, and returns it.
func backdate(ctx context.Context, w *scenario.World, name string, by time.Duration) (since time.Time) {
	GinkgoHelper()
	Eventually(func() error {
		vc, err := w.Get(ctx, name)
		if err != nil {
			return err
		}
		since = vc.Status.UnverifiedSince.Add(-by)
		patch := client.MergeFromWithOptions(vc.DeepCopy(), client.MergeFromWithOptimisticLock{})
		vc.Status.UnverifiedSince = &metav1.Time{Time: since}
		return w.Client.Status().Patch(ctx, vc, patch)
	}).WithContext(ctx).Should(Succeed())
	return since
}
