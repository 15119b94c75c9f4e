// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"context"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/verifiedchart/verifiedchart/internal/verify/sigstoretest"
	"github.com/verifiedchart/verifiedchart/test/realparts"
	"github.com/verifiedchart/verifiedchart/test/scenario"
)

// with adds fields to an authority.
func with(authority, more string) string { return authority + ", " + more }

// logged is the authority of the release key, with signatures that must be logged.
func logged() string {
	return with(scenario.KeyAuthority(), "transparencyLog: Required, trustedRootSecretRef: {name: "+scenario.RootSecret+"}")
}

// unlogged is the authority of the release identity, with signatures that need not be logged.
func unlogged(w *scenario.World) string {
	return with(w.IdentityAuthority(), "transparencyLog: Ignore")
}

// cosign2 is the version of cosign that wrote legacy signatures by default.
func cosign2(w *scenario.World) *realparts.Cosign {
	GinkgoHelper()
	cosign, err := realparts.NewCosign(w.Dir)
	Expect(err).NotTo(HaveOccurred())
	return cosign
}

// way is a way of signing with cosign, and the authority for the signature.
type way struct {
	text      string
	sign      func(context.Context, *scenario.World, string) error
	authority func(*scenario.World) string
}

// keyless signs as the release identity with cosign 2, in a layout without a log.
func keyless(layout realparts.Layout) func(context.Context, *scenario.World, string) error {
	return func(ctx context.Context, w *scenario.World, ref string) error {
		return cosign2(w).SignKeyless(ctx, layout, scenario.Identity, w.Sigstore, ref)
	}
}

var (
	legacyKeyless = way{"a legacy signature of an identity, stamped and not logged", keyless(realparts.LegacyTag), unlogged}

	keyBundle = way{"a bundle of a key, by cosign 2",
		func(ctx context.Context, w *scenario.World, ref string) error {
			return cosign2(w).SignAs(ctx, realparts.Bundle, w.Release, nil, ref)
		},
		func(*scenario.World) string { return scenario.KeyAuthority() }}

	loggedKeyBundle = way{"a bundle of a key, logged, by cosign 3",
		func(ctx context.Context, w *scenario.World, ref string) error {
			return w.Cosign.SignAs(ctx, realparts.LoggedBundle, w.Release, w.Sigstore, ref)
		},
		func(*scenario.World) string { return logged() }}

	loggedIdentity = way{"a bundle of an identity, logged, by cosign 3",
		func(ctx context.Context, w *scenario.World, ref string) error {
			return w.Cosign.SignKeyless(ctx, realparts.LoggedBundle, scenario.Identity, w.Sigstore, ref)
		},
		func(w *scenario.World) string { return w.IdentityAuthority() }}
)

func ways() []way {
	return []way{
		legacyKeyless,
		{"a legacy signature of an identity, as a referrer", keyless(realparts.LegacyReferrer), unlogged},
		{"a bundle of an identity, stamped and not logged", keyless(realparts.Bundle), unlogged},
		keyBundle,
		loggedKeyBundle,
		{"a legacy signature of a key, in another repository",
			func(ctx context.Context, w *scenario.World, ref string) error {
				return cosign2(w).Into(w.Repository()+"-signatures").Sign(ctx, w.Release, ref)
			},
			func(w *scenario.World) string {
				return with(scenario.KeyAuthority(), "signatureRepository: oci://"+w.Repository()+"-signatures")
			}},
	}
}

// declareBy pushes a chart, signs it in the given way and declares it for the authority of that way. It returns
// when the chart is published.
func declareBy(ctx context.Context, w *scenario.World, name string, by way) {
	GinkgoHelper()
	Expect(w.Push(ctx, name)).To(Succeed())
	Expect(by.sign(ctx, w, w.Charts[name].Ref())).To(Succeed())
	Expect(w.DeclareFor(ctx, name, pinned, by.authority(w))).To(Succeed())
	Expect(w.Proven(ctx, name)).To(Succeed())
}

