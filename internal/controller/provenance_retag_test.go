// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"bytes"
	"context"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/internal/chart/charttest"
	"github.com/verifiedchart/verifiedchart/internal/verify/openpgp/openpgptest"
)

var _ = Describe("A published chart with a provenance file", Label("provenance", "registry"), func() {
	// An attacker who may push a tag, but has no key, must not be able to take away a proven chart.
	DescribeTable("F5: is refused under a newer tag, and stays published by its own",
		func(ask func(*v1alpha1.VerifiedChartSpec), askAgain func(w *world)) {
			w, ours := newWorld(context.Background()), openpgptest.NewKey()
			w.setKeyring(ours)
			chart := newHelmChart("1.0.0").signedBy(ours)
			d := w.store("1.0.0", chart)
			w.declare(byMaintainers, ask)
			artifact := w.ready(d.Digest).Status.Artifact

			w.store("1.1.0", chart)
			askAgain(w)
			obj := w.rejected()
			Expect(obj.Status.Artifact).To(Equal(artifact))
			Expect(artifactBytes(obj)).To(Equal(charttest.Archive("app", "1.0.0")))
		},
		Entry("if the spec requests the highest version", newest, func(w *world) { w.reconcile() }),
		Entry("if the spec then requests that tag", func(*v1alpha1.VerifiedChartSpec) {}, func(w *world) {
			w.edit(func(s *v1alpha1.VerifiedChartSpec) { s.Ref.Tag = "1.1.0" })
		}),
	)
})

var _ = Describe("A chart whose manifest holds a provenance file", Label("provenance", "registry"), func() {
	It("F21: of more than 256 KiB is refused", func() {
		w, ours := newWorld(context.Background()), openpgptest.NewKey()
		w.setKeyring(ours)
		c := newHelmChart("1.0.0").signedBy(ours)
		c.prov = append(c.prov, bytes.Repeat([]byte("\n"), 256<<10)...)
		w.store("1.0.0", c)
		w.declare(byMaintainers)
		Expect(w.rejected().Status.Artifact).To(BeNil())
	})
})
