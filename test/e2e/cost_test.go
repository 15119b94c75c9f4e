// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"context"
	"strings"

	. "github.com/onsi/gomega"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/test/scenario"
)

// requestsFor returns what the registry was asked for about one chart since the last Forget.
func requestsFor(w *scenario.World, name string) []string {
	var asked []string
	for _, r := range w.Registry.Requests() {
		if strings.Contains(r, "/v2/charts/"+name+"/") {
			asked = append(asked, r)
		}
	}
	return asked
}

// cost is what a registry is asked for.
func cost(w **scenario.World) {
	spec("a chart that is new costs at most 6 requests to the registry, its range of versions included", w,
		func(ctx context.Context, w *scenario.World) {
			Expect(w.Push(ctx, "cold")).To(Succeed())
			Expect(w.Cosign.Sign(ctx, w.Release, w.Charts["cold"].Ref())).To(Succeed())
			w.Registry.Forget()
			Expect(w.Declare(ctx, "cold", `semver: ">=1.0.0 <2.0.0"`)).To(Succeed())
			Expect(w.Proven(ctx, "cold")).To(Succeed())
			Expect(len(requestsFor(w, "cold"))).To(BeNumerically("<=", 6), "%q", requestsFor(w, "cold"))
		})

	spec("an unchanged chart costs at most 2 requests, and no write to its status", w,
		func(ctx context.Context, w *scenario.World) {
			before, err := w.Get(ctx, "cold")
			Expect(err).NotTo(HaveOccurred())
			w.Registry.Forget()
			Expect(w.Reconcile(ctx, "cold", published)).To(Succeed())
			Expect(len(requestsFor(w, "cold"))).To(And(BeNumerically(">", 0), BeNumerically("<=", 2)), "%q", requestsFor(w, "cold"))
			after, err := w.Get(ctx, "cold")
			Expect(err).NotTo(HaveOccurred())
			after.Status.LastHandledReconcileAt = before.Status.LastHandledReconcileAt
			Expect(after.Status).To(Equal(before.Status))
		})
}

// published returns nil if a VerifiedChart has an artifact.
func published(vc *v1alpha1.VerifiedChart) error {
	if vc.Status.Artifact == nil {
		return errNoArtifact
	}
	return nil
}
