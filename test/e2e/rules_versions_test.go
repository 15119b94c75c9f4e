// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"context"

	"github.com/fluxcd/pkg/apis/meta"
	"github.com/fluxcd/pkg/runtime/conditions"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/test/realparts"
	"github.com/verifiedchart/verifiedchart/test/scenario"
)

// ranged is the ref of any version.
const ranged = `semver: ">=1.0.0"`

// Allowed versions and their order.
var _ = Describe("a version", Label("policy", "registry"), func() {
	story("that is pushed anew, and signed,", distribution, func(act act) {
		var first, second realparts.Pushed

		act("is refused: both digests are named, and the first is served", func(ctx context.Context, w *scenario.World) {
			first = declareSigned(ctx, w, "mutated", pinned)
			second = pushSigned(ctx, w, "mutated", scenario.Version)
			Expect(w.Reconcile(ctx, "mutated", lacks(v1alpha1.VersionMutatedReason))).To(Succeed())
			Expect(conditions.GetMessage(get(ctx, w, "mutated"), meta.ReadyCondition)).To(
				And(ContainSubstring(first.Digest.String()[:19]), ContainSubstring(second.Digest.String()[:19])))
			Expect(w.ServedAs(ctx, first)).To(Succeed())
			Expect(w.NotServed(ctx, second)).To(Succeed())
			eventuallyWarned(ctx, w, "mutated", v1alpha1.VersionMutatedReason, 1) // as a failure
		})

		act("is published with a warning if versionMutation is Warn", func(ctx context.Context, w *scenario.World) {
			edit(ctx, w, "mutated", "verify: {versionMutation: Warn}")
			Expect(w.ProvenAs(ctx, second)).To(Succeed())
			eventuallyWarned(ctx, w, "mutated", v1alpha1.VersionMutatedReason, 2)
		})

		act("is published without a warning if versionMutation is Allow", func(ctx context.Context, w *scenario.World) {
			third := pushSigned(ctx, w, "mutated", scenario.Version)
			edit(ctx, w, "mutated", "verify: {versionMutation: Allow}")
			Expect(w.ProvenAs(ctx, third)).To(Succeed())
			eventuallyNotServed(ctx, w, first)
			Expect(w.Reconcile(ctx, "mutated", published)).To(Succeed())
			eventuallyWarned(ctx, w, "mutated", v1alpha1.VersionMutatedReason, 2)
		})
	})

	spec("that is the newest of a range and is deleted is not followed by an older one, unless allowDowngrade is set", distribution,
		func(ctx context.Context, w *scenario.World) {
			least := declareSigned(ctx, w, "ranged", ranged)
			newer := publish(ctx, w, "ranged", "1.1.0")
			deleteTag(ctx, newer)
			Expect(w.Reconcile(ctx, "ranged", lacks(v1alpha1.DowngradeRefusedReason))).To(Succeed())
			Expect(w.ServedAs(ctx, newer)).To(Succeed())

			edit(ctx, w, "ranged", "allowDowngrade: true")
			Expect(w.ProvenAs(ctx, least)).To(Succeed())
			deleteTag(ctx, publish(ctx, w, "ranged", "1.2.0"))
			Expect(w.Reconcile(ctx, "ranged", published)).To(Succeed())
			Expect(w.ProvenAs(ctx, least)).To(Succeed(), "also with no change to the spec")
		})

	spec("B15: that moved a range to a signed 999.0.0 is left by a pin, in the same object", distribution,
		func(ctx context.Context, w *scenario.World) {
			least := declareSigned(ctx, w, "ranged", ranged)
			stolen := publish(ctx, w, "ranged", "999.0.0")
			before := get(ctx, w, "ranged")
			edit(ctx, w, "ranged", "ref: {semver: null, "+pinned+"}")
			Expect(w.ProvenAs(ctx, least)).To(Succeed())
			eventuallyNotAt(ctx, w, before.Status.Artifact.URL)
			eventuallyNotServed(ctx, w, stolen)
			Expect(get(ctx, w, "ranged").UID).To(Equal(before.UID))
		})
})

// publish pushes a version, signs it and waits until it is published.
func publish(ctx context.Context, w *scenario.World, name, version string) realparts.Pushed {
	GinkgoHelper()
	chart := pushSigned(ctx, w, name, version)
	Expect(w.Reconcile(ctx, name, published)).To(Succeed())
	Expect(w.ProvenAs(ctx, chart)).To(Succeed())
	return chart
}

// eventuallyNotServed expects that the file of a replaced chart is removed.
func eventuallyNotServed(ctx context.Context, w *scenario.World, chart realparts.Pushed) {
	GinkgoHelper()
	Eventually(w.NotServed).WithContext(ctx).WithArguments(chart).Should(Succeed())
}

// deleteTag deletes the tag that is the version of a chart from the registry.
func deleteTag(ctx context.Context, chart realparts.Pushed) {
	GinkgoHelper()
	tag, err := name.NewTag(chart.Repository+":"+chart.Version, name.Insecure)
	Expect(err).NotTo(HaveOccurred())
	Expect(remote.Delete(tag, remote.WithContext(ctx))).To(Succeed())
}
