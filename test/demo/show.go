// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/verifiedchart/verifiedchart/test/parts"
	"github.com/verifiedchart/verifiedchart/test/realparts"
	"github.com/verifiedchart/verifiedchart/test/scenario"
)

// prepare does the steps of the setup, and stops at the first that fails.
func prepare(ctx context.Context, w *scenario.World) error {
	for _, step := range scenario.Setup() {
		fmt.Printf("▸ %s … ", step.Title)
		start := time.Now()
		err := step.Do(ctx, w)
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		if err != nil {
			fmt.Println("failed")
			return err
		}
		fmt.Printf("%.1fs\n", time.Since(start).Seconds())
	}
	return nil
}

// show prints what a user would look at.
func show(ctx context.Context, w *scenario.World) error {
	for _, args := range [][]string{
		{"get", "verifiedcharts"},
		{"get", "verifiedcharts", "-o", "wide"},
		{"get", "externalartifacts,helmreleases"},
		{"get", "configmap", "signed", "-o", "jsonpath={.data.message}{'\\n'}"},
	} {
		fmt.Println()
		announce(args)
		said, err := w.Kubectl.Run(ctx, args...)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			said = err.Error() + "\n"
		}
		fmt.Print(said)
	}
	fmt.Println("\nWhat is served:")
	for _, name := range scenario.Names() {
		fmt.Printf("  %-13s %s\n", name, download(ctx, w, name))
	}
	return nil
}

// download says what a GET of the artifact of a VerifiedChart gives.
func download(ctx context.Context, w *scenario.World, name string) string {
	vc, err := w.Get(ctx, name)
	if err != nil {
		return err.Error()
	}
	if vc.Status.Artifact == nil {
		return "nothing: it has no artifact"
	}
	status, body, err := w.Download(ctx, vc.Status.Artifact.URL)
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("GET %s → %d, %d bytes, of revision %s", vc.Status.Artifact.URL, status, len(body), vc.Status.Artifact.Revision)
}

// invite says how to look around.
func invite(w *scenario.World) {
	fmt.Printf(`
All of it runs until Ctrl-C. In another terminal, to look around:

  export KUBECONFIG=%[1]s
  alias kubectl=%[2]s
  kubectl get vchart -o wide
  kubectl describe vchart stranger
  kubectl get vchart keyless -o yaml
  kubectl get vchart impostor -o jsonpath='{.status.observedSigners}'
  kubectl get vchart helm-signed -o jsonpath='{.status.verification}'
  kubectl get events --sort-by=.lastTimestamp
  tail -f %[3]s
  curl -s http://%[4]s/metrics | grep gotk
  curl -s http://%[5]s/v2/_catalog

To sign the unsigned chart, and to have that seen at once:

  COSIGN_PASSWORD= %[6]s %[7]s
  kubectl annotate vchart unsigned reconcile.fluxcd.io/requestedAt="$(date)" --overwrite

To take the key away, or another one in its place, and to bring it back:

  kubectl delete secret release-key
  kubectl create secret generic release-key --from-file=release.pub=%[8]s
  kubectl delete secret release-key
  kubectl create secret generic release-key --from-file=release.pub=%[9]s

`, w.Plane.Kubeconfig(), program(parts.Kubectl), w.Controller.Log(), w.Controller.Metrics, w.Registry.Addr(),
		program(parts.Cosign3), strings.Join(realparts.SignCommand(w.Release, w.Charts["unsigned"].Ref()), " "),
		w.Stranger.PublicFile, w.Release.PublicFile)
}

// program returns the path of a part.
func program(name string) string {
	path, err := parts.Path(name)
	if err != nil {
		return name
	}
	return path
}
