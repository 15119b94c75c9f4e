// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/fluxcd/pkg/auth"
	"github.com/fluxcd/pkg/runtime/client"
	helper "github.com/fluxcd/pkg/runtime/controller"
	"github.com/fluxcd/pkg/runtime/events"
	"github.com/fluxcd/pkg/runtime/features"
	"github.com/fluxcd/pkg/runtime/metrics"
	sourcev1 "github.com/fluxcd/source-controller/api/v1"
	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	kuberecorder "k8s.io/client-go/tools/record"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	ctrlclient "sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	ctrlmetrics "sigs.k8s.io/controller-runtime/pkg/metrics"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/internal/chartrepo"
	"github.com/verifiedchart/verifiedchart/internal/cloud"
	"github.com/verifiedchart/verifiedchart/internal/controller"
	"github.com/verifiedchart/verifiedchart/internal/download"
	"github.com/verifiedchart/verifiedchart/internal/material"
	"github.com/verifiedchart/verifiedchart/internal/registry"
	"github.com/verifiedchart/verifiedchart/internal/server"
	"github.com/verifiedchart/verifiedchart/internal/storage"
)

const (
	// cacheLimit bounds the answers of registries that are kept, in bytes: some 2 KiB an object
	// that is signed with a key, and 14 KiB one that is signed keyless.
	cacheLimit = 16 << 20
	// objectsLimit bounds the Secrets and ConfigMaps that are kept, in bytes.
	objectsLimit = 16 << 20
	// lastGoodList is the file, in the storage folder, with the last good revocation list.
	lastGoodList = ".revocations/revoked.yaml"
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
		Metrics:                       metricsserver.Options{BindAddress: o.metricsAddr},
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
				&corev1.ServiceAccount{}: {Transform: dropTokens},
				metadataOf("Secret"):     {Transform: dropAnnotations},
				metadataOf("ConfigMap"):  {Transform: dropAnnotations},
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

// dropTokens keeps what a ServiceAccount is read for: its pull Secrets, and the annotations that name its cloud identity.
func dropTokens(obj any) (any, error) {
	if account, ok := obj.(*corev1.ServiceAccount); ok {
		account.SetManagedFields(nil)
		account.SetLabels(nil)
		account.Secrets = nil
		delete(account.Annotations, corev1.LastAppliedConfigAnnotation)
	}
	return obj, nil
}

// newCloud returns the client for the credentials of clouds.
func newCloud(c ctrlclient.Client, o options) (*cloud.Client, error) {
	supported := map[string]bool{}
	auth.SetFeatureGates(supported)
	if err := o.features.SupportedFeatures(supported); err != nil {
		return nil, fmt.Errorf("--feature-gates: %w", err)
	}
	objectLevel, err := features.Enabled(cloud.FeatureGate)
	if err != nil {
		return nil, fmt.Errorf("--feature-gates: %w", err)
	}
	clouds, err := cloud.New(cloud.Options{
		Client: c, MaxTokens: o.tokenCache.MaxSize, MaxDuration: o.tokenCache.MaxDuration,
		ObjectLevel: objectLevel, DefaultServiceAccount: o.defaultServiceAccount, ControllerNamespaces: o.identityNamespaces,
	})
	if err != nil {
		return nil, fmt.Errorf("--%s: %w", auth.ControllerFlagDefaultServiceAccount, err)
	}
	return clouds, nil
}

// dropSchema keeps what reports whether a definition is established.
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
	namespace := os.Getenv("RUNTIME_NAMESPACE")
	clouds, err := newCloud(mgr.GetClient(), o)
	if err != nil {
		return nil, err
	}
	objects := material.NewObjects(mgr.GetCache(), mgr.GetAPIReader(), objectsLimit)
	list := types.NamespacedName{Namespace: namespace, Name: o.revocations}
	agent, apiServer := name+"/"+version, apiServerAddresses(context.Background(), mgr.GetConfig())
	downloads := download.NewClient(download.Options{UserAgent: agent, AllowedHosts: o.allowedHosts, APIServer: apiServer})
	return &controller.VerifiedChartReconciler{
		Client:        mgr.GetClient(),
		APIReader:     mgr.GetAPIReader(),
		Metrics:       helper.NewMetrics(mgr, metrics.MustMakeRecorder()),
		EventRecorder: recorder,
		Announcer:     announcer(mgr, recorder),
		Material: material.NewLoader(material.Options{
			Source: objects, PublicRoot: root, Cloud: clouds,
			Downloads: downloads,
		}),
		Revocations:     revocations(objects, list, o.artifact.StoragePath),
		RevocationsName: list,
		Registries:      registry.NewClient(registry.ClientOptions{UserAgent: agent, AllowedHosts: o.allowedHosts, APIServer: apiServer}),
		Charts: chartrepo.NewClient(chartrepo.Options{
			Downloads: downloads, MaxIndexSize: o.indexMaxSize, Stage: func() (chartrepo.File, error) { return store.Stage() },
		}),
		Cache:         registry.NewCache(cacheLimit, controller.MaterialAge, time.Now),
		Verifications: controller.NewVerificationMetrics(ctrlmetrics.Registry),
		Storage:       store,
		Paths:         server.NewPaths(time.Now),
		Name:          name,
		Namespace:     namespace,
		AllowHTTP:     o.insecureAllowHTTP,

		DefaultServiceAccount: o.defaultServiceAccount,
		MaxTimeout:            o.maxTimeout,
		MinInterval:           o.minInterval,
	}, nil
}

