// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/fluxcd/pkg/apis/meta"
	"github.com/fluxcd/pkg/runtime/conditions"
	sourcev1 "github.com/fluxcd/source-controller/api/v1"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/internal/server"
)

// panicking panics for the object with one name.
type panicking struct {
	client.Client
	name string
}

func (p panicking) Get(ctx context.Context, key client.ObjectKey, obj client.Object, o ...client.GetOption) error {
	if _, ok := obj.(*v1alpha1.VerifiedChart); ok && key.Name == p.name {
		panic("a bug, met by " + p.name)
	}
	return p.Client.Get(ctx, key, obj, o...)
}

// conflicting refuses the first patch of a status, as if another client had written in between.
type conflicting struct {
	client.Client
	refused atomic.Bool
}

func (c *conflicting) Status() client.SubResourceWriter {
	return conflictingStatus{c.Client.Status(), c}
}

type conflictingStatus struct {
	client.SubResourceWriter
	c *conflicting
}

func (s conflictingStatus) Patch(ctx context.Context, obj client.Object, p client.Patch, o ...client.SubResourcePatchOption) error {
	if s.c.refused.CompareAndSwap(false, true) {
		return apierrors.NewConflict(schema.GroupResource{Resource: "verifiedcharts"}, obj.GetName(), errors.New("it was written in between"))
	}
	return s.SubResourceWriter.Patch(ctx, obj, p, o...)
}

var _ = Describe("A controller whose cluster has no ExternalArtifact yet", Label("install"), Ordered, func() {
	var (
		w           *world
		environment *envtest.Environment
		addr        string
	)
	BeforeAll(func() {
		environment = &envtest.Environment{CRDDirectoryPaths: []string{ourCRDs}}
		// With its own folder the API server keeps its certificates over a restart.
		environment.ControlPlane.GetAPIServer().CertDir = GinkgoT().TempDir()
		config := startControlPlane(environment)
		mgr := newManager(config, cache.Options{})
		dir := GinkgoT().TempDir()
		r := newReconciler(mgr, dir)
		r.Client = panicking{r.Client, "panic"}
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		Expect(err).NotTo(HaveOccurred())
		addr = listener.Addr().String()
		Expect(mgr.Add(server.New(server.Options{Root: dir, Listener: listener, Paths: r.Paths}))).To(Succeed())
		DeferCleanup(start(mgr, r, nil))
		c, err := client.New(config, client.Options{Scheme: scheme})
		Expect(err).NotTo(HaveOccurred())
		w = newWorldIn(context.Background(), c)
	})

	served := func(obj *v1alpha1.VerifiedChart) int {
		GinkgoHelper()
		resp, err := http.Get("http://" + addr + "/" + obj.Status.Artifact.Path)
		Expect(err).NotTo(HaveOccurred())
		defer resp.Body.Close()
		return resp.StatusCode
	}

	It("publishes in the status, and writes the ExternalArtifact once its kind is defined", func() {
		d := w.push("1.0.0", w.ours)
		w.declare(rules(func(r *v1alpha1.Rules) { r.VersionMutation = v1alpha1.VersionMutationAllow }))
		obj := w.ready(d.Digest)
		Expect(served(obj)).To(Equal(http.StatusOK))
		_, err := envtest.InstallCRDs(environment.Config, envtest.CRDInstallOptions{Paths: []string{externalArtifactCRD}, ErrorIfPathMissing: true})
		Expect(err).NotTo(HaveOccurred())
		Eventually(w.externalArtifact).WithTimeout(patience).Should(Equal(obj.Status.Artifact))
	})

	It("H11: continues with the other objects if one object makes it panic", func() {
		bad := w.get()
		bad.ObjectMeta = metav1.ObjectMeta{Name: "panic", Namespace: w.namespace}
		Expect(w.client.Create(w.ctx, bad)).To(Succeed())
		newer := w.pushWith("1.0.0", "replicas: 3\n", w.ours)
		w.reconcile()
		w.ready(newer.Digest)
		var got v1alpha1.VerifiedChart
		Expect(w.client.Get(w.ctx, client.ObjectKeyFromObject(bad), &got)).To(Succeed())
		Expect(got.Status.Conditions).To(BeEmpty())
	})

	It("H1: keeps serving while the API server is away, and converges when it is back", func() {
		obj := w.get()
		apiServer := environment.ControlPlane.GetAPIServer()
		// A graceful stop would wait for the controller's watches.
		kill("kube-apiserver", "--secure-port="+apiServer.Port)
		Expect(apiServer.Stop()).To(Succeed())
		Expect(served(obj)).To(Equal(http.StatusOK))
		newer := w.pushWith("1.0.0", "replicas: 2\n", w.ours)
		Expect(served(obj)).To(Equal(http.StatusOK))
		Expect(apiServer.Start()).To(Succeed())
		w.reconcile()
		Expect(served(w.ready(newer.Digest))).To(Equal(http.StatusOK))
	})
})

