// SPDX-License-Identifier: Apache-2.0

// Package scenario is the story that the demo shows and the end-to-end tests assert: helm packages charts,
// cosign or helm signs them, and a real registry holds them; VerifiedCharts declare them in a real control
// plane, and Flux's helm-controller installs the charts that our controller accepts. It is a list of steps; the
// caller decides how to show steps and failures.
package scenario

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	sourcev1 "github.com/fluxcd/source-controller/api/v1"
	"k8s.io/apimachinery/pkg/runtime"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/internal/trustroot/trustroottest"
	"github.com/verifiedchart/verifiedchart/test/controlplane"
	"github.com/verifiedchart/verifiedchart/test/parts"
	"github.com/verifiedchart/verifiedchart/test/process"
	"github.com/verifiedchart/verifiedchart/test/realparts"
)

const (
	// Version is that of every chart.
	Version = "1.0.0"
	// Identity signs keyless for the publisher; Impostor is a stranger.
	Identity = "release@example.com"
	Impostor = "impostor@example.com"
	// SystemNamespace is the namespace of the controller in a cluster.
	SystemNamespace = "verifiedchart-system"

	// patience is long enough for a busy machine: only a failure takes that long.
	patience = 3 * time.Minute
	pause    = 100 * time.Millisecond
)

// Step is an action or a check. The title is a sentence that describes it.
type Step struct {
	Title string
	Do    func(context.Context, *World) error
}

// World holds everything in the scenario, as one tenant sees it; all but the tenant's parts is shared. The
// steps of Ground and Charts set its fields.
type World struct {
	// Root is the root folder of the repository, and Dir the folder of all generated files.
	Root, Dir string
	// Namespace holds the objects of one tenant, and Folder its charts in the registry.
	Namespace, Folder string
	// Access are the fields of the spec of each VerifiedChart for access to the registry, "insecure: true" by default.
	Access []string
	// Controllers are those that a kube-controller-manager runs. If there are none, the default, no
	// kube-controller-manager runs.
	Controllers []string

	Plane    *controlplane.ControlPlane
	Kubectl  *controlplane.Kubectl
	Client   client.Client
	Registry realparts.OCIRegistry
	Helm     *realparts.Helm
	Oras     *realparts.Oras
	// Cosign is cosign 3.
	Cosign   *realparts.Cosign
	Sigstore *realparts.Sigstore
	// Mirror is the TUF repository that replaces that of the public Sigstore.
	Mirror     *trustroottest.Repository
	Controller *realparts.Controller
	// Group holds the running programs.
	Group *process.Group
	// Release signs for the publisher; Stranger does not.
	Release, Stranger realparts.Key
	// Maintainers sign with helm.
	Maintainers Maintainers
	// Charts are the pushed charts, by the name of the VerifiedChart; Moved is the chart that the tag of
	// "moved" names in the end.
	Charts map[string]realparts.Pushed
	Moved  realparts.Pushed
}

// Parts are the parts that a world needs.
func Parts() []string {
	return []string{
		parts.CRDs, parts.Etcd, parts.KubeAPIServer, parts.Kubectl, parts.Registry, parts.Helm, parts.Oras, parts.Cosign3,
		parts.Fulcio, parts.Rekor, parts.Timestamp, parts.HelmController,
	}
}

// NewWorld returns an empty world in a temporary folder. The error matches parts.ErrNotBuilt if parts are
// missing.
func NewWorld() (*World, error) {
	err := parts.Missing(Parts()...)
	if err != nil {
		return nil, err
	}
	root, err := parts.Root()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "verifiedchart-")
	if err != nil {
		return nil, fmt.Errorf("cannot make a temporary folder: %w", err)
	}
	return &World{
		Root: root, Dir: dir, Namespace: "default", Folder: "charts",
		Access: []string{"insecure: true"}, Group: &process.Group{}, Charts: map[string]realparts.Pushed{},
	}, nil
}

// Guard returns a context that ends, with its cause, when a program of the world dies.
func (w *World) Guard(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	go func() {
		select {
		case <-w.Group.Died():
			cancel(w.Group.Err())
		case <-ctx.Done():
		}
	}()
	return ctx, func() { cancel(nil) }
}

// Close stops every program and removes every file. It may be called again.
func (w *World) Close() error {
	err := w.Group.Stop()
	if w.Registry != nil {
		_ = w.Registry.Close()
	}
	if w.Sigstore != nil {
		w.Sigstore.Close()
	}
	if w.Mirror != nil {
		w.Mirror.Close()
	}
	if gone := os.RemoveAll(w.Dir); err == nil {
		err = gone
	}
	return err
}

// Binary is the path of the controller's program.
func (w *World) Binary() string {
	return filepath.Join(w.Root, "bin", "parts", realparts.ControllerName)
}

// connect returns a client of the control plane that acts as its administrator.
func connect(plane *controlplane.ControlPlane) (client.Client, error) {
	config, err := plane.Config()
	if err != nil {
		return nil, err
	}
	config.QPS = -1
	scheme := runtime.NewScheme()
	utilruntime.Must(clientgoscheme.AddToScheme(scheme))
	utilruntime.Must(sourcev1.AddToScheme(scheme))
	utilruntime.Must(v1alpha1.AddToScheme(scheme))
	return client.New(config, client.Options{Scheme: scheme})
}

// until calls Poll with a pause of a tenth of a second.
func until(ctx context.Context, ask func(context.Context) error) error { return Poll(ctx, pause, ask) }

// Poll calls ask repeatedly, with pauses, until it returns nil. If time runs out, Poll returns the last error.
func Poll(ctx context.Context, pause time.Duration, ask func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tick := time.NewTicker(pause)
	defer tick.Stop()
	var last error
	for {
		err := ask(ctx)
		if err == nil {
			return nil
		}
		if ctx.Err() == nil || last == nil {
			last = err
		}
		select {
		case <-ctx.Done():
			if cause := context.Cause(ctx); !errors.Is(cause, context.DeadlineExceeded) {
				return cause
			}
			return fmt.Errorf("not within %s: %w", patience, last)
		case <-tick.C:
		}
	}
}
