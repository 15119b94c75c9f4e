// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/internal/verify/sigstoretest"
	"github.com/verifiedchart/verifiedchart/test/realparts"
	"github.com/verifiedchart/verifiedchart/test/scenario"
)

// identities is what cosign signs in all the ways it has, and whose root proves it.
func identities(w **scenario.World) {
	// byPublicRoot is the authority of the release identity, by the root of the public Sigstore.
	byPublicRoot := func(w *scenario.World) string {
		return strings.ReplaceAll(w.IdentityAuthority(), "trustedRootSecretRef: {name: "+scenario.RootSecret+"}, ", "")
	}
	with := func(authority, more string) string { return authority + ", " + more }

	for _, way := range []struct {
		name, text string
		sign       func(context.Context, *scenario.World, string) error
		authority  func(*scenario.World) string
	}{
		{"legacy-keyless", "a legacy signature of an identity, stamped and not logged",
			func(ctx context.Context, w *scenario.World, ref string) error {
				return cosign2(w).SignKeyless(ctx, realparts.LegacyTag, scenario.Identity, w.Sigstore, ref)
			},
			func(w *scenario.World) string { return with(w.IdentityAuthority(), "transparencyLog: Ignore") }},
		{"legacy-referrer", "a legacy signature of an identity, as a referrer",
			func(ctx context.Context, w *scenario.World, ref string) error {
				return cosign2(w).SignKeyless(ctx, realparts.LegacyReferrer, scenario.Identity, w.Sigstore, ref)
			},
			func(w *scenario.World) string { return with(w.IdentityAuthority(), "transparencyLog: Ignore") }},
		{"stamped-bundle", "a bundle of an identity, stamped and not logged",
			func(ctx context.Context, w *scenario.World, ref string) error {
				return cosign2(w).SignKeyless(ctx, realparts.Bundle, scenario.Identity, w.Sigstore, ref)
			},
			func(w *scenario.World) string { return with(w.IdentityAuthority(), "transparencyLog: Ignore") }},
		{"key-bundle", "a bundle of a key, by cosign 2",
			func(ctx context.Context, w *scenario.World, ref string) error {
				return cosign2(w).SignAs(ctx, realparts.Bundle, w.Release, nil, ref)
			},
			func(*scenario.World) string { return scenario.KeyAuthority() }},
		{"logged-key-bundle", "a bundle of a key, logged, by cosign 3",
			func(ctx context.Context, w *scenario.World, ref string) error {
				return w.Cosign.SignAs(ctx, realparts.LoggedBundle, w.Release, w.Sigstore, ref)
			},
			func(*scenario.World) string {
				return with(scenario.KeyAuthority(), "transparencyLog: Required, trustedRootSecretRef: {name: "+scenario.RootSecret+"}")
			}},
		{"key-elsewhere", "a legacy signature of a key, in another repository",
			func(ctx context.Context, w *scenario.World, ref string) error {
				return cosign2(w).Into(w.Registry.Addr()+"/signatures").Sign(ctx, w.Release, ref)
			},
			func(w *scenario.World) string {
				return with(scenario.KeyAuthority(), "signatureRepository: oci://"+w.Registry.Addr()+"/signatures")
			}},
	} {
		spec(way.text+" is found and proven", w, func(ctx context.Context, w *scenario.World) {
			Expect(w.Push(ctx, way.name)).To(Succeed())
			Expect(way.sign(ctx, w, w.Charts[way.name].Ref())).To(Succeed())
			Expect(w.DeclareFor(ctx, way.name, pinned, way.authority(w))).To(Succeed())
			Expect(w.Proven(ctx, way.name)).To(Succeed())
		})
	}

	spec("D12: a bundle of a key that is not logged is refused where that is required", w, func(ctx context.Context, w *scenario.World) {
		required := with(scenario.KeyAuthority(), "transparencyLog: Required, trustedRootSecretRef: {name: "+scenario.RootSecret+"}")
		Expect(w.DeclareFor(ctx, "key-bundle", pinned, required)).To(Succeed())
		Expect(w.Until(ctx, "key-bundle", scenario.IsRefused)).To(Succeed())
		Expect(w.DeclareFor(ctx, "key-bundle", pinned, scenario.KeyAuthority())).To(Succeed())
		Expect(w.Proven(ctx, "key-bundle")).To(Succeed())
	})

	spec("a keyless chart that is new costs at most 6 requests to the registry, one that is unchanged one", w,
		func(ctx context.Context, w *scenario.World) {
			Expect(w.Push(ctx, "new-keyless")).To(Succeed())
			Expect(w.Cosign.SignKeyless(ctx, realparts.LoggedBundle, scenario.Identity, w.Sigstore, w.Charts["new-keyless"].Ref())).To(Succeed())
			w.Registry.Forget()
			Expect(w.DeclareFor(ctx, "new-keyless", pinned, w.IdentityAuthority())).To(Succeed())
			Expect(w.Proven(ctx, "new-keyless")).To(Succeed())
			Expect(len(requestsFor(w, "new-keyless"))).To(BeNumerically("<=", 6), "%q", requestsFor(w, "new-keyless"))
			w.Registry.Forget()
			Expect(w.Reconcile(ctx, "new-keyless", published)).To(Succeed())
			Expect(requestsFor(w, "new-keyless")).To(HaveLen(1))
		})

	spec("the public Sigstore's trusted root has not been asked for, since nothing needs it", w, func(ctx context.Context, w *scenario.World) {
		Expect(w.Mirror.Requests()).To(BeEmpty())
		Expect(metric(ctx, w, "verifiedchart_trusted_root_age_seconds")).To(BeFalse())
	})

	spec("by that root a chart is proven, and its age is a metric", w, func(ctx context.Context, w *scenario.World) {
		Expect(w.DeclareFor(ctx, "keyless", pinned, byPublicRoot(w))).To(Succeed())
		Expect(w.Reconcile(ctx, "keyless", published)).To(Succeed())
		Expect(w.Proven(ctx, "keyless")).To(Succeed())
		Expect(w.Mirror.Requests()).NotTo(BeEmpty())
		Expect(metric(ctx, w, "verifiedchart_trusted_root_age_seconds")).To(BeTrue())
	})

	spec("E17: while its mirror is down the root is taken from the disk, by a controller that starts anew", w,
		func(ctx context.Context, w *scenario.World) {
			w.Mirror.Close()
			Expect(w.Controller.Stop()).To(Succeed())
			Expect(w.Controller.Start(ctx, &w.Group)).To(Succeed())
			Expect(w.Reconcile(ctx, "keyless", published)).To(Succeed())
			Expect(w.Proven(ctx, "keyless")).To(Succeed())
		})

	spec("E19: while Rekor, Fulcio and the time-stamp authority are down all of that stays proven", w, func(ctx context.Context, w *scenario.World) {
		Expect(w.Sigstore.Rekor.Stop()).To(Succeed())
		Expect(w.Sigstore.Fulcio.Stop()).To(Succeed())
		Expect(w.Sigstore.Timestamp.Stop()).To(Succeed())
		for _, name := range []string{"keyless", "new-keyless", "legacy-keyless", "logged-key-bundle"} {
			Expect(w.Reconcile(ctx, name, published)).To(Succeed())
			Expect(w.Proven(ctx, name)).To(Succeed())
		}
	})

	spec("when the trusted root is replaced its users are withdrawn at once, and nobody else is", w, func(ctx context.Context, w *scenario.World) {
		vc, err := w.Get(ctx, "new-keyless")
		Expect(err).NotTo(HaveOccurred())
		url := vc.Status.Artifact.URL
		Expect(w.TrustRoot(ctx, sigstoretest.New().Root())).To(Succeed())
		for _, name := range []string{"new-keyless", "legacy-keyless", "logged-key-bundle"} {
			Expect(w.Until(ctx, name, scenario.IsRefused)).To(Succeed())
			Expect(w.Announced(ctx, name)).To(BeNil())
		}
		status, _, err := w.Download(ctx, url)
		Expect(err).NotTo(HaveOccurred())
		Expect(status).To(Equal(http.StatusNotFound))
		Expect(w.Proven(ctx, "keyless")).To(Succeed())
		Expect(w.Proven(ctx, "signed")).To(Succeed())
		Expect(w.TrustRoot(ctx, w.Sigstore.TrustedRoot())).To(Succeed())
		Expect(w.Proven(ctx, "new-keyless")).To(Succeed())
	})

	spec("whom the status says to have signed can be asked for", w, func(ctx context.Context, w *scenario.World) {
		said, err := w.Kubectl.Run(ctx, "get", "verifiedchart", "impostor", "-o", "jsonpath={.status.observedSigners[0].authority}")
		Expect(err).NotTo(HaveOccurred())
		Expect(w.DeclareFor(ctx, "impostor", pinned, strings.TrimSuffix(strings.TrimPrefix(said, "{"), "}"))).To(Succeed())
		Expect(w.Until(ctx, "impostor", published)).To(Succeed())
		Expect(w.ServedAsPushed(ctx, "impostor")).To(Succeed())
		Expect(w.DeclareFor(ctx, "impostor", pinned, w.IdentityAuthority())).To(Succeed())
		Expect(w.Until(ctx, "impostor", withdrawn)).To(Succeed())
	})
}

// cosign2 is the version of cosign that wrote legacy signatures by default.
func cosign2(w *scenario.World) *realparts.Cosign {
	GinkgoHelper()
	cosign, err := realparts.NewCosign(w.Dir)
	Expect(err).NotTo(HaveOccurred())
	return cosign
}

// withdrawn returns nil if a VerifiedChart is refused and has no artifact.
func withdrawn(vc *v1alpha1.VerifiedChart) error {
	if vc.Status.Artifact != nil {
		return fmt.Errorf("VerifiedChart %s is published", vc.Name)
	}
	return scenario.IsRefused(vc)
}

// metric says whether the controller has a metric.
func metric(ctx context.Context, w *scenario.World, name string) bool {
	status, body, err := w.Download(ctx, "http://"+w.Controller.Metrics+"/metrics")
	Expect(err).NotTo(HaveOccurred())
	Expect(status).To(Equal(http.StatusOK))
	return regexp.MustCompile(`(?m)^` + name + ` `).Match(body)
}
