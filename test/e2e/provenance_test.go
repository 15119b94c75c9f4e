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

// offer pushes a chart and declares it, for whom a key of a keyring has to vouch.
func offer(ctx context.Context, w *scenario.World, chart realparts.Chart, keyring string) {
	GinkgoHelper()
	Expect(w.PushPackaged(ctx, chart)).To(Succeed())
	Expect(w.DeclareFor(ctx, chart.Name, "tag: "+scenario.Version, scenario.KeyringAuthority(keyring))).To(Succeed())
}

// provenance is what helm signs and the road does not lead past.
func provenance(w **scenario.World) {
	var strangers scenario.Maintainers

	spec("a chart that helm signed is proven by a provenance file that oras pushed under a tag", w, func(ctx context.Context, w *scenario.World) {
		chart := packageSigned(ctx, w, "prov-tagged", w.Maintainers.OpenPGPKey)
		file, err := chart.SetProvenanceAside()
		Expect(err).NotTo(HaveOccurred())
		Expect(w.Oras.Push(ctx, w.Registry.Addr()+"/charts/prov-tagged:"+scenario.Version+".prov", file)).To(Succeed())
		offer(ctx, w, chart, scenario.KeyringSecret)
		Expect(w.ProvenBy(ctx, "prov-tagged", w.Maintainers.OpenPGPKey, "tag "+scenario.Version+".prov")).To(Succeed())
	})

	spec("F3: a stranger's provenance file is refused", w, func(ctx context.Context, w *scenario.World) {
		var err error
		strangers, err = w.NewMaintainers()
		Expect(err).NotTo(HaveOccurred())
		offer(ctx, w, packageSigned(ctx, w, "prov-stranger", strangers.OpenPGPKey), scenario.KeyringSecret)
		Expect(w.Until(ctx, "prov-stranger", scenario.IsRefused)).To(Succeed())
		Expect(w.NotServed(ctx, w.Charts["prov-stranger"])).To(Succeed())
	})

	spec("F1: a chart without a provenance file is refused, and it is said where it was looked for", w, func(ctx context.Context, w *scenario.World) {
		chart := packageSigned(ctx, w, "prov-none", w.Maintainers.OpenPGPKey)
		_, err := chart.SetProvenanceAside()
		Expect(err).NotTo(HaveOccurred())
		offer(ctx, w, chart, scenario.KeyringSecret)
		Expect(w.Until(ctx, "prov-none", func(vc *v1alpha1.VerifiedChart) error {
			if err := scenario.IsRefused(vc); err != nil {
				return err
			}
			for _, c := range vc.Status.Conditions {
				if strings.Contains(c.Message, "looked at the chart's manifest") && strings.Contains(c.Message, "tag "+scenario.Version+".prov") {
					return nil
				}
			}
			return fmt.Errorf("the conditions do not say where it was looked: %v", vc.Status.Conditions)
		})).To(Succeed())
	})

	spec("when the key leaves the keyring its charts are withdrawn at once", w, func(ctx context.Context, w *scenario.World) {
		Expect(w.TrustMaintainers(ctx, strangers)).To(Succeed())
		for _, name := range []string{"helm-signed", "prov-attached", "prov-tagged"} {
			Expect(w.Until(ctx, name, withdrawn)).To(Succeed())
		}
		Expect(w.TrustMaintainers(ctx, w.Maintainers)).To(Succeed())
		Expect(w.Until(ctx, "helm-signed", published)).To(Succeed())
	})
}
