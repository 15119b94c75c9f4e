// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/verifiedchart/verifiedchart/test/process"
	"github.com/verifiedchart/verifiedchart/test/realparts"
	"github.com/verifiedchart/verifiedchart/test/scenario"
)

// demo is the world that is shown, the keeper of its controller, and the screen.
type demo struct {
	world     *scenario.World
	elsewhere elsewhere
	keeper    *keeper
	out       io.Writer
}

func newDemo(w *scenario.World, out io.Writer) *demo {
	d := &demo{world: w, out: out}
	d.keeper = &keeper{start: d.startController, pidFile: filepath.Join(w.Dir, "controller.pid")}
	return d
}

// chapters returns the story of the demo, in order.
func (d *demo) chapters() []chapter {
	return []chapter{d.proofs(), d.trust(), d.restart()}
}

// setup returns the steps before the first chapter. The controller calls fail if it crashes.
func (d *demo) setup(fail func(error)) []scenario.Step {
	return slices.Concat(scenario.Ground(), scenario.Charts(), []scenario.Step{
		{Title: "sign a chart in a private registry, and one in a classic repository", Do: d.publishElsewhere},
		{Title: "write the manifests that the commands below apply", Do: d.writeManifests},
		{Title: "start verifiedchart-controller and helm-controller", Do: func(ctx context.Context, _ *scenario.World) error {
			return d.startControllers(ctx, fail)
		}},
	})
}

// prepare does the steps of the setup, and stops at the first step that fails.
func (d *demo) prepare(ctx context.Context, fail func(error)) error {
	fmt.Fprintln(d.out, "\nSetup")
	for _, step := range d.setup(fail) {
		fmt.Fprintf(d.out, "%s%s … ", indent, step.Title)
		start := time.Now()
		err := step.Do(ctx, d.world)
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		if err != nil {
			fmt.Fprintln(d.out, "failed")
			return err
		}
		fmt.Fprintf(d.out, "%.1f s\n", time.Since(start).Seconds())
	}
	return nil
}

// startControllers applies the keys and an empty list of revocations, and then starts both controllers.
func (d *demo) startControllers(ctx context.Context, fail func(error)) error {
	w := d.world
	if err := w.SetMirroredController("--revocations=" + revocations); err != nil {
		return err
	}
	for _, file := range []string{secretsFile, releaseKeyFile, revokeNothingFile} {
		if _, err := shell(ctx, w.Dir, "kubectl apply -f "+file); err != nil {
			return err
		}
	}
	if err := d.keeper.Start(ctx, fail); err != nil {
		return err
	}
	_, err := realparts.StartHelmController(ctx, w.Dir, w.Plane.Kubeconfig(), w.Group)
	return err
}

// startController starts a copy of the controller, whose artifacts keep their address.
func (d *demo) startController(ctx context.Context, group *process.Group) (*process.Process, error) {
	controller := *d.world.Controller
	err := controller.Start(ctx, group)
	if err == nil && d.world.Controller.Addr == "" {
		*d.world.Controller = controller
	}
	return controller.Process, err
}

// introduce prints how to type the commands of the demo, and which time it measures.
func (d *demo) introduce() {
	fmt.Fprintf(d.out, `
Every command below really runs. To run them too, type this first in another terminal:
%sThe time of a result counts from the start of the command until its effect is seen.
`, typeable(indent+"$ ", sourceCommand(d.world.Dir)))
}

// invite prints commands with which the reader can look around.
func (d *demo) invite() {
	w := d.world
	fmt.Fprintf(d.out, "\nThe demo stays up until Ctrl-C. To look around in another terminal:\n\n%s", typeable(indent, sourceCommand(w.Dir)))
	for _, command := range d.looks() {
		fmt.Fprint(d.out, typeable(indent, command))
	}
	fmt.Fprint(d.out, "\nEvery command above works again, too.\n")
}

// looks returns commands for a reader who wants to see more.
func (d *demo) looks() []string {
	w := d.world
	sign := realparts.SignCommand(w.Release, w.Charts["unsigned"].Ref())
	return []string{
		"kubectl get vchart",
		"kubectl describe vchart stranger",
		"kubectl get vchart impostor -o jsonpath='{.status.observedSigners}'",
		"kubectl get events --sort-by=.lastTimestamp",
		"curl -sI $(kubectl get vchart signed -o jsonpath='{.status.artifact.url}')",
		"tail controller/" + realparts.ControllerName + ".log",
		strings.ReplaceAll("cosign3 "+strings.Join(sign, " "), w.Dir+"/", ""),
		"kubectl annotate vchart unsigned reconcile.fluxcd.io/requestedAt=$(date +%s) --overwrite",
		"kubectl get vchart unsigned",
	}
}
