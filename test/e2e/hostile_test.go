// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"context"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/test/realparts"
	"github.com/verifiedchart/verifiedchart/test/scenario"
)

// reference parses a reference in a registry.
func reference(text string) name.Reference {
	GinkgoHelper()
	ref, err := name.ParseReference(text, name.Insecure)
	Expect(err).NotTo(HaveOccurred())
	return ref
}

// signature returns the reference under which cosign stores the signatures of a chart.
func signature(chart realparts.Pushed) name.Reference {
	GinkgoHelper()
	return reference(chart.Repository + ":" + strings.Replace(chart.Digest.String(), ":", "-", 1) + ".sig")
}

// Content in the registry that the controller must never serve.
var _ = Describe("in a hostile registry", Label("registry", "network"), func() {
	onEach(func(k kind) {
		spec("D3: a genuine signature that was copied from another chart is not accepted", k,
			func(ctx context.Context, w *scenario.World) {
				signed := pushSigned(ctx, w, "signed", scenario.Version)
				Expect(w.Push(ctx, "unsigned")).To(Succeed())
				genuine, err := remote.Image(signature(signed), remote.WithContext(ctx))
				Expect(err).NotTo(HaveOccurred())
				Expect(remote.Write(signature(w.Charts["unsigned"]), genuine, remote.WithContext(ctx))).To(Succeed())
				for name := range w.Charts {
					Expect(w.Declare(ctx, name, pinned)).To(Succeed())
				}
				Expect(w.ProvenAs(ctx, signed)).To(Succeed())
				Expect(w.Until(ctx, "unsigned", scenario.IsRefused)).To(Succeed())
				Expect(w.NotServed(ctx, w.Charts["unsigned"])).To(Succeed())
			})

		spec("B5: a container image is not a chart", k, func(ctx context.Context, w *scenario.World) {
			image, err := random.Image(1024, 2)
			Expect(err).NotTo(HaveOccurred())
			Expect(remote.Write(reference(w.Repository()+"/image:"+scenario.Version), image, remote.WithContext(ctx))).To(Succeed())
			Expect(w.Declare(ctx, "image", pinned)).To(Succeed())
			Expect(w.Until(ctx, "image", lacks(v1alpha1.OCILayerOperationFailedReason))).To(Succeed())
		})

		spec("B1: an index is not a chart", k, func(ctx context.Context, w *scenario.World) {
			index, err := random.Index(1024, 1, 2)
			Expect(err).NotTo(HaveOccurred())
			Expect(remote.WriteIndex(reference(w.Repository()+"/index:"+scenario.Version), index, remote.WithContext(ctx))).To(Succeed())
			Expect(w.Declare(ctx, "index", pinned)).To(Succeed())
			Expect(w.Until(ctx, "index", lacks(v1alpha1.OCILayerOperationFailedReason))).To(Succeed())
		})

		spec("a missing chart cannot be fetched, and is published once it is pushed and signed", k,
			func(ctx context.Context, w *scenario.World) {
				Expect(w.Declare(ctx, "late", pinned)).To(Succeed())
				Expect(w.Until(ctx, "late", lacks(v1alpha1.OCIPullFailedReason))).To(Succeed())
				late := pushSigned(ctx, w, "late", scenario.Version)
				Expect(w.Reconcile(ctx, "late", published)).To(Succeed())
				Expect(w.ProvenAs(ctx, late)).To(Succeed())
			})
	})
})
