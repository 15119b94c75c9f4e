// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"context"
	"net/http"
	"slices"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/verifiedchart/verifiedchart/test/scenario"
)

// stopController stops the controller, until startController or the end of the spec.
func stopController(w *scenario.World) {
	GinkgoHelper()
	usual := w.Controller // the spec may replace it
	Expect(usual.Stop()).To(Succeed())
	DeferCleanup(func(ctx SpecContext) {
		w.Controller = usual
		startController(ctx, w)
	})
}

// startController starts the controller if it is stopped.
func startController(ctx context.Context, w *scenario.World) {
	GinkgoHelper()
	select {
	case <-w.Controller.Died():
		Expect(w.Controller.Start(ctx, w.Group)).To(Succeed())
	default:
	}
}

// restartController restarts the controller with flags added, until the end of the spec or the container.
func restartController(ctx context.Context, w *scenario.World, flags ...string) {
	GinkgoHelper()
	usual := w.Controller.Flags
	restart := func(ctx context.Context, flags []string) {
		GinkgoHelper()
		Expect(w.Controller.Stop()).To(Succeed())
		w.Controller.Flags = flags
		startController(ctx, w)
	}
	DeferCleanup(func(ctx SpecContext) { restart(ctx, usual) })
	restart(ctx, append(slices.Clone(usual), flags...))
}

// idle waits until the controller has nothing to do.
func idle(ctx context.Context, w *scenario.World) {
	GinkgoHelper()
	Eventually(func(g Gomega) {
		g.Expect(hasMetric(ctx, w, `controller_runtime_active_workers{controller="verifiedchart"}`, "0")).To(BeTrue())
		g.Expect(hasMetric(ctx, w, `workqueue_depth{controller="verifiedchart".*}`, "0")).To(BeTrue())
	}).WithContext(ctx).Should(Succeed())
}

// statusOf returns the status of a GET.
func statusOf(ctx context.Context, w *scenario.World, url string) (int, error) {
	status, _, err := w.Download(ctx, url)
	return status, err
}

// expectNotAt expects that a GET is answered by 404.
func expectNotAt(ctx context.Context, w *scenario.World, url string) {
	GinkgoHelper()
	Expect(statusOf(ctx, w, url)).To(Equal(http.StatusNotFound))
}

// eventuallyNotAt expects that a GET is soon answered by 404.
func eventuallyNotAt(ctx context.Context, w *scenario.World, url string) {
	GinkgoHelper()
	Eventually(statusOf).WithContext(ctx).WithArguments(w, url).Should(Equal(http.StatusNotFound))
}
