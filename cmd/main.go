// SPDX-License-Identifier: Apache-2.0

// The verifiedchart-controller publishes Helm charts from OCI registries while it is proven who signed them.
package main

import (
	"context"
	"fmt"
	"os"

	flag "github.com/spf13/pflag"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/fluxcd/pkg/runtime/logger"
)

// name of the controller: its field manager, event source and leader election lease.
const name = "verifiedchart-controller"

// version is set by the linker.
var version = "dev"

func main() {
	var o options
	o.bind(flag.CommandLine)
	flag.Parse()
	logger.SetLogger(logger.NewLogger(o.log))
	listAtOnce()
	if err := run(ctrl.SetupSignalHandler(), o); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
		os.Exit(1)
	}
}

// listAtOnce makes client-go fill its caches by a list instead of a streamed
// one, which waits for the API server's next bookmark, a second for each kind: a
// new leader would serve nothing for that long. The environment has the last word.
func listAtOnce() {
	const gate = "KUBE_FEATURE_WatchListClient"
	if _, set := os.LookupEnv(gate); !set {
		_ = os.Setenv(gate, "false")
	}
}

// run builds the controller from its flags and runs it until ctx ends.
func run(ctx context.Context, o options) error {
	store, err := newStorage(o)
	if err != nil {
		return err
	}
	mgr, err := newManager(o)
	if err != nil {
		return err
	}
	root, err := addPublicRoot(mgr, o)
	if err != nil {
		return err
	}
	reconciler, err := newReconciler(mgr, o, store, root)
	if err != nil {
		return err
	}
	if err := addServer(mgr, o, reconciler.Served); err != nil {
		return err
	}
	if err := addChecks(mgr); err != nil {
		return err
	}
	if err := setUp(ctx, mgr, o, reconciler, root); err != nil {
		return err
	}
	ctrl.Log.Info("starting", "version", version)
	return mgr.Start(ctx)
}
