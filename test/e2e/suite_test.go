// SPDX-License-Identifier: Apache-2.0

// Package e2e asserts the road that the demo shows, and what lies beside it,
// with real programs only: `make parts` builds them.
package e2e_test

import (
	"context"
	"os"
	"testing"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/verifiedchart/verifiedchart/test/scenario"
	"github.com/verifiedchart/verifiedchart/test/skips"
)

func TestEndToEnd(t *testing.T) {
	RegisterFailHandler(Fail)
	RunSpecs(t, "End to end")
}

var _ = ReportAfterSuite("tells which specs were skipped", skips.Tell)

// spec is an It in a world: it fails with the cause where a program of the world dies.
func spec(text string, w **scenario.World, body func(context.Context, *scenario.World)) {
	GinkgoHelper()
	It(text, func(ctx SpecContext) {
		guarded, stop := (*w).Guard(ctx)
		defer stop()
		body(guarded, *w)
	})
}

// step makes a step of the road an It.
func step(s scenario.Step, w **scenario.World) {
	GinkgoHelper()
	spec(s.Title, w, func(ctx context.Context, w *scenario.World) { Expect(s.Do(ctx, w)).To(Succeed()) })
}

// newWorld returns a world that ends with the container, and tells what was in it where a spec failed.
func newWorld(referrers bool) *scenario.World {
	GinkgoHelper()
	w, err := scenario.NewWorld()
	if err != nil {
		Fail(err.Error())
	}
	w.Referrers = referrers
	DeferCleanup(w.Close)
	return w
}

// report shows the objects and the end of the controller's log where the spec failed.
func report(ctx context.Context, w *scenario.World) {
	if !CurrentSpecReport().Failed() || w == nil || w.Kubectl == nil {
		return
	}
	said, err := w.Kubectl.Run(ctx, "get", "verifiedcharts,externalartifacts,helmreleases", "-o", "yaml")
	GinkgoWriter.Println(said, err)
	if w.Controller != nil && w.Controller.Process != nil {
		log, err := os.ReadFile(w.Controller.Log())
		GinkgoWriter.Println(string(log[max(0, len(log)-16<<10):]), err)
	}
}
