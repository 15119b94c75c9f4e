// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"context"
	"errors"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/test/realparts"
	"github.com/verifiedchart/verifiedchart/test/scenario"
)

// Faults of the network between the controller and the registry, made by toxiproxy.
var _ = Describe("faults of the network", Label("network", "registry"), func() {
	// broken returns a tenant whose registry is reached by a way on which faults can be made.
	broken := func(ctx context.Context) (*scenario.World, *realparts.Faults) {
		GinkgoHelper()
		startOnce(ctx)
		way, err := realparts.StartFaults(ctx, GinkgoT().TempDir(), shared.hubs[distribution], shared.world.Group)
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(way.Stop)
		w := tenantAt(ctx, realparts.At(way.Addr, shared.hubs[distribution]))
		DeferCleanup(report, w)
		return w, way
	}
	// unreachable returns nil if the registry could not be read.
	unreachable := lacks(v1alpha1.OCIPullFailedReason)
	// kept returns nil if the chart is published although the registry could not be read.
	kept := func(vc *v1alpha1.VerifiedChart) error { return errors.Join(published(vc), unreachable(vc)) }

	reset := realparts.Fault{Type: "reset_peer", Attributes: map[string]int{"timeout": 0}}
	resetLater := realparts.Fault{Type: "reset_peer", Attributes: map[string]int{"timeout": 50}}
	cutHeader := realparts.Fault{Type: "limit_data", Attributes: map[string]int{"bytes": 20}}
	cutManifest := realparts.Fault{Type: "limit_data", Attributes: map[string]int{"bytes": 600}}
	cutArchive := realparts.Fault{Type: "limit_data", Attributes: map[string]int{"bytes": 3000}}
	silence := realparts.Fault{Type: "timeout", Attributes: map[string]int{"timeout": 500}}
	slow := realparts.Fault{Type: "latency", Attributes: map[string]int{"latency": 300, "jitter": 100}}

	DescribeTable("never withdraw a published chart, which is verified again after", func(ctx SpecContext, fault realparts.Fault, expected func(*v1alpha1.VerifiedChart) error) {
		w, way := broken(ctx)
		run(ctx, w, func(ctx context.Context, w *scenario.World) {
			chart := pushSigned(ctx, w, "signed", scenario.Version)
			Expect(w.Declare(ctx, "signed", pinned)).To(Succeed())
			Expect(w.ProvenAs(ctx, chart)).To(Succeed())
			stop := watchful(w, urlOf(ctx, w, "signed"))

			Expect(way.Make(ctx, fault)).To(Succeed())
			Expect(w.Reconcile(ctx, "signed", expected)).To(Succeed())
			Expect(w.ServedAs(ctx, chart)).To(Succeed())
			Expect(way.Mend(ctx)).To(Succeed())
			Expect(w.Reconcile(ctx, "signed", published)).To(Succeed())
			Expect(w.ProvenAs(ctx, chart)).To(Succeed())

			Expect(stop()).To(BeEmpty())
			Expect(warnings(ctx, w, "signed", v1alpha1.ArtifactWithdrawnReason)).To(BeZero())
		})
	},
		Entry("connections that are reset at once", reset, kept),
		Entry("connections that are reset after a moment", resetLater, published),
		Entry("answers that are cut in the status line", cutHeader, kept),
		Entry("connections that are cut after one answer", cutManifest, published),
		Entry("connections on which nothing arrives, and which are closed", silence, kept),
		Entry("slow answers", slow, published),
	)

	DescribeTable("leave the published chart as it is, until a newer one can be read, with", func(ctx SpecContext, fault realparts.Fault) {
		w, way := broken(ctx)
		run(ctx, w, func(ctx context.Context, w *scenario.World) {
			older := pushSigned(ctx, w, "signed", "1.0.0")
			Expect(w.Declare(ctx, "signed", `semver: ">=1.0.0"`)).To(Succeed())
			Expect(w.ProvenAs(ctx, older)).To(Succeed())
			newer := pushSigned(ctx, w, "signed", "1.1.0")

			Expect(way.Make(ctx, fault)).To(Succeed())
			Expect(w.Reconcile(ctx, "signed", kept)).To(Succeed())
			Expect(w.ServedAs(ctx, older)).To(Succeed())
			Expect(w.NotServed(ctx, newer)).To(Succeed())
			Expect(way.Mend(ctx)).To(Succeed())
			Expect(w.ProvenAs(ctx, newer)).To(Succeed())
			Expect(warnings(ctx, w, "signed", v1alpha1.ArtifactWithdrawnReason)).To(BeZero())
		})
	},
		Entry("connections that are reset", reset),
		Entry("answers that are cut in the manifest", cutManifest),
		Entry("answers that are cut in the archive", cutArchive),
		Entry("connections on which nothing arrives, and which are closed", silence),
	)

	DescribeTable("keep a chart from being published, until they are over, by", func(ctx SpecContext, fault realparts.Fault) {
		w, way := broken(ctx)
		run(ctx, w, func(ctx context.Context, w *scenario.World) {
			chart := pushSigned(ctx, w, "signed", scenario.Version)
			Expect(way.Make(ctx, fault)).To(Succeed())
			Expect(w.Declare(ctx, "signed", pinned)).To(Succeed())
			Expect(w.Until(ctx, "signed", unreachable)).To(Succeed())
			Expect(w.NotServed(ctx, chart)).To(Succeed())
			Expect(way.Mend(ctx)).To(Succeed())
			Expect(w.ProvenAs(ctx, chart)).To(Succeed())
		})
	},
		Entry("connections that are reset", reset),
		Entry("answers that are cut in the manifest", cutManifest),
		Entry("answers that are cut in the archive", cutArchive),
		Entry("connections on which nothing arrives, and which are closed", silence),
	)
})
