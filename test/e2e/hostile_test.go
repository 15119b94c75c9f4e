// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"context"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/test/realparts"
	"github.com/verifiedchart/verifiedchart/test/scenario"
)

// signature is the reference under which cosign keeps the signatures of a chart.
func signature(chart realparts.Pushed) name.Reference {
	ref, err := name.ParseReference(chart.Repository+":"+strings.Replace(chart.Digest.String(), ":", "-", 1)+".sig", name.Insecure)
	Expect(err).NotTo(HaveOccurred())
	return ref
}

// lacks returns a question whether a VerifiedChart could not be fetched for a reason.
func lacks(reason string) func(*v1alpha1.VerifiedChart) error {
	return func(vc *v1alpha1.VerifiedChart) error {
		return scenario.Condition(vc, v1alpha1.FetchFailedCondition, metav1.ConditionTrue, reason)
	}
}

// hostile is what is in the registry and must not come out of the controller.
func hostile(w **scenario.World) {
	spec("D3: a genuine signature that was copied from another chart does not vouch", w,
		func(ctx context.Context, w *scenario.World) {
			genuine, err := remote.Image(signature(w.Charts["signed"]), remote.WithContext(ctx))
			Expect(err).NotTo(HaveOccurred())
			Expect(remote.Write(signature(w.Charts["unsigned"]), genuine, remote.WithContext(ctx))).To(Succeed())
			Expect(w.Reconcile(ctx, "unsigned", scenario.IsRefused)).To(Succeed())
			Expect(w.NotServed(ctx, w.Charts["unsigned"])).To(Succeed())
		})

	spec("B5: a container image is not a chart", w, func(ctx context.Context, w *scenario.World) {
		image, err := random.Image(1024, 2)
		Expect(err).NotTo(HaveOccurred())
		push(ctx, w, "image", image)
		Expect(w.Declare(ctx, "image", "tag: "+scenario.Version)).To(Succeed())
		Expect(w.Until(ctx, "image", lacks(v1alpha1.OCILayerOperationFailedReason))).To(Succeed())
	})

	spec("B1: an index is not a chart", w, func(ctx context.Context, w *scenario.World) {
		index, err := random.Index(1024, 1, 2)
		Expect(err).NotTo(HaveOccurred())
		ref, err := name.ParseReference(w.Registry.Addr()+"/charts/index:"+scenario.Version, name.Insecure)
		Expect(err).NotTo(HaveOccurred())
		Expect(remote.WriteIndex(ref, index, remote.WithContext(ctx))).To(Succeed())
		Expect(w.Declare(ctx, "index", "tag: "+scenario.Version)).To(Succeed())
		Expect(w.Until(ctx, "index", lacks(v1alpha1.OCILayerOperationFailedReason))).To(Succeed())
	})

	spec("a chart that is not in the registry cannot be fetched, and is once it is pushed and signed", w,
		func(ctx context.Context, w *scenario.World) {
			Expect(w.Declare(ctx, "late", "tag: "+scenario.Version)).To(Succeed())
			Expect(w.Until(ctx, "late", lacks(v1alpha1.OCIPullFailedReason))).To(Succeed())
			Expect(w.Push(ctx, "late")).To(Succeed())
			Expect(w.Cosign.Sign(ctx, w.Release, w.Charts["late"].Ref())).To(Succeed())
			Expect(w.Reconcile(ctx, "late", published)).To(Succeed())
			Expect(w.Proven(ctx, "late")).To(Succeed())
		})
}

// push pushes what is no chart under the name of one.
func push(ctx context.Context, w *scenario.World, chart string, image v1.Image) {
	ref, err := name.ParseReference(w.Registry.Addr()+"/charts/"+chart+":"+scenario.Version, name.Insecure)
	Expect(err).NotTo(HaveOccurred())
	Expect(remote.Write(ref, image, remote.WithContext(ctx))).To(Succeed())
}
