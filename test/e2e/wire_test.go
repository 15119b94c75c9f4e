// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/verifiedchart/verifiedchart/test/scenario"
)

// Faults on the way from the controller to helm-controller.
var _ = Describe("on the wire", Label("network"), func() {
	spec("G13: helm-controller installs no altered chart, and recovers when the chart is no longer altered", distribution,
		func(ctx context.Context, w *scenario.World) {
			altering := alter("http://" + w.Controller.Addr)
			pushSigned(ctx, w, "signed", scenario.Version)
			usual := w.Controller.Flags
			restartController(ctx, w, "--storage-adv-addr="+altering.Listener.Addr().String())
			Expect(w.Declare(ctx, "signed", pinned)).To(Succeed())
			Expect(w.Until(ctx, "signed", published)).To(Succeed())
			Expect(w.Install(ctx, "signed")).To(Succeed())
			Eventually(func(g Gomega) {
				said, err := w.Kubectl.Run(ctx, "get", "helmrelease", "signed", "-o", "jsonpath={.status.conditions[?(@.type=='Ready')]}")
				g.Expect(err).NotTo(HaveOccurred())
				g.Expect(said).To(And(ContainSubstring(`"status":"False"`), ContainSubstring("ArtifactFailed")))
			}).WithContext(ctx).Should(Succeed())

			w.Controller.Flags = usual
			Expect(w.Controller.Stop()).To(Succeed())
			startController(ctx, w)
			Expect(w.Reconcile(ctx, "signed", published)).To(Succeed())
			// The revision is the same, so helm-controller needs a request to reconcile.
			lookAgain(ctx, w, "signed")
			Eventually(w.ReleaseReady).WithContext(ctx).WithArguments("signed").Should(Succeed())
		})
})

// alter answers like target, with the last byte changed.
func alter(target string) *httptest.Server {
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		resp, err := http.Get(target + r.URL.Path)
		if err != nil {
			http.Error(rw, err.Error(), http.StatusBadGateway)
			return
		}
		defer resp.Body.Close()
		raw, _ := io.ReadAll(resp.Body)
		if len(raw) > 0 {
			raw[len(raw)-1] ^= 1
		}
		rw.WriteHeader(resp.StatusCode)
		_, _ = rw.Write(raw)
	}))
	DeferCleanup(server.Close)
	return server
}