// announcer forwards events of ExternalArtifacts to --events-addr, and makes no Kubernetes Event of them: the VerifiedChart has one.
func announcer(mgr ctrl.Manager, recorder *events.Recorder) kuberecorder.EventRecorder {
	if recorder.Webhook == "" {
		return nil
	}
	forwards := *recorder
	forwards.EventRecorder = &kuberecorder.FakeRecorder{} // without a channel it discards
	forwards.Scheme = mgr.GetScheme()
	return &forwards
}

// revocations returns what is revoked for the whole cluster, or nil if no list is named.
func revocations(source material.Source, list types.NamespacedName, storagePath string) *material.RevocationSource {
	if list.Name == "" {
		return nil
	}
	return material.NewRevocationSource(source, list, filepath.Join(storagePath, lastGoodList))
}

func setUp(ctx context.Context, mgr ctrl.Manager, o options, r *controller.VerifiedChartReconciler, root *publicRoot) error {
	return r.SetupWithManager(ctx, mgr, controller.Options{
		RateLimiter: func() workqueue.TypedRateLimiter[ctrl.Request] { return helper.GetRateLimiter(o.rateLimiter) },
		Concurrent:  o.concurrent, PublicRootChanged: root.changed,
	})
}

func addServer(mgr ctrl.Manager, o options, r *controller.VerifiedChartReconciler) error {
	return mgr.Add(server.New(server.Options{
		Root:    o.artifact.StoragePath,
		Addr:    o.artifact.StorageAddress,
		Paths:   r.Paths,
		Damaged: func(owner server.Owner) { r.Damaged(owner.Namespace, owner.Name) },
	}))
}

// addChecks reports a standby as alive but not ready, so that no traffic for artifacts reaches it
// (fluxcd/source-controller#272), and likewise a controller that has not verified what it serves yet, or whose kind is not
// defined in the cluster.
func addChecks(mgr ctrl.Manager, r *controller.VerifiedChartReconciler) error {
	if err := mgr.AddHealthzCheck("ping", healthz.Ping); err != nil {
		return err
	}
	defined, err := kindCheck(mgr.GetConfig())
	if err != nil {
		return err
	}
	if err := mgr.AddReadyzCheck("definition", defined); err != nil {
		return err
	}
	return mgr.AddReadyzCheck("leader", func(*http.Request) error {
		select {
		case <-mgr.Elected():
			return r.Warm()
		default:
			return errors.New("this replica is on standby: another replica is the leader")
		}
	})
}
