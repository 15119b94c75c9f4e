// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"path/filepath"
	"strconv"
	"time"

	"github.com/fluxcd/pkg/apis/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/test/process"
	"github.com/verifiedchart/verifiedchart/test/realparts"
	"github.com/verifiedchart/verifiedchart/test/scenario"
)

// cold measures charts that are new to a running controller.
func (b *bench) cold(ctx context.Context) error {
	if err := b.start(ctx); err != nil {
		return err
	}
	// A few earlier charts let the controller set up everything that it needs only once: connections, and texts
	// that it parses or compiles at first use.
	if err := b.declare(ctx, "first", warming, time.Hour); err != nil {
		return err
	}
	if err := b.ready(ctx, warming); err != nil {
		return err
	}
	b.limits.title("cold: %d charts that are new to a running controller", b.few)
	before, err := b.usage(ctx)
	if err != nil {
		return err
	}
	began, profiled := time.Now(), b.profile("cold", 2)
	if err := b.declare(ctx, "cold", b.few, time.Hour); err != nil {
		return err
	}
	if err := b.ready(ctx, warming+b.few); err != nil {
		return err
	}
	took := time.Since(began)
	if err := <-profiled; err != nil {
		return err
	}
	after, err := b.usage(ctx)
	if err != nil {
		return err
	}
	b.limits.calibrate()
	used := after.since(before)
	b.limits.count("registry requests per chart", per(used.requests, b.few), 6)
	b.limits.count("API writes per chart", per(used.writes.total(), b.few), 4)
	b.limits.noted("of these: %s", used.writes.each(b.few))
	b.limits.cpu("CPU per chart", used.cpu, b.few, 8*time.Millisecond)
	b.limits.memory("peak memory", after.peak, 110)
	b.limits.noted("all of them took %.2f s", took.Seconds())
	return b.clear(ctx)
}

// warming is the number of charts declared before the measured ones.
const warming = 10

// unchanged measures reconciles of unchanged charts; each verifies the signature again.
func (b *bench) unchanged(ctx context.Context) error {
	b.limits.title("unchanged: %d charts that stay as they are", b.few)
	if err := b.declare(ctx, "unchanged", b.few, interval); err != nil {
		return err
	}
	if err := b.ready(ctx, b.few); err != nil {
		return err
	}
	before, err := b.usage(ctx)
	if err != nil {
		return err
	}
	select {
	case <-time.After(watched):
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	after, err := b.usage(ctx)
	if err != nil {
		return err
	}
	b.limits.calibrate()
	used := after.since(before)
	b.limits.count("registry requests per reconcile", per(used.requests, used.rounds), 2)
	b.limits.count("API writes per reconcile", per(used.writes.total(), used.rounds), 0)
	if used.writes.total() > 0 {
		b.limits.noted("of these: %s", used.writes.each(used.rounds))
	}
	b.limits.cpu("CPU per reconcile", used.cpu, used.rounds, 3*time.Millisecond)
	b.limits.noted("there were %d reconciles", used.rounds)
	return b.clear(ctx)
}

// fromStart measures a controller that starts with many charts it has not seen.
func (b *bench) fromStart(ctx context.Context) error {
	if err := b.world.Controller.Stop(); err != nil {
		return err
	}
	b.limits.title("many: %d charts that a controller finds when it starts", b.many)
	if err := b.declare(ctx, "many", b.many, time.Hour); err != nil {
		return err
	}
	began, err := startWatch(0)
	if err != nil {
		return err
	}
	if err := b.start(ctx); err != nil {
		return err
	}
	began.pid = b.world.Controller.PID()
	profiled := b.profile("many", 10)
	if err := b.ready(ctx, b.many); err != nil {
		return err
	}
	took, err := began.span()
	if err != nil {
		return err
	}
	if err := <-profiled; err != nil {
		return err
	}
	used, err := b.usage(ctx)
	if err != nil {
		return err
	}
	b.limits.calibrate()
	b.limits.wall("until all are published", took, 20*time.Second)
	b.limits.noted("peak memory is %.1f MiB", float64(used.peak)/(1<<20))
	return nil
}

func (b *bench) start(ctx context.Context) error {
	w := b.world
	w.Registry.Forget()
	w.Controller = &realparts.Controller{Binary: w.Binary(), Kubeconfig: w.Plane.Kubeconfig(), Dir: filepath.Join(w.Dir, "controller"), Namespace: w.Namespace}
	if b.profiles != "" {
		var err error
		if b.pprof, err = process.FreeAddr(); err != nil {
			return err
		}
		w.Controller.Flags = []string{"--enable-pprof", "--pprof-addr=" + b.pprof}
	}
	return w.Controller.Start(ctx, w.Group)
}

func (b *bench) declare(ctx context.Context, prefix string, n int, every time.Duration) error {
	for i := range n {
		obj := &v1alpha1.VerifiedChart{
			ObjectMeta: metav1.ObjectMeta{Name: prefix + "-" + strconv.Itoa(i), Namespace: b.world.Namespace},
			Spec: v1alpha1.VerifiedChartSpec{
				URL: "oci://" + b.world.Charts["signed"].Repository, Insecure: true,
				Ref: v1alpha1.ChartRef{SemVer: ">=1.0.0"}, Interval: metav1.Duration{Duration: every},
				Verify: v1alpha1.Verification{Authorities: []v1alpha1.Authority{
					{Name: "release", Provider: v1alpha1.CosignProvider, SecretRef: &meta.LocalObjectReference{Name: scenario.KeySecret}},
				}},
			},
		}
		if err := b.world.Client.Create(ctx, obj); err != nil {
			return err
		}
	}
	return nil
}
