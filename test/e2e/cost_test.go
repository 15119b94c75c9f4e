// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"context"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/verifiedchart/verifiedchart/test/realparts"
	"github.com/verifiedchart/verifiedchart/test/scenario"
)

// requestsFor returns the requests to the registry about one chart since the last Forget.
func requestsFor(w *scenario.World, name string) []string {
	var requests []string
	for _, r := range w.Registry.Requests() {
		if strings.Contains(r, "/v2/"+w.Folder+"/"+name+"/") {
			requests = append(requests, r)
		}
	}
	return requests
}

// Requests to a registry.
var _ = Describe("the cost of a chart", Label("registry"), func() {
	onEach(func(k kind) {
		spec("that is new is at most 6 requests to the registry, its range of versions included", k,
			func(ctx context.Context, w *scenario.World) {
				chart := pushSigned(ctx, w, "cold", scenario.Version)
				w.Registry.Forget()
				Expect(w.Declare(ctx, "cold", `semver: ">=1.0.0 <2.0.0"`)).To(Succeed())
				Expect(w.ProvenAs(ctx, chart)).To(Succeed())
				Expect(len(requestsFor(w, "cold"))).To(BeNumerically("<=", 6), "%q", requestsFor(w, "cold"))
			})

		spec("that is unchanged is at most 2 requests, and no write to its status", k,
			func(ctx context.Context, w *scenario.World) {
				declareSigned(ctx, w, "unchanged", `semver: ">=1.0.0 <2.0.0"`)
				idle(ctx, w)
				before, err := w.Get(ctx, "unchanged")
				Expect(err).NotTo(HaveOccurred())
				w.Registry.Forget()
				Expect(w.Reconcile(ctx, "unchanged", published)).To(Succeed())
				idle(ctx, w)
				Expect(len(requestsFor(w, "unchanged"))).To(And(BeNumerically(">", 0), BeNumerically("<=", 2)), "%q", requestsFor(w, "unchanged"))
				after, err := w.Get(ctx, "unchanged")
				Expect(err).NotTo(HaveOccurred())
				after.Status.LastHandledReconcileAt = before.Status.LastHandledReconcileAt
				Expect(after.Status).To(Equal(before.Status))
			})

		spec("that is signed keyless is at most 6 requests if it is new, and one if it is unchanged", k,
			func(ctx context.Context, w *scenario.World) {
				Expect(w.Push(ctx, "keyless")).To(Succeed())
				Expect(w.Cosign.SignKeyless(ctx, realparts.LoggedBundle, scenario.Identity, w.Sigstore, w.Charts["keyless"].Ref())).To(Succeed())
				w.Registry.Forget()
				Expect(w.DeclareFor(ctx, "keyless", pinned, w.IdentityAuthority())).To(Succeed())
				Expect(w.Proven(ctx, "keyless")).To(Succeed())
				Expect(len(requestsFor(w, "keyless"))).To(BeNumerically("<=", 6), "%q", requestsFor(w, "keyless"))
				idle(ctx, w)
				w.Registry.Forget()
				Expect(w.Reconcile(ctx, "keyless", published)).To(Succeed())
				idle(ctx, w)
				Expect(requestsFor(w, "keyless")).To(HaveLen(1))
			})
	})
})
