// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	artifactconfig "github.com/fluxcd/pkg/artifact/config"
	helper "github.com/fluxcd/pkg/runtime/controller"
	"github.com/fluxcd/pkg/runtime/metrics"
	sourcev1 "github.com/fluxcd/source-controller/api/v1"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	"sigs.k8s.io/controller-runtime/pkg/event"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/internal/chartrepo"
	"github.com/verifiedchart/verifiedchart/internal/cloud"
	"github.com/verifiedchart/verifiedchart/internal/download"
	"github.com/verifiedchart/verifiedchart/internal/material"
	"github.com/verifiedchart/verifiedchart/internal/registry"
	"github.com/verifiedchart/verifiedchart/internal/server"
	"github.com/verifiedchart/verifiedchart/internal/storage"
)

func TestController(t *testing.T) {
	RegisterFailHandler(Fail)
	RunSpecs(t, "Controller")
}

// The real API server of this process, and the controller that runs against it.
var (
	k8s        client.Client
	restConfig *rest.Config
	reconciler *VerifiedChartReconciler
	storageDir string
	scheme     = runtime.NewScheme()
)

var _ = BeforeSuite(func() {
	ctrl.SetLogger(GinkgoLogr)
	for _, add := range []func(*runtime.Scheme) error{
		clientgoscheme.AddToScheme, apiextensionsv1.AddToScheme, sourcev1.AddToScheme, v1alpha1.AddToScheme,
	} {
		Expect(add(scheme)).To(Succeed())
	}
	config := startControlPlane(&envtest.Environment{CRDDirectoryPaths: []string{ourCRDs, externalArtifactCRD}})
	restConfig = config
	var err error
	k8s, err = client.New(config, client.Options{Scheme: scheme})
	Expect(err).NotTo(HaveOccurred())
	revokeForAll("")

	storageDir = GinkgoT().TempDir()
	notApart, err := labels.Parse("!" + apart)
	Expect(err).NotTo(HaveOccurred())
	mgr := newManager(config, cache.Options{ByObject: map[client.Object]cache.ByObject{&v1alpha1.VerifiedChart{}: {Label: notApart}}})
	reconciler = newReconciler(mgr, storageDir)
	reconciler.Revocations = material.NewRevocationSource(material.NewObjects(mgr.GetCache(), mgr.GetAPIReader(), 1<<20), clusterRevocations, "")
	reconciler.RevocationsName = clusterRevocations
	run(mgr, reconciler)
})

// apart is the label of VerifiedCharts that the suite's controller leaves to a separate controller.
const apart = "apart"

// The folders with the custom resource definitions.
var (
	root                = filepath.Join("..", "..")
	ourCRDs             = filepath.Join(root, "config", "crd", "bases")
	externalArtifactCRD = filepath.Join(root, "bin", "parts", "crds", "source.toolkit.fluxcd.io_externalartifacts.yaml")
)

// startControlPlane starts the environment, which ends with the test.
func startControlPlane(e *envtest.Environment) *rest.Config {
	GinkgoHelper()
	e.ErrorIfCRDPathMissing = true
	// The start usually takes five seconds, but under full load more than the default of twenty.
	e.ControlPlaneStartTimeout, e.ControlPlaneStopTimeout = 2*time.Minute, time.Minute
	if e.BinaryAssetsDirectory = os.Getenv("KUBEBUILDER_ASSETS"); e.BinaryAssetsDirectory == "" {
		e.BinaryAssetsDirectory = filepath.Join(root, "bin", "parts")
	}
	config, err := e.Start()
	Expect(err).NotTo(HaveOccurred(), "the control plane is not there: run make parts")
	DeferCleanup(func() { Expect(e.Stop()).To(Succeed()) })
	return config
}

// quickLimiter spaces out retries by short pauses.
func quickLimiter() workqueue.TypedRateLimiter[ctrl.Request] {
	return helper.GetRateLimiter(helper.RateLimiterOptions{MinRetryDelay: 50 * time.Millisecond, MaxRetryDelay: time.Second})
}

// run runs the reconciler until the test ends.
func run(mgr ctrl.Manager, r *VerifiedChartReconciler) {
	GinkgoHelper()
	DeferCleanup(start(mgr, r, publicRoot.changed))
}

// start runs the reconciler until the function that it returns is called.
func start(mgr ctrl.Manager, r *VerifiedChartReconciler, publicRootChanged <-chan event.GenericEvent) (stop func()) {
	GinkgoHelper()
	ctx, cancel := context.WithCancel(context.Background())
	Expect(r.SetupWithManager(ctx, mgr, Options{
		RateLimiter: quickLimiter,
		Concurrent:  4, SkipNameValidation: true, PublicRootChanged: publicRootChanged,
	})).To(Succeed())
	stopped := make(chan error, 1)
	go func() { stopped <- mgr.Start(ctx) }()
	return func() { cancel(); Expect(<-stopped).To(Succeed()) }
}

