// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/internal/trustroot"
)

// tufTimeout bounds one refresh, and so how long a mirror that hangs may hold up a reconcile that needs the root.
const tufTimeout = 15 * time.Second

// publicRoot is the trusted root of the public Sigstore, kept current by TUF.
// Nothing is fetched before the first object needs it.
type publicRoot struct {
	*trustroot.TUF
	changed chan event.GenericEvent
}

// addPublicRoot adds the refresh of the public trusted root, and its age as a metric, to the manager.
func addPublicRoot(mgr ctrl.Manager, o options) (*publicRoot, error) {
	var initial []byte
	if o.tufRoot != "" {
		var err error
		if initial, err = os.ReadFile(o.tufRoot); err != nil {
			return nil, fmt.Errorf("--tuf-root: %w", err)
		}
	}
	p := &publicRoot{changed: make(chan event.GenericEvent, 1)}
	var err error
	p.TUF, err = trustroot.NewTUF(trustroot.TUFOptions{
		Mirror: o.tufMirror, AllowedHosts: o.allowedHosts, Root: initial, CacheDir: o.tufCacheDir,
		RefreshEvery: o.tufRefresh, Timeout: tufTimeout, Changed: p.notify,
	})
	if err != nil {
		return nil, fmt.Errorf("--tuf-mirror, --tuf-root: %w", err)
	}
	if err := metrics.Registry.Register(rootAge{p}); err != nil {
		return nil, err
	}
	return p, mgr.Add(p)
}

// notify has the users of the root verified again. One notice that is not read yet is enough.
func (p *publicRoot) notify() {
	select {
	case p.changed <- event.GenericEvent{Object: &v1alpha1.VerifiedChart{}}:
	default:
	}
}

// rootAge is the metric of the public trusted root's age. There is none before it is needed.
type rootAge struct{ root *publicRoot }

var rootAgeDesc = prometheus.NewDesc("verifiedchart_trusted_root_age_seconds",
	"Time since the trusted root of the public Sigstore was last proven to be current.", nil, nil)

// Describe implements prometheus.Collector.
func (rootAge) Describe(descriptions chan<- *prometheus.Desc) { descriptions <- rootAgeDesc }

// Collect implements prometheus.Collector.
func (a rootAge) Collect(collected chan<- prometheus.Metric) {
	if age, ok := a.root.Age(); ok {
		collected <- prometheus.MustNewConstMetric(rootAgeDesc, prometheus.GaugeValue, age.Seconds())
	}
}
