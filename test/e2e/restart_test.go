// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/verifiedchart/verifiedchart/test/realparts"
	"github.com/verifiedchart/verifiedchart/test/scenario"
)

// restart is what happens while the controller is not there, or when another takes over.
func restart(w **scenario.World) {
	spec("H12: what the policy no longer allows is not served by a controller that was down when it changed", w,
		func(ctx context.Context, w *scenario.World) {
			vc, err := w.Get(ctx, "signed")
			Expect(err).NotTo(HaveOccurred())
			url := vc.Status.Artifact.URL
			Expect(w.Controller.Stop()).To(Succeed())
			Expect(w.Trust(ctx, w.Stranger)).To(Succeed())

			served := watchServed(ctx, w, url)
			Expect(w.Controller.Start(ctx, &w.Group)).To(Succeed())
			Expect(w.Until(ctx, "signed", scenario.IsRefused)).To(Succeed())
			statuses := served()
			Expect(statuses).NotTo(HaveKey(http.StatusOK))
			Expect(statuses).NotTo(BeEmpty())

			Expect(w.Trust(ctx, w.Release)).To(Succeed())
			Expect(w.Proven(ctx, "signed")).To(Succeed())
		})

	spec("H13: a controller that is asked to end in the middle of a pull does so in its grace", w,
		func(ctx context.Context, w *scenario.World) {
			silent, asked := silentRegistry()
			Expect(w.Kubectl.Apply(ctx, fmt.Sprintf(`
apiVersion: source.verifiedchart.dev/v1alpha1
kind: VerifiedChart
metadata: {name: silent, namespace: %s}
spec:
  url: oci://%s/charts/silent
  insecure: true
  ref: {tag: 1.0.0}
  interval: 10m
  verify: {authorities: [{name: release, provider: cosign, secretRef: {name: %s}}]}
`, scenario.Namespace, silent, scenario.KeySecret))).To(Succeed())
			Eventually(asked).WithContext(ctx).WithTimeout(time.Minute).Should(Receive())
			Expect(w.Controller.Stop()).To(Succeed(), "it would have had to be killed")
			Expect(w.Controller.Start(ctx, &w.Group)).To(Succeed())
			Expect(w.Kubectl.Run(ctx, "delete", "verifiedchart", "silent", "--timeout=30s")).NotTo(BeEmpty(),
				"H9: the pull in progress is cancelled")
		})

	spec("H3, G14: when the leader is killed, the other, which was not ready, takes over and publishes the same", w,
		func(ctx context.Context, w *scenario.World) {
			Expect(w.Controller.Stop()).To(Succeed())
			first, second := elected(w, "first"), elected(w, "second")
			Expect(first.Start(ctx, &w.Group)).To(Succeed())
			taken := make(chan error, 1)
			go func() { taken <- second.Start(ctx, &w.Group) }() // it starts once it is ready

			main := w.Controller
			w.Controller = first
			Expect(w.Reconcile(ctx, "signed", published)).To(Succeed())
			Expect(w.ServedAsPushed(ctx, "signed")).To(Succeed())
			Expect(taken).NotTo(Receive(), "the other is on standby")

			first.Kill()
			Eventually(taken).WithContext(ctx).WithTimeout(30 * time.Second).Should(Receive(Succeed()))
			w.Controller = second
			Expect(w.Reconcile(ctx, "signed", published)).To(Succeed())
			Expect(w.ServedAsPushed(ctx, "signed")).To(Succeed())
			Expect(second.Stop()).To(Succeed())

			w.Controller = main
			Expect(main.Start(ctx, &w.Group)).To(Succeed())
			Expect(w.Reconcile(ctx, "signed", published)).To(Succeed())
			Expect(w.Proven(ctx, "signed")).To(Succeed())
		})
}

// elected returns a controller that takes part in leader election, with a storage of its own.
func elected(w *scenario.World, name string) *realparts.Controller {
	return &realparts.Controller{
		Binary: w.Controller.Binary, Kubeconfig: w.Controller.Kubeconfig, Namespace: w.Controller.Namespace,
		Dir: filepath.Join(w.Dir, name),
		Flags: []string{
			"--enable-leader-election", "--leader-election-lease-duration=4s",
			"--leader-election-renew-deadline=3s", "--leader-election-retry-period=500ms",
		},
	}
}

// watchServed asks for url again and again; the function it returns ends that
// and returns how often which status was the answer.
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

// silentRegistry takes connections and never answers. The channel tells of each.
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
			connections <- struct{}{}
		}
	}()
	return listener.Addr().String(), connections
}
