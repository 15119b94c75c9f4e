// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/fluxcd/pkg/runtime/client"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/healthz"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
)

// kindsPause is how often the API server is asked for the kinds that are not defined yet.
const kindsPause = 2 * time.Second

// discoveryTimeout bounds one question to the API server for its kinds.
const discoveryTimeout = 3 * time.Second

// kinds are the kinds without which there is nothing to do.
var kinds = []string{"verifiedcharts", "clusterchartpolicies"}

// errUndefined is matched if the API server says that a kind is not defined.
var errUndefined = errors.New("run kubectl apply --server-side -k config/crd")

// checkKinds returns an error that matches errUndefined if the API server says that a kind is not defined. Any other answer, as
// of an API server that is away, says nothing and is nil.
func checkKinds(d discovery.ServerResourcesInterface) error {
	list, err := d.ServerResourcesForGroupVersion(v1alpha1.GroupVersion.String())
	if err != nil && !apierrors.IsNotFound(err) {
		return nil
	}
	defined := map[string]bool{}
	if err == nil {
		for _, resource := range list.APIResources {
			defined[resource.Name] = true
		}
	}
	for _, kind := range kinds {
		if !defined[kind] {
			return fmt.Errorf("CustomResourceDefinition %s.%s is missing: %w", kind, v1alpha1.GroupVersion.Group, errUndefined)
		}
	}
	return nil
}

func newDiscovery(config *rest.Config) (*discovery.DiscoveryClient, error) {
	config = rest.CopyConfig(config)
	config.Timeout = discoveryTimeout
	d, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("cannot connect to the API server: %w", err)
	}
	return d, nil
}

// kindCheck is the check of readiness that the kinds are defined.
func kindCheck(config *rest.Config) (healthz.Checker, error) {
	d, err := newDiscovery(config)
	if err != nil {
		return nil, err
	}
	return func(*http.Request) error { return checkKinds(d) }, nil
}

// waitForKinds waits until the kinds are defined, alive and not ready, so that the process does not crash again and again while
// somebody installs them.
func waitForKinds(ctx context.Context, o options) error {
	check, err := kindCheck(client.GetConfigOrDie(o.client))
	if err != nil {
		return err
	}
	missing := check(nil)
	if missing == nil {
		return nil
	}
	ctrl.Log.Info("waiting for a CustomResourceDefinition", "cause", missing.Error())
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	mux := http.NewServeMux()
	mux.HandleFunc("/healthz", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })
	mux.HandleFunc("/readyz", func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, missing.Error(), http.StatusServiceUnavailable)
	})
	probes := make(chan error, 1)
	go func() {
		probes <- serveUntil(ctx, &http.Server{Addr: o.healthAddr, Handler: mux, ReadHeaderTimeout: discoveryTimeout})
	}()
	ticker := time.NewTicker(kindsPause)
	defer ticker.Stop()
	for check(nil) != nil {
		select {
		case err := <-probes:
			return err
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
	}
	cancel()
	return <-probes // the manager listens there next
}