// Signatures in every form that cosign writes.
var _ = Describe("cosign", Label("keyless", "cosign"), func() {
	onEach(func(k kind) {
		for _, by := range ways() {
			spec(by.text+" is found and proven", k, func(ctx context.Context, w *scenario.World) { declareBy(ctx, w, "signed", by) })
		}

		spec("D12: a bundle of a key that is not logged is refused if a log entry is required", k, func(ctx context.Context, w *scenario.World) {
			declareBy(ctx, w, "signed", keyBundle)
			Expect(w.DeclareFor(ctx, "signed", pinned, logged())).To(Succeed())
			Expect(w.Until(ctx, "signed", scenario.IsRefused)).To(Succeed())
			Expect(w.DeclareFor(ctx, "signed", pinned, scenario.KeyAuthority())).To(Succeed())
			Expect(w.Proven(ctx, "signed")).To(Succeed())
		})

		spec("E19: while Rekor, Fulcio and the timestamp authority are down, charts that they have signed stay verified", k,
			func(ctx context.Context, w *scenario.World) {
				ownSigstore(ctx, w)
				all := map[string]way{"identity": loggedIdentity, "legacy": legacyKeyless, "key": loggedKeyBundle}
				for name, by := range all {
					declareBy(ctx, w, name, by)
				}
				Expect(w.Sigstore.Rekor.Stop()).To(Succeed())
				Expect(w.Sigstore.Fulcio.Stop()).To(Succeed())
				Expect(w.Sigstore.Timestamp.Stop()).To(Succeed())
				for name := range all {
					Expect(w.Reconcile(ctx, name, published)).To(Succeed())
					Expect(w.Proven(ctx, name)).To(Succeed())
				}
			})

		spec("when the trusted root is replaced its users' charts are withdrawn at once, and no others", k, func(ctx context.Context, w *scenario.World) {
			users := map[string]way{"identity": loggedIdentity, "legacy": legacyKeyless, "key": loggedKeyBundle}
			for name, by := range users {
				declareBy(ctx, w, name, by)
			}
			declareBy(ctx, w, "other", keyBundle)
			url := urlOf(ctx, w, "identity")
			Expect(w.TrustRoot(ctx, sigstoretest.New().Root())).To(Succeed())
			for name := range users {
				Expect(w.Until(ctx, name, withdrawn)).To(Succeed())
				Expect(w.Announced(ctx, name)).To(BeNil())
			}
			expectNotAt(ctx, w, url)
			Expect(w.Proven(ctx, "other")).To(Succeed())
			Expect(w.TrustRoot(ctx, w.Sigstore.TrustedRoot())).To(Succeed())
			Expect(w.Proven(ctx, "identity")).To(Succeed())
		})

		spec("the signer in the status can be copied into an authority", k, func(ctx context.Context, w *scenario.World) {
			Expect(w.Push(ctx, "impostor")).To(Succeed())
			ref := w.Charts["impostor"].Ref()
			Expect(w.Cosign.SignKeyless(ctx, realparts.LoggedBundle, scenario.Impostor, w.Sigstore, ref)).To(Succeed())
			Expect(w.DeclareFor(ctx, "impostor", pinned, w.IdentityAuthority())).To(Succeed())
			Expect(w.Until(ctx, "impostor", scenario.IsRefused)).To(Succeed())
			said, err := w.Kubectl.Run(ctx, "get", "verifiedchart", "impostor", "-o", "jsonpath={.status.observedSigners[0].authority}")
			Expect(err).NotTo(HaveOccurred())
			Expect(w.DeclareFor(ctx, "impostor", pinned, strings.TrimSuffix(strings.TrimPrefix(said, "{"), "}"))).To(Succeed())
			Expect(w.Until(ctx, "impostor", published)).To(Succeed())
			Expect(w.ServedAsPushed(ctx, "impostor")).To(Succeed())
			Expect(w.DeclareFor(ctx, "impostor", pinned, w.IdentityAuthority())).To(Succeed())
			Expect(w.Until(ctx, "impostor", withdrawn)).To(Succeed())
		})
	})
})

// ownSigstore gives the tenant a Sigstore of its own.
func ownSigstore(ctx context.Context, w *scenario.World) {
	GinkgoHelper()
	own, err := realparts.StartSigstore(ctx, GinkgoT().TempDir(), w.Group)
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(own.Close)
	DeferCleanup(func() {
		Expect(own.Rekor.Stop()).To(Succeed())
		Expect(own.Fulcio.Stop()).To(Succeed())
		Expect(own.Timestamp.Stop()).To(Succeed())
	})
	w.Sigstore = own
	Expect(w.TrustRoot(ctx, own.TrustedRoot())).To(Succeed())
}
