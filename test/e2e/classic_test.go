// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"context"
	"fmt"
	"path/filepath"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/verifiedchart/verifiedchart/test/realparts"
	"github.com/verifiedchart/verifiedchart/test/scenario"
)

// classic is a classic repository of a tenant, on a server with a private certificate.
type classic struct {
	*scenario.World
	charts *realparts.ChartRepository
}

func newClassic(ctx context.Context, w *scenario.World) classic {
	GinkgoHelper()
	charts, err := realparts.NewChartRepository(w.Dir, w.Helm)
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(charts.Close)
	Expect(w.Kubectl.Apply(ctx, w.Secret("charts-ca", map[string][]byte{"ca.crt": charts.CA()}))).To(Succeed())
	return classic{w, charts}
}

// chart packages a chart, which the functions sign, and publishes it.
func (c classic) chart(ctx context.Context, name string, sign ...func(archive string) error) {
	GinkgoHelper()
	chart, err := c.Helm.Package(ctx, name, scenario.Version, "hello")
	Expect(err).NotTo(HaveOccurred())
	for _, s := range sign {
		Expect(s(chart.Archive)).To(Succeed())
	}
	c.publish(ctx, chart)
}

func (c classic) publish(ctx context.Context, chart realparts.Chart) {
	GinkgoHelper()
	published, err := c.charts.Publish(ctx, chart)
	Expect(err).NotTo(HaveOccurred())
	c.Charts[chart.Name] = published
}

// want declares a chart that the authority must accept.
func (c classic) want(ctx context.Context, name, ref, authority string) {
	GinkgoHelper()
	Expect(c.Kubectl.Apply(ctx, fmt.Sprintf(`
---
apiVersion: source.verifiedchart.dev/v1alpha1
kind: VerifiedChart
metadata: {name: %[1]s, namespace: %[2]s}
spec:
  url: %[3]s
  chart: %[1]s
  ref: {%[4]s}
  interval: 10m
  certSecretRef: {name: charts-ca}
  verify:
    authorities:
    - {%[5]s}
`, name, c.Namespace, c.charts.URL(), ref, authority))).To(Succeed())
}

var _ = Describe("a classic repository", Label("classic"), func() {
	spec("has charts that helm signed: they are verified, installed, withdrawn and served again", distribution, func(ctx context.Context, w *scenario.World) {
		c := newClassic(ctx, w)
		c.publish(ctx, packageSigned(ctx, w, "podinfo", w.Maintainers.OpenPGPKey))
		c.want(ctx, "podinfo", "semver: '>=0.0.1'", scenario.KeyringAuthority(scenario.KeyringSecret))
		Expect(w.ProvenBy(ctx, "podinfo", w.Maintainers.OpenPGPKey, "file .prov beside the archive")).To(Succeed())
		Expect(w.Install(ctx, "podinfo")).To(Succeed())
		Eventually(w.ReleaseReady).WithContext(ctx).WithArguments("podinfo").Should(Succeed())

		strangers, err := w.NewMaintainers()
		Expect(err).NotTo(HaveOccurred())
		Expect(w.TrustMaintainers(ctx, strangers)).To(Succeed())
		Expect(w.Until(ctx, "podinfo", withdrawn)).To(Succeed())
		Expect(w.TrustMaintainers(ctx, w.Maintainers)).To(Succeed())
		Expect(w.Until(ctx, "podinfo", published)).To(Succeed())
	})

	spec("has charts without a signature: they are refused", distribution, func(ctx context.Context, w *scenario.World) {
		c := newClassic(ctx, w)
		c.chart(ctx, "unsigned")
		c.want(ctx, "unsigned", pinned, scenario.KeyAuthority())
		Expect(w.Until(ctx, "unsigned", scenario.IsRefused)).To(Succeed())
		Expect(w.NotServed(ctx, w.Charts["unsigned"])).To(Succeed())
	})

	spec("has charts that cosign signed as files, in every format", distribution, func(ctx context.Context, w *scenario.World) {
		c := newClassic(ctx, w)
		old, err := realparts.NewCosign(w.Dir)
		Expect(err).NotTo(HaveOccurred())
		for name, sign := range map[string]func(archive string) error{
			"bundle":     func(a string) error { return w.Cosign.SignBlob(ctx, w.Release, a, realparts.BundleFile) },
			"old-bundle": func(a string) error { return old.SignBlob(ctx, w.Release, a, realparts.OldBundleFile) },
			"signature":  func(a string) error { return old.SignBlob(ctx, w.Release, a, realparts.SignatureFile) },
		} {
			c.chart(ctx, name, sign)
			c.want(ctx, name, pinned, scenario.KeyAuthority())
			Expect(w.Until(ctx, name, published)).To(Succeed())
			Expect(w.ServedAs(ctx, w.Charts[name])).To(Succeed())
		}
	})

	spec("has charts that an identity signed as files", distribution, func(ctx context.Context, w *scenario.World) {
		c := newClassic(ctx, w)
		c.chart(ctx, "keyless", func(a string) error { return w.Cosign.SignBlobKeyless(ctx, scenario.Identity, w.Sigstore, a) })
		c.chart(ctx, "impostor", func(a string) error { return w.Cosign.SignBlobKeyless(ctx, scenario.Impostor, w.Sigstore, a) })
		for _, name := range []string{"keyless", "impostor"} {
			c.want(ctx, name, pinned, w.IdentityAuthority())
		}
		Expect(w.Until(ctx, "keyless", published)).To(Succeed())
		Expect(w.Until(ctx, "impostor", scenario.IsRefused)).To(Succeed())
	})

	spec("that loses the signature of a published chart keeps it at the next reconcile, because the proof is stored", distribution, func(ctx context.Context, w *scenario.World) {
		c := newClassic(ctx, w)
		c.publish(ctx, packageSigned(ctx, w, "podinfo", w.Maintainers.OpenPGPKey))
		c.want(ctx, "podinfo", pinned, scenario.KeyringAuthority(scenario.KeyringSecret))
		Expect(w.Until(ctx, "podinfo", published)).To(Succeed())
		Expect(c.charts.Remove(filepath.Base(w.Charts["podinfo"].Provenance()))).To(Succeed())
		Expect(w.Reconcile(ctx, "podinfo", published)).To(Succeed())
	})
})
