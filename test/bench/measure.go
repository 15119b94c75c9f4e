// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/fluxcd/pkg/apis/meta"
	"github.com/fluxcd/pkg/runtime/conditions"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/test/realparts"
	"github.com/verifiedchart/verifiedchart/test/scenario"
)

// bench measures one controller after the other in one world.
type bench struct{ world *scenario.World }

// cold measures a hundred charts that are new to a running controller.
func (b *bench) cold(ctx context.Context) error {
	if err := b.start(ctx); err != nil {
		return err
	}
	before, err := b.usage()
	if err != nil {
		return err
	}
	began, profiled := time.Now(), b.profile("cold", 2)
	if err := b.declare(ctx, "cold", few, time.Hour); err != nil {
		return err
	}
	if err := b.ready(ctx, few); err != nil {
		return err
	}
	took := time.Since(began)
	if err := <-profiled; err != nil {
		return err
	}
	after, err := b.usage()
	if err != nil {
		return err
	}
	used := after.since(before)
	fmt.Printf("cold, each of %d charts:      %5.2f registry requests  %6.2f ms CPU   (≤ 6, ≤ 8)\n", few, per(used.requests, few), ms(used.cpu, few))
	fmt.Printf("cold, all %d charts:          %5.2f s\n", few, took.Seconds())
	fmt.Printf("peak memory at %d charts:     %5.1f MiB   (≤ 110)\n", few, float64(after.peak)/(1<<20))
	return b.clear(ctx)
}

// unchanged measures reconciles of charts that stay as they are; each judges the signature again.
func (b *bench) unchanged(ctx context.Context) error {
	if err := b.declare(ctx, "unchanged", few, interval); err != nil {
		return err
	}
	if err := b.ready(ctx, few); err != nil {
		return err
	}
	before, err := b.usage()
	if err != nil {
		return err
	}
	select {
	case <-time.After(watched):
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	after, err := b.usage()
	if err != nil {
		return err
	}
	used := after.since(before)
	fmt.Printf("unchanged, each reconcile:     %5.2f registry requests  %6.2f ms CPU   (≤ 2, ≤ 3)   %d reconciles\n",
		per(used.requests, used.rounds), ms(used.cpu, used.rounds), used.rounds)
	return b.clear(ctx)
}

// many measures a controller that starts with a thousand charts it has not seen.
func (b *bench) many(ctx context.Context) error {
	if err := b.world.Controller.Stop(); err != nil {
		return err
	}
	if err := b.declare(ctx, "many", many, time.Hour); err != nil {
		return err
	}
	began := time.Now()
	if err := b.start(ctx); err != nil {
		return err
	}
	profiled := b.profile("many", 10)
	if err := b.ready(ctx, many); err != nil {
		return err
	}
	took := time.Since(began)
	if err := <-profiled; err != nil {
		return err
	}
	used, err := b.usage()
	if err != nil {
		return err
	}
	fmt.Printf("%d charts from the start on: %5.2f s   (≤ 20)   %.1f MiB peak\n", many, took.Seconds(), float64(used.peak)/(1<<20))
	return nil
}

func (b *bench) start(ctx context.Context) error {
	w := b.world
	w.Registry.Forget()
	w.Controller = &realparts.Controller{Binary: w.Binary(), Kubeconfig: w.Plane.Kubeconfig(), Dir: filepath.Join(w.Dir, "controller"), Namespace: scenario.Namespace}
	return w.Controller.Start(ctx, &w.Group)
}

func (b *bench) declare(ctx context.Context, prefix string, n int, every time.Duration) error {
	for i := range n {
		obj := &v1alpha1.VerifiedChart{
			ObjectMeta: metav1.ObjectMeta{Name: prefix + "-" + strconv.Itoa(i), Namespace: scenario.Namespace},
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

// ready waits until n charts are ready. It looks at the API server only once the
// registry has nothing more to do, since looking costs what is being measured.
func (b *bench) ready(ctx context.Context, n int) error {
	if err := b.quiet(ctx); err != nil {
		return err
	}
	return b.until(ctx, func(seen map[string]bool) bool { return ready(seen) == n })
}

// ready is how many of what was seen are ready.
func ready(seen map[string]bool) int {
	n := 0
	for _, is := range seen {
		if is {
			n++
		}
	}
	return n
}

// quiet waits until the registry was asked for something, and then for nothing more for a moment.
func (b *bench) quiet(ctx context.Context) error {
	const moment = 100 * time.Millisecond
	for before := 0; ; {
		now := len(b.world.Registry.Requests())
		if now > 0 && now == before {
			return nil
		}
		before = now
		select {
		case <-time.After(moment):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// clear deletes every chart and waits until they are gone.
func (b *bench) clear(ctx context.Context) error {
	if err := b.world.Client.DeleteAllOf(ctx, &v1alpha1.VerifiedChart{}, client.InNamespace(scenario.Namespace)); err != nil {
		return err
	}
	return b.until(ctx, func(seen map[string]bool) bool { return len(seen) == 0 })
}

// until watches the charts, which costs the API server less than asking for all
// of them again and again, until what is seen fits: by name whether they are ready.
func (b *bench) until(ctx context.Context, fits func(map[string]bool) bool) error {
	watching, err := b.watcher()
	if err != nil {
		return err
	}
	var list v1alpha1.VerifiedChartList
	if err := watching.List(ctx, &list, client.InNamespace(scenario.Namespace)); err != nil {
		return err
	}
	seen := map[string]bool{}
	for i := range list.Items {
		seen[list.Items[i].Name] = conditions.IsReady(&list.Items[i])
	}
	events, err := watching.Watch(ctx, &list, client.InNamespace(scenario.Namespace), &client.ListOptions{Raw: &metav1.ListOptions{ResourceVersion: list.ResourceVersion}})
	if err != nil {
		return err
	}
	defer events.Stop()
	for !fits(seen) {
		select {
		case e := <-events.ResultChan():
			obj, ok := e.Object.(*v1alpha1.VerifiedChart)
			if !ok {
				return fmt.Errorf("the watch ended: %v", e.Object)
			}
			if seen[obj.Name] = conditions.IsReady(obj); e.Type == watch.Deleted {
				delete(seen, obj.Name)
			}
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

func (b *bench) watcher() (client.WithWatch, error) {
	config, err := b.world.Plane.Config()
	if err != nil {
		return nil, err
	}
	return client.NewWithWatch(config, client.Options{Scheme: b.world.Client.Scheme()})
}

func per(n, of int) float64 { return float64(n) / float64(max(of, 1)) }

func ms(d time.Duration, of int) float64 {
	return float64(d.Microseconds()) / 1000 / float64(max(of, 1))
}

// chosen returns the measures that BENCH names, or all.
func (b *bench) chosen() []func(context.Context) error {
	switch os.Getenv("BENCH") {
	case "cold":
		return []func(context.Context) error{b.cold}
	case "unchanged":
		return []func(context.Context) error{b.start, b.unchanged}
	case "many":
		return []func(context.Context) error{b.start, b.many}
	case "edited":
		return []func(context.Context) error{b.start, b.many, b.edited}
	}
	return []func(context.Context) error{b.cold, b.unchanged, b.many, b.edited}
}