// newManager returns a manager whose client reads from the cache.
func newManager(config *rest.Config, held cache.Options) ctrl.Manager {
	GinkgoHelper()
	mgr, err := ctrl.NewManager(config, ctrl.Options{
		Scheme:  scheme,
		Metrics: metricsserver.Options{BindAddress: "0"},
		Client:  client.Options{Cache: &client.CacheOptions{DisableFor: []client.Object{&corev1.Secret{}, &corev1.ConfigMap{}}}},
		Cache:   held,
	})
	Expect(err).NotTo(HaveOccurred())
	return mgr
}

func newReconciler(mgr ctrl.Manager, dir string) *VerifiedChartReconciler {
	GinkgoHelper()
	return newReconcilerAt(mgr, dir, time.Now)
}

// newReconcilerAt returns a reconciler with its own clock.
func newReconcilerAt(mgr ctrl.Manager, dir string, now func() time.Time) *VerifiedChartReconciler {
	GinkgoHelper()
	store, err := storage.New(&artifactconfig.Options{
		StoragePath: dir, StorageAddress: ":0", StorageAdvAddress: "artifacts.example",
	})
	Expect(err).NotTo(HaveOccurred())
	clouds, err := cloud.New(cloud.Options{Client: mgr.GetClient()})
	Expect(err).NotTo(HaveOccurred())
	downloads := download.NewClient(download.Options{RetryPause: time.Millisecond, AllowedHosts: []string{"127.0.0.0/8"}})
	r := &VerifiedChartReconciler{
		Client:        mgr.GetClient(),
		APIReader:     mgr.GetAPIReader(),
		Metrics:       helper.NewMetrics(mgr, metrics.NewRecorder()),
		EventRecorder: mgr.GetEventRecorderFor("verifiedchart-controller"), //nolint:staticcheck // the recorder of fluxcd/pkg/runtime is one of these
		Material: material.NewLoader(material.Options{
			Source:     material.NewObjects(mgr.GetCache(), mgr.GetAPIReader(), 16<<20),
			Cloud:      clouds,
			PublicRoot: publicRoot, Downloads: downloads,
		}),
		Registries: registry.NewClient(registry.ClientOptions{AllowedHosts: []string{"127.0.0.0/8"}}),
		Charts: chartrepo.NewClient(chartrepo.Options{
			Downloads: downloads, Stage: func() (chartrepo.File, error) { return store.Stage() }, Now: now,
		}),
		Cache:         registry.NewCache(16<<20, MaterialAge, now),
		Verifications: NewVerificationMetrics(prometheus.NewRegistry()),
		Storage:       store,
		Paths:         server.NewPaths(now),
		Now:           now,
		Name:          "verifiedchart-controller",
		Namespace:     "default",
		AllowHTTP:     true,

		DefaultServiceAccount: "default-reader",
	}
	r.prepare(quickLimiter(), 4, func(types.NamespacedName) {})
	return r
}

// serves reports whether the controller's server may serve a path.
func serves(r *VerifiedChartReconciler, path string) bool {
	owner, ok := r.Paths.Owner(strings.TrimPrefix(path, "/"))
	if !ok {
		return false
	}
	_, current, _, ok := r.Paths.Current(owner.Namespace, owner.Name)
	return ok && current == strings.TrimPrefix(path, "/")
}

// drive reconciles an object with a reconciler without a manager, until its errands are over.
func drive(ctx context.Context, r *VerifiedChartReconciler, obj client.Object) error {
	GinkgoHelper()
	var err error
	for range 4 {
		if _, err = r.Reconcile(ctx, requestOf(client.ObjectKeyFromObject(obj))); err != nil {
			return err
		}
		s := r.sessions.find(client.ObjectKeyFromObject(obj))
		if s == nil {
			return nil
		}
		Eventually(func() bool {
			s.mu.Lock()
			defer s.mu.Unlock()
			return s.errand == nil && s.question == nil
		}).WithTimeout(patience).WithPolling(5 * time.Millisecond).Should(BeTrue())
		s.mu.Lock()
		over := s.done == nil
		s.mu.Unlock()
		if over {
			return nil
		}
	}
	return nil
}

// namespace returns a new namespace for one test.
func namespace(ctx context.Context, c client.Client) string {
	GinkgoHelper()
	ns := &corev1.Namespace{}
	ns.GenerateName = fmt.Sprintf("test-%d-", GinkgoParallelProcess())
	Expect(c.Create(ctx, ns)).To(Succeed())
	return ns.Name
}
