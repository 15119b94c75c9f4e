// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"time"

	"github.com/verifiedchart/verifiedchart/test/parts"
	"github.com/verifiedchart/verifiedchart/test/scenario"
)

// restart shows that a restart needs no registry.
func (d *demo) restart() chapter {
	registry := "$(cat " + parts.Registry + ".pid)"
	return chapter{"A restart needs no registry.", []step{
		{"The registry's process is stopped: the registry no longer answers.", "kill -STOP " + registry, d.registryStopped},
		{"The controller restarts meanwhile, verifies every chart from its disk, and still serves it.", "kill $(cat controller.pid)", d.restarted},
		{"The registry answers again.", "kill -CONT " + registry, d.registryRuns},
	}}
}

func (d *demo) registryStopped(ctx context.Context, _ ran) (sight, error) {
	err := scenario.Poll(ctx, often, d.registryIsSilent) // kill returns before the process has stopped
	return now("GET /v2/ of the registry: no answer in %s", reply), err
}

func (d *demo) registryRuns(ctx context.Context, _ ran) (sight, error) {
	err := scenario.Poll(ctx, often, d.registryAnswers)
	return now("GET /v2/ of the registry → 200"), err
}

// restarted waits until a new process of the controller serves the charts that the old process served.
func (d *demo) restarted(ctx context.Context, kill ran) (sight, error) {
	var pid int
	err := scenario.Poll(ctx, often, func(context.Context) error {
		var since time.Time
		if pid, since = d.keeper.Current(); since.Before(kill.began) {
			return fmt.Errorf("process %d of the controller has not been replaced", pid)
		}
		return nil
	})
	if err != nil {
		return sight{}, err
	}
	// The chart "moved" is not among them: while its key was away, the controller withdrew it, and its tag now names refused bytes.
	served := []string{"signed", "keyless", "helm-signed", "prov-attached"}
	var seen sight
	for _, name := range served {
		back, err := d.back(ctx, name)
		if err != nil {
			return sight{}, err
		}
		seen.at = back.at
	}
	seen.text = fmt.Sprintf("GET → 200 for %d charts, the same bytes, from process %d; the registry is still silent", len(served), pid)
	return seen, d.registryIsSilent(ctx)
}
