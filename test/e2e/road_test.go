// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"slices"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/verifiedchart/verifiedchart/test/scenario"
)

var _ = Describe("the road from a signed chart to an installed one", Label("install"), func() {
	onEach(func(k kind) {
		// Each chart is checked independently of the others.
		Context("once all is declared", Ordered, ContinueOnFailure, func() {
			var w *scenario.World

			BeforeAll(func(ctx SpecContext) {
				w = newTenant(ctx, k)
				Expect(do(ctx, w, slices.Concat(scenario.Charts(), scenario.Declared()))).To(Succeed())
			})
			AfterEach(func(ctx SpecContext) { report(ctx, w) })

			for _, s := range scenario.Road() {
				It(s.Title, func(ctx SpecContext) { Expect(do(ctx, w, []scenario.Step{s})).To(Succeed()) })
			}
		})
	})
})
