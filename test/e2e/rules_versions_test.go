// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"context"
	"time"

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

// versions are what a version may become, and which may follow which.
func versions(w **scenario.World) {
	mutations(w)
	downgrades(w)
}

// mutations are of a version that is pushed anew, and signed.
func mutations(w **scenario.World) {
	var first, second realparts.Pushed
	// mutated expects that so many warnings of a mutation were sent.
	mutated := func(ctx context.Context, w *scenario.World, n int) {
		GinkgoHelper()
		Eventually(warnings).WithContext(ctx).WithArguments(w, "mutated", v1alpha1.VersionMutatedReason).WithTimeout(time.Minute).Should(BeEquivalentTo(n))
	}

	spec("a version that is pushed anew is refused, even signed: both digests are named, and the first is served", w,
		func(ctx context.Context, w *scenario.World) {
			first = declareSigned(ctx, w, "mutated", pinned)
			second = pushSigned(ctx, w, "mutated", scenario.Version)
			Expect(w.Reconcile(ctx, "mutated", lacks(v1alpha1.VersionMutatedReason))).To(Succeed())
			vc, err := w.Get(ctx, "mutated")
			Expect(err).NotTo(HaveOccurred())
			Expect(conditions.GetMessage(vc, meta.ReadyCondition)).To(And(ContainSubstring(first.Digest.String()), ContainSubstring(second.Digest.String())))
			Expect(w.ServedAs(ctx, first)).To(Succeed())
			Expect(w.NotServed(ctx, second)).To(Succeed())
			mutated(ctx, w, 1) // as a failure
		})

	spec("it is published with a warning where versionMutation is Warn", w, func(ctx context.Context, w *scenario.World) {
		edit(ctx, w, "mutated", "verify: {versionMutation: Warn}")
		Expect(w.ProvenAs(ctx, second)).To(Succeed())
		mutated(ctx, w, 2)
	})

	spec("another is published with none where versionMutation is Allow", w, func(ctx context.Context, w *scenario.World) {
		third := pushSigned(ctx, w, "mutated", scenario.Version)
		edit(ctx, w, "mutated", "verify: {versionMutation: Allow}")
		Expect(w.ProvenAs(ctx, third)).To(Succeed())
		Expect(w.NotServed(ctx, first)).To(Succeed())
		Expect(w.Reconcile(ctx, "mutated", published)).To(Succeed())
		mutated(ctx, w, 2)
	})
}

// downgrades are of a range whose greatest version is not what it was.
func downgrades(w **scenario.World) {
	const ranged = `semver: ">=1.0.0"`
	var least realparts.Pushed
	// publish pushes a version, signs it and waits until it is published.
	publish := func(ctx context.Context, w *scenario.World, version string) realparts.Pushed {
		GinkgoHelper()
		chart := pushSigned(ctx, w, "ranged", version)
		Expect(w.Reconcile(ctx, "ranged", published)).To(Succeed())
		Expect(w.ProvenAs(ctx, chart)).To(Succeed())
		return chart
	}

	spec("a range whose newest tag is deleted does not go back", w, func(ctx context.Context, w *scenario.World) {
		least = declareSigned(ctx, w, "ranged", ranged)
		newer := publish(ctx, w, "1.1.0")
		deleteTag(ctx, newer)
		Expect(w.Reconcile(ctx, "ranged", lacks(v1alpha1.DowngradeRefusedReason))).To(Succeed())
		Expect(w.ServedAs(ctx, newer)).To(Succeed())
	})

	spec("it does where allowDowngrade is set", w, func(ctx context.Context, w *scenario.World) {
		edit(ctx, w, "ranged", "allowDowngrade: true")
		Expect(w.ProvenAs(ctx, least)).To(Succeed())
		deleteTag(ctx, publish(ctx, w, "1.2.0"))
		Expect(w.Reconcile(ctx, "ranged", published)).To(Succeed())
		Expect(w.ProvenAs(ctx, least)).To(Succeed(), "also with no change to the spec")
	})

	spec("B15: a range that was carried off to a signed 999.0.0 comes back by a pin, with the same object", w,
		func(ctx context.Context, w *scenario.World) {
			edit(ctx, w, "ranged", "allowDowngrade: false")
			stolen := publish(ctx, w, "999.0.0")
			before, err := w.Get(ctx, "ranged")
			Expect(err).NotTo(HaveOccurred())
			edit(ctx, w, "ranged", "ref: {semver: null, "+pinned+"}")
			Expect(w.ProvenAs(ctx, least)).To(Succeed())
			expectNotAt(ctx, w, before.Status.Artifact.URL)
			Eventually(w.NotServed).WithContext(ctx).WithArguments(stolen).WithTimeout(time.Minute).Should(Succeed(), "its file goes when nothing names it")
			after, err := w.Get(ctx, "ranged")
			Expect(err).NotTo(HaveOccurred())
			Expect(after.UID).To(Equal(before.UID))
		})
}

// pushSigned pushes a version of a chart, and signs it with the release key.
func pushSigned(ctx context.Context, w *scenario.World, chart, version string) realparts.Pushed {
	GinkgoHelper()
	pushed, err := w.PushSigned(ctx, chart, version)
	Expect(err).NotTo(HaveOccurred())
	return pushed
}

// deleteTag deletes the tag that is the version of a chart from the registry.
func deleteTag(ctx context.Context, chart realparts.Pushed) {
	GinkgoHelper()
	tag, err := name.NewTag(chart.Repository+":"+chart.Version, name.Insecure)
	Expect(err).NotTo(HaveOccurred())
	Expect(remote.Delete(tag, remote.WithContext(ctx))).To(Succeed())
}
