// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"context"
	"fmt"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/test/realparts"
	"github.com/verifiedchart/verifiedchart/test/scenario"
)

// packageSigned packages a chart that helm signs.
func packageSigned(ctx context.Context, w *scenario.World, name string, by realparts.OpenPGPKey) realparts.Chart {
	GinkgoHelper()
	chart, err := w.PackageSigned(ctx, name, by)
	Expect(err).NotTo(HaveOccurred())
	return chart
}

// offer pushes a chart and declares it. A key of a keyring must accept the chart.
func offer(ctx context.Context, w *scenario.World, chart realparts.Chart, keyring string) {
	GinkgoHelper()
	Expect(w.PushPackaged(ctx, chart)).To(Succeed())
	Expect(w.DeclareFor(ctx, chart.Name, pinned, scenario.KeyringAuthority(keyring))).To(Succeed())
}

// Signatures of helm that the scenario does not cover.
var _ = Describe("a provenance file", Label("provenance"), func() {
	onEach(func(k kind) {
		spec("that oras pushed under a tag proves a chart that helm signed", k, func(ctx context.Context, w *scenario.World) {
			offerTagged(ctx, w, "tagged")
			Expect(w.ProvenBy(ctx, "tagged", w.Maintainers.OpenPGPKey, "tag "+scenario.Version+".prov")).To(Succeed())
		})

		spec("F3: of a stranger is refused", k, func(ctx context.Context, w *scenario.World) {
			strangers, err := w.NewMaintainers()
			Expect(err).NotTo(HaveOccurred())
			offer(ctx, w, packageSigned(ctx, w, "stranger", strangers.OpenPGPKey), scenario.KeyringSecret)
			Expect(w.Until(ctx, "stranger", scenario.IsRefused)).To(Succeed())
			Expect(w.NotServed(ctx, w.Charts["stranger"])).To(Succeed())
		})

		spec("F1: that is missing refuses the chart, and the status names the searched locations", k, func(ctx context.Context, w *scenario.World) {
			chart := packageSigned(ctx, w, "none", w.Maintainers.OpenPGPKey)
			_, err := chart.SetProvenanceAside()
			Expect(err).NotTo(HaveOccurred())
			offer(ctx, w, chart, scenario.KeyringSecret)
			Expect(w.Until(ctx, "none", listsSearchedPlaces)).To(Succeed())
		})

		spec("of a key that leaves the keyring no longer counts: its charts are withdrawn at once", k, func(ctx context.Context, w *scenario.World) {
			offer(ctx, w, packageSigned(ctx, w, "pushed", w.Maintainers.OpenPGPKey), scenario.KeyringSecret)
			offerTagged(ctx, w, "tagged")
			strangers, err := w.NewMaintainers()
			Expect(err).NotTo(HaveOccurred())
			for name := range w.Charts {
				Expect(w.ProvenBy(ctx, name, w.Maintainers.OpenPGPKey, "")).To(Succeed())
			}
			Expect(w.TrustMaintainers(ctx, strangers)).To(Succeed())
			for name := range w.Charts {
				Expect(w.Until(ctx, name, withdrawn)).To(Succeed())
			}
			Expect(w.TrustMaintainers(ctx, w.Maintainers)).To(Succeed())
			for name := range w.Charts {
				Expect(w.Until(ctx, name, published)).To(Succeed())
			}
		})
	})
})

// offerTagged offers a chart with a provenance file that oras pushes under a tag.
func offerTagged(ctx context.Context, w *scenario.World, name string) {
	GinkgoHelper()
	chart := packageSigned(ctx, w, name, w.Maintainers.OpenPGPKey)
	file, err := chart.SetProvenanceAside()
	Expect(err).NotTo(HaveOccurred())
	Expect(w.Oras.Push(ctx, w.Repository()+"/"+name+":"+scenario.Version+".prov", file)).To(Succeed())
	offer(ctx, w, chart, scenario.KeyringSecret)
}

// listsSearchedPlaces returns nil if a VerifiedChart is refused, and its conditions name the possible locations
// of a provenance file.
func listsSearchedPlaces(vc *v1alpha1.VerifiedChart) error {
	if err := scenario.IsRefused(vc); err != nil {
		return err
	}
	for _, c := range vc.Status.Conditions {
		if strings.Contains(c.Message, "the chart's manifest") && strings.Contains(c.Message, "tag "+scenario.Version+".prov") {
			return nil
		}
	}
	return fmt.Errorf("the conditions do not name the searched locations: %v", vc.Status.Conditions)
}