// kill kills the program that was started with this argument.
func kill(program, argument string) {
	GinkgoHelper()
	lines, err := filepath.Glob("/proc/[0-9]*/cmdline")
	Expect(err).NotTo(HaveOccurred())
	for _, line := range lines {
		raw, _ := os.ReadFile(line)
		args := strings.Split(string(raw), "\x00")
		if filepath.Base(args[0]) == program && slices.Contains(args, argument) {
			pid, err := strconv.Atoi(filepath.Base(filepath.Dir(line)))
			Expect(err).NotTo(HaveOccurred())
			Expect(syscall.Kill(pid, syscall.SIGKILL)).To(Succeed())
			return
		}
	}
	Fail("no " + program + " with " + argument)
}

var _ = Describe("A status that another client also writes", Label("status"), func() {
	It("H2: is written again, and loses no condition", func() {
		w := newWorld(GinkgoT().Context())
		w.labels = map[string]string{apart: "conflict"} // no other controller reconciles it
		d := w.push("1.0.0", w.ours)
		obj := w.declare()
		own := apartReconciler(w, &conflicting{Client: w.client})
		Expect(apierrors.IsConflict(drive(w.ctx, own, obj))).To(BeTrue())
		Expect(w.get().Status.Conditions).To(BeEmpty())

		Expect(drive(w.ctx, own, obj)).To(Succeed())
		got := w.get()
		Expect(got.Status.Artifact.Revision).To(HaveSuffix(d.Digest.String()))
		for _, t := range []string{meta.ReadyCondition, v1alpha1.SourceVerifiedCondition, v1alpha1.ArtifactInStorageCondition} {
			Expect(conditions.IsTrue(got, t)).To(BeTrue(), t)
		}
	})

	It("H2: is not overwritten if it has changed since it was read", func() {
		w := newWorld(GinkgoT().Context())
		w.labels = map[string]string{apart: "conflict"}
		w.push("1.0.0", w.ours)
		obj := w.declare()
		stale := &staleReads{Client: w.client, obj: w.get()}
		own := apartReconciler(w, stale)
		w.edit(func(s *v1alpha1.VerifiedChartSpec) { s.ChartName = "app" })
		Expect(apierrors.IsConflict(drive(w.ctx, own, obj))).To(BeTrue())
	})
})

// apartReconciler returns a reconciler without a manager, with a client without a cache.
func apartReconciler(w *world, c client.Client) *VerifiedChartReconciler {
	GinkgoHelper()
	own := reconciler
	fresh := &VerifiedChartReconciler{
		Client: c, APIReader: w.client, Metrics: own.Metrics, EventRecorder: own.EventRecorder, Material: own.Material,
		Registries: own.Registries, Cache: own.Cache, Storage: own.Storage, Paths: server.NewPaths(time.Now), Name: own.Name, Namespace: own.Namespace, AllowHTTP: true,
	}
	fresh.prepare(quickLimiter(), 4, func(types.NamespacedName) {})
	return fresh
}

// staleReads returns an old version of one object.
type staleReads struct {
	client.Client
	obj *v1alpha1.VerifiedChart
}

func (s *staleReads) Get(ctx context.Context, key client.ObjectKey, into client.Object, o ...client.GetOption) error {
	if vc, ok := into.(*v1alpha1.VerifiedChart); ok {
		s.obj.DeepCopyInto(vc)
		return nil
	}
	return s.Client.Get(ctx, key, into, o...)
}

// mute refuses to write the status of an ExternalArtifact.
type mute struct{ client.Client }

func (m mute) Status() client.SubResourceWriter { return muteStatus{m.Client.Status()} }

type muteStatus struct{ client.SubResourceWriter }

func (m muteStatus) Patch(ctx context.Context, obj client.Object, p client.Patch, o ...client.SubResourcePatchOption) error {
	if obj.GetObjectKind().GroupVersionKind().Kind == sourcev1.ExternalArtifactKind {
		return errors.New("the API server is busy")
	}
	return m.SubResourceWriter.Patch(ctx, obj, p, o...)
}

var _ = Describe("A withdrawal that could not be written to the ExternalArtifact", Label("serving"), func() {
	It("is written soon, not only when the interval is over", func() {
		w := newWorld(GinkgoT().Context())
		w.labels = map[string]string{apart: "mute"}
		w.push("1.0.0", w.ours)
		obj := w.declare()
		own := apartReconciler(w, w.client)
		own.externalArtifacts.served.Store(true)
		Expect(drive(w.ctx, own, obj)).To(Succeed())
		published := w.get()
		Expect(w.externalArtifact()).To(Equal(published.Status.Artifact))

		own.Client = mute{w.client}
		w.edit(rules(func(r *v1alpha1.Rules) { r.Revoked = &v1alpha1.Revocations{Versions: []string{"*"}} }))
		result, err := own.Reconcile(w.ctx, requestFor(obj))
		Expect(err).NotTo(HaveOccurred())
		Expect(result.RequeueAfter).To(BeNumerically("<", time.Minute))
		Expect(serves(own, published.Status.Artifact.Path)).To(BeFalse())
		Expect(w.get().Status.Artifact).To(BeNil())
		Expect(conditions.GetMessage(w.get(), meta.ReadyCondition)).To(ContainSubstring("busy"))

		own.Client = w.client
		Expect(drive(w.ctx, own, obj)).To(Succeed())
		Expect(w.externalArtifact()).To(BeNil())
	})
})
