// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"context"
	"fmt"
	"slices"

	"github.com/google/go-containerregistry/pkg/v1/remote"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/verifiedchart/verifiedchart/test/realparts"
	"github.com/verifiedchart/verifiedchart/test/scenario"
)

// ociServer returns a tenant with a registry of CUE Labs of its own.
func ociServer(ctx context.Context, flags ...string) *scenario.World {
	GinkgoHelper()
	startOnce(ctx)
	w := tenantAt(ctx, own(realparts.StartOCIServer(ctx, GinkgoT().TempDir(), shared.world.Group, flags...)))
	DeferCleanup(report, w)
	return w
}

// CUE Labs' registry, with the quirks of other registries.
var _ = Describe("quirks", Label("registry", "network"), func() {
	const omitDigest = "-omit-digest"

	DescribeTable("charts are published by tag and by range, and refused without a signature, if the registry", func(ctx SpecContext, flags ...string) {
		w := ociServer(ctx, flags...)
		run(ctx, w, func(ctx context.Context, w *scenario.World) {
			chart := pushSigned(ctx, w, "signed", scenario.Version)
			Expect(w.Declare(ctx, "signed", pinned)).To(Succeed())
			pushSigned(ctx, w, "ranged", scenario.Version)
			newest := pushSigned(ctx, w, "ranged", "1.2.0")
			Expect(w.Declare(ctx, "ranged", `semver: ">=1.0.0"`)).To(Succeed())
			if !slices.Contains(flags, omitDigest) { // cosign pushes no bundle there
				declareBy(ctx, w, "bundled", loggedKeyBundle)
			}
			Expect(w.ProvenAs(ctx, chart)).To(Succeed())
			Expect(w.ProvenAs(ctx, newest)).To(Succeed())
			for name := range w.Charts {
				Expect(w.Reconcile(ctx, name, published)).To(Succeed())
				Expect(w.Proven(ctx, name)).To(Succeed())
			}
			Expect(w.Push(ctx, "unsigned")).To(Succeed())
			Expect(w.Declare(ctx, "unsigned", pinned)).To(Succeed())
			Expect(w.Refused(ctx, "unsigned")).To(Succeed())
		})
	},
		Entry("has no quirk"),
		Entry("redirects each download of a blob to another host", "-blobs="+realparts.OtherHost+":0"),
		Entry("refuses long pages of a list", "-max-list-page-size=2"),
		Entry("omits the digest from its answers", omitDigest),
		Entry("has no referrers API", "-disable-referrers"),
		Entry("omits the Link from the pages of a list", "-omit-link"),
	)

	It("a range resolves to a version that a list of 1000 tags, cut without a Link, does not hold", func(ctx SpecContext) {
		w := ociServer(ctx, "-omit-link")
		run(ctx, w, func(ctx context.Context, w *scenario.World) {
			old := pushSigned(ctx, w, "cut", "1.0.0")
			image, err := remote.Get(reference(old.Ref()), remote.WithContext(ctx))
			Expect(err).NotTo(HaveOccurred())
			for i := range 1000 {
				tag := reference(old.Repository).Context().Tag(fmt.Sprintf("1.1.%d", i))
				Expect(remote.Tag(tag, image, remote.WithContext(ctx))).To(Succeed())
			}
			newest := pushSigned(ctx, w, "cut", "2.0.0")
			Expect(w.Declare(ctx, "cut", `semver: ">=1.0.0"`)).To(Succeed())
			Expect(w.ProvenAs(ctx, newest)).To(Succeed())
		})
	})
})
