// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/fluxcd/pkg/runtime/client"
	helper "github.com/fluxcd/pkg/runtime/controller"
	"github.com/fluxcd/pkg/runtime/events"
	"github.com/fluxcd/pkg/runtime/metrics"
	"github.com/fluxcd/pkg/runtime/pprof"
	sourcev1 "github.com/fluxcd/source-controller/api/v1"
	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	ctrlclient "sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	ctrlmetrics "sigs.k8s.io/controller-runtime/pkg/metrics"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/internal/controller"
	"github.com/verifiedchart/verifiedchart/internal/download"
	"github.com/verifiedchart/verifiedchart/internal/registry"
	"github.com/verifiedchart/verifiedchart/internal/server"
	"github.com/verifiedchart/verifiedchart/internal/storage"
	"github.com/verifiedchart/verifiedchart/internal/trustroot"
	"github.com/verifiedchart/verifiedchart/internal/verify/openpgp"
)

const (
	// memoryLimit bounds the signature material that is kept: some 2 KiB an object
	// that is signed with a key, and 14 KiB one that is signed keyless.
	memoryLimit = 32 << 20
	// memoryAge is how long material found under a tag is used before the registry is asked again.
	memoryAge = time.Hour
	// keyringsLimit bounds the keyrings of Secrets that are kept parsed, in bytes.
	keyringsLimit = 8 << 20
	// maxTrustedRoots bounds the trusted roots of Secrets that are kept parsed.
	maxTrustedRoots = 64
)

func scheme() *runtime.Scheme {
	s := runtime.NewScheme()
	utilruntime.Must(clientgoscheme.AddToScheme(s))
	utilruntime.Must(apiextensionsv1.AddToScheme(s))
	utilruntime.Must(sourcev1.AddToScheme(s))
	utilruntime.Must(v1alpha1.AddToScheme(s))
	return s
}

func newStorage(o options) (*storage.Storage, error) {
	store, err := storage.New(&o.artifact)
	if err != nil {
		return nil, fmt.Errorf("cannot use --storage-path %q: %w", o.artifact.StoragePath, err)
	}
	return store, nil
}

func newManager(o options) (ctrl.Manager, error) {
	namespaces := map[string]cache.Config{}
	if !o.watch.AllNamespaces {
		own := os.Getenv("RUNTIME_NAMESPACE")
		if own == "" {
			return nil, errors.New("--watch-all-namespaces=false needs the environment variable RUNTIME_NAMESPACE")
		}
		namespaces[own] = cache.Config{}
	}
	selector, err := helper.GetWatchSelector(o.watch)
	if err != nil {
		return nil, fmt.Errorf("--watch-label-selector: %w", err)
	}
	mgr, err := ctrl.NewManager(client.GetConfigOrDie(o.client), ctrl.Options{
		Scheme:                        scheme(),
		Metrics:                       metricsserver.Options{BindAddress: o.metricsAddr, ExtraHandlers: pprof.GetHandlers()},
		HealthProbeBindAddress:        o.healthAddr,
		LeaderElection:                o.leaderElection.Enable,
		LeaderElectionID:              name + "-leader-election",
		LeaderElectionNamespace:       os.Getenv("RUNTIME_NAMESPACE"),
		LeaderElectionReleaseOnCancel: o.leaderElection.ReleaseOnCancel,
		LeaseDuration:                 &o.leaderElection.LeaseDuration,
		RenewDeadline:                 &o.leaderElection.RenewDeadline,
		RetryPeriod:                   &o.leaderElection.RetryPeriod,
		Logger:                        ctrl.Log,
		Client:                        ctrlclient.Options{Cache: &ctrlclient.CacheOptions{DisableFor: []ctrlclient.Object{&corev1.Secret{}, &corev1.ConfigMap{}}}},
		Cache: cache.Options{
			DefaultNamespaces: namespaces,
			DefaultTransform:  cache.TransformStripManagedFields(),
			ByObject: map[ctrlclient.Object]cache.ByObject{
				&v1alpha1.VerifiedChart{}: {Label: selector},
				&apiextensionsv1.CustomResourceDefinition{}: {
					Field:     fields.OneTermEqualSelector("metadata.name", controller.ExternalArtifactCRD),
					Transform: dropSchema,
				},
				metadataOf("Secret"):    {Transform: dropAnnotations},
				metadataOf("ConfigMap"): {Transform: dropAnnotations},
			},
		},
	})
	if err != nil {
		return nil, fmt.Errorf("cannot create the manager: %w", err)
	}
	return mgr, nil
}

