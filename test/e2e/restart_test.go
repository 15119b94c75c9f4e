// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"path/filepath"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/verifiedchart/verifiedchart/test/realparts"
	"github.com/verifiedchart/verifiedchart/test/scenario"
)

// Events while no controller runs, or while another one takes over.
var _ = Describe("a restart", Label("restart"), func() {
	onEach(func(k kind) {
		spec("H12: of a controller that was down when the policy changed serves no chart that the policy no longer allows", k,
			func(ctx context.Context, w *scenario.World) {
				chart := declareSigned(ctx, w, "signed", pinned)
				url := urlOf(ctx, w, "signed")
				stopController(w)
				trustOnly(ctx, w, "signed", w.Stranger)

				served := watchServed(ctx, w, url)
				startController(ctx, w)
				Expect(w.Until(ctx, "signed", scenario.IsRefused)).To(Succeed())
				expectNotAt(ctx, w, url)
				Expect(served()).NotTo(HaveKey(http.StatusOK))

				trustOnly(ctx, w, "signed", w.Release)
				Expect(w.ProvenAs(ctx, chart)).To(Succeed())
			})
	})

	spec("H13: in the middle of a pull ends the controller in its grace", distribution,
		func(ctx context.Context, w *scenario.World) {
			silent, asked := silentRegistry()
			Expect(w.Kubectl.Apply(ctx, hanging(w, "silent", silent))).To(Succeed())
			Eventually(asked).WithContext(ctx).Should(Receive())
			stopController(w) // fails if the controller must be killed
			startController(ctx, w)
			Expect(w.Kubectl.Run(ctx, "delete", "verifiedchart", "silent", "--timeout="+patience.String())).NotTo(BeEmpty(),
				"H9: the pull in progress is cancelled")
		})

	spec("H3, G14: when the leader is killed, the other, which was not ready, takes over and publishes the same", distribution,
		func(ctx context.Context, w *scenario.World) {
			chart := declareSigned(ctx, w, "signed", pinned)
			stopController(w)
			first, second := elected(w, "first"), elected(w, "second")
			Expect(first.Start(ctx, w.Group)).To(Succeed())
			DeferCleanup(first.Kill)
			var err error
			taken := make(chan struct{})
			go func() { err = second.Start(ctx, w.Group); close(taken) }() // it starts once it is ready
			DeferCleanup(func() {
				<-taken // when ctx has ended, at the latest
				if err == nil {
					second.Kill()
				}
			})

			w.Controller = first
			Expect(w.Reconcile(ctx, "signed", published)).To(Succeed())
			Expect(w.ServedAs(ctx, chart)).To(Succeed())
			Expect(taken).NotTo(BeClosed(), "the other is on standby")

			first.Kill()
			Eventually(taken).WithContext(ctx).Should(BeClosed())
			Expect(err).NotTo(HaveOccurred())
			w.Controller = second
			Expect(w.Reconcile(ctx, "signed", published)).To(Succeed())
			Expect(w.ServedAs(ctx, chart)).To(Succeed())
			Expect(second.Stop()).To(Succeed())
		})
})

// elected returns a controller with leader election and a storage of its own. The durations are the defaults:
// on a busy machine a process would lose shorter leases.
func elected(w *scenario.World, name string) *realparts.Controller {
	return &realparts.Controller{
		Binary: w.Controller.Binary, Kubeconfig: w.Controller.Kubeconfig, Namespace: w.Controller.Namespace,
		Dir: filepath.Join(w.Dir, w.Namespace, name), Flags: []string{"--enable-leader-election"},
	}
}

// watchServed requests url repeatedly; the returned function ends that and returns the number of answers by
// status.
func watchServed(ctx context.Context, w *scenario.World, url string) func() map[int]int {
	ctx, cancel := context.WithCancel(ctx)
	statuses := make(chan map[int]int, 1)
	go func() {
		seen := map[int]int{}
		for ctx.Err() == nil {
			if status, _, err := w.Download(ctx, url); err == nil {
				seen[status]++
			}
		}
		statuses <- seen
	}()
	return func() map[int]int { cancel(); return <-statuses }
}

// silentRegistry accepts connections and never answers. The channel reports each connection.
func silentRegistry() (addr string, asked <-chan struct{}) {
	GinkgoHelper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	Expect(err).NotTo(HaveOccurred())
	ctx, cancel := context.WithCancel(context.Background())
	DeferCleanup(func() error { cancel(); return listener.Close() })
	connections := make(chan struct{}, 64)
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			context.AfterFunc(ctx, func() { _ = conn.Close() })
			select {
			case connections <- struct{}{}:
			default: // nobody counts them
			}
		}
	}()
	return listener.Addr().String(), connections
}

// hanging is a VerifiedChart of a registry that has an hour to answer.
func hanging(w *scenario.World, name, registry string) string {
	return fmt.Sprintf(`
apiVersion: source.verifiedchart.dev/v1alpha1
kind: VerifiedChart
metadata: {name: %s, namespace: %s}
spec:
  url: oci://%s/charts/hanging
  insecure: true
  ref: {tag: 1.0.0}
  interval: 1s
  timeout: 1h
  verify: {authorities: [{name: release, provider: cosign, secretRef: {name: %s}}]}
`, name, w.Namespace, registry, scenario.KeySecret)
}
