// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/verifiedchart/verifiedchart/test/scenario"
)

// wire is what happens on the way from the controller to helm-controller.
func wire(w **scenario.World) {
	spec("G13: helm-controller installs nothing that was altered on the wire, and heals when it no longer is", w,
		func(ctx context.Context, w *scenario.World) {
			altering := alter("http://" + w.Controller.Addr)
			restartWith(ctx, w, "--storage-adv-addr="+altering.Listener.Addr().String())
			Eventually(func(g Gomega) {
				said, err := w.Kubectl.Run(ctx, "get", "helmrelease", "signed", "-o", "jsonpath={.status.conditions[?(@.type=='Ready')]}")
				g.Expect(err).NotTo(HaveOccurred())
				g.Expect(said).To(And(ContainSubstring(`"status":"False"`), ContainSubstring("ArtifactFailed")))
			}).WithContext(ctx).WithTimeout(time.Minute).WithPolling(200 * time.Millisecond).Should(Succeed())

			restartWith(ctx, w)
			Eventually(w.ReleaseReady).WithContext(ctx).WithArguments("signed").WithTimeout(time.Minute).WithPolling(200 * time.Millisecond).Should(Succeed())
		})
}

// restartWith restarts the controller with flags added.
func restartWith(ctx context.Context, w *scenario.World, flags ...string) {
	GinkgoHelper()
	Expect(w.Controller.Stop()).To(Succeed())
	usual := w.Controller.Flags
	w.Controller.Flags = append(slices.Clone(usual), flags...)
	Expect(w.Controller.Start(ctx, &w.Group)).To(Succeed())
	w.Controller.Flags = usual
	Expect(w.Reconcile(ctx, "signed", published)).To(Succeed())
	// The revision is the same, so helm-controller has to be asked to look.
	Expect(w.Kubectl.Run(ctx, "annotate", "--overwrite", "helmrelease", "signed", "reconcile.fluxcd.io/requestedAt="+time.Now().String())).NotTo(BeEmpty())
}

// alter hands out what target does, with the last byte changed.
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
