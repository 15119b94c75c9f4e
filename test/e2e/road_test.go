// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"context"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/verifiedchart/verifiedchart/test/scenario"
)

var _ = Describe("the road from a signed chart to an installed one", func() {
	for _, registry := range []struct {
		name      string
		referrers bool
	}{
		{"the distribution registry, which has no referrers API", false},
		{"a registry with the referrers API", true},
	} {
		Context("with "+registry.name, Ordered, func() {
			var w *scenario.World

			BeforeAll(func(ctx SpecContext) {
				w = newWorld(registry.referrers)
				guarded, stop := w.Guard(ctx)
				defer stop()
				for _, s := range scenario.Setup() {
					By(s.Title)
					Expect(s.Do(guarded, w)).To(Succeed(), s.Title)
				}
			})
			AfterEach(func(ctx SpecContext) { report(ctx, w) })

			for _, s := range scenario.Road() {
				step(s, &w)
			}
			cost(&w)
			hostile(&w)
			storage(&w)
			trust(&w)
			if !registry.referrers { // what these are about is the same with any registry
				losses(&w)
				moments(&w)
				versions(&w)
				revocations(&w)
				firmness(&w)
			}
			identities(&w)
			provenance(&w)
			elsewhere(&w)
			rules(&w)
			gnupg(&w)
			restart(&w)
			wire(&w)
			deletion(&w)

			spec("no program has died", &w, func(_ context.Context, w *scenario.World) {
				Expect(w.Group.Err()).NotTo(HaveOccurred())
			})
		})
	}
})