// metadataOf is the object that the metadata of a kind is cached as.
func metadataOf(kind string) *metav1.PartialObjectMetadata {
	m := &metav1.PartialObjectMetadata{}
	m.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind(kind))
	return m
}

// dropAnnotations keeps what identifies an object. Its annotations may hold all
// of it, as kubectl's last-applied-configuration does.
func dropAnnotations(obj any) (any, error) {
	if m, ok := obj.(metav1.Object); ok {
		m.SetManagedFields(nil)
		m.SetAnnotations(nil)
		m.SetLabels(nil)
	}
	return obj, nil
}

// dropSchema keeps what says whether a definition is established.
func dropSchema(obj any) (any, error) {
	if crd, ok := obj.(*apiextensionsv1.CustomResourceDefinition); ok {
		crd.SetManagedFields(nil)
		crd.Spec.Versions = nil
	}
	return obj, nil
}

func newReconciler(mgr ctrl.Manager, o options, store *storage.Storage, root *publicRoot) (*controller.VerifiedChartReconciler, error) {
	if err := o.jitter.SetGlobalJitter(nil); err != nil {
		return nil, fmt.Errorf("--interval-jitter-percentage: %w", err)
	}
	recorder, err := events.NewRecorder(mgr, ctrl.Log, o.eventsAddr, name)
	if err != nil {
		return nil, fmt.Errorf("--events-addr: %w", err)
	}
	objects := controller.NewObjects(mgr.GetCache(), mgr.GetAPIReader())
	return &controller.VerifiedChartReconciler{
		Client:        mgr.GetClient(),
		Metrics:       helper.NewMetrics(mgr, metrics.MustMakeRecorder(), v1alpha1.VerifiedChartFinalizer),
		EventRecorder: recorder,
		Objects:       objects,
		Keyrings:      openpgp.NewCache(keyringsLimit),
		TrustedRoots:  trustroot.NewCache(maxTrustedRoots),
		PublicRoot:    root,
		Registries:    registry.NewClient(registry.ClientOptions{UserAgent: name + "/" + version, AllowedHosts: o.allowedHosts}),
		Downloads:     download.NewClient(download.Options{UserAgent: name + "/" + version, AllowedHosts: o.allowedHosts}),
		Memory:        registry.NewCache(memoryLimit, memoryAge, time.Now),
		Revocations:   revocations(objects, o),
		Verifications: controller.NewVerificationMetrics(ctrlmetrics.Registry),
		Storage:       store,
		Served:        &controller.Served{},
		Name:          name,
		Namespace:     os.Getenv("RUNTIME_NAMESPACE"),
		AllowHTTP:     o.insecureAllowHTTP,
	}, nil
}

// revocations returns what is revoked for the whole cluster, or nil where no list is named.
func revocations(objects *controller.Objects, o options) *controller.Revocations {
	if o.revocations == "" {
		return nil
	}
	return controller.NewRevocations(objects, types.NamespacedName{Namespace: os.Getenv("RUNTIME_NAMESPACE"), Name: o.revocations})
}

func setUp(ctx context.Context, mgr ctrl.Manager, o options, r *controller.VerifiedChartReconciler, root *publicRoot) error {
	return r.SetupWithManager(ctx, mgr, controller.Options{
		RateLimiter: func() workqueue.TypedRateLimiter[ctrl.Request] { return helper.GetRateLimiter(o.rateLimiter) },
		Concurrent:  o.concurrent, PublicRootChanged: root.changed,
	})
}

func addServer(mgr ctrl.Manager, o options, served *controller.Served) error {
	return mgr.Add(server.New(server.Options{
		Root:   o.artifact.StoragePath,
		Addr:   o.artifact.StorageAddress,
		Admits: served.Admits,
	}))
}

// addChecks reports a standby as alive but not ready, so that no traffic for
// artifacts reaches it (fluxcd/source-controller#272).
func addChecks(mgr ctrl.Manager) error {
	if err := mgr.AddHealthzCheck("ping", healthz.Ping); err != nil {
		return err
	}
	return mgr.AddReadyzCheck("leader", func(*http.Request) error {
		select {
		case <-mgr.Elected():
			return nil
		default:
			return errors.New("this replica is on standby")
		}
	})
}
