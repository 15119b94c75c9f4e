// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/opencontainers/go-digest"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/internal/server"
)

// process is a separate controller for the namespace of a world. It can be stopped and started again.
type process struct {
	*world
	controller *VerifiedChartReconciler
	http       *httptest.Server
	ahead      atomic.Int64 // how far its clock is ahead, in nanoseconds
	end        func()
}

func newProcess() *process {
	GinkgoHelper()
	p := &process{world: newWorld(context.Background())}
	p.labels, p.storage = map[string]string{apart: "process"}, GinkgoT().TempDir()
	DeferCleanup(func() { p.stop() })
	return p
}

// run starts the controller with an empty memory, and its server.
func (p *process) run() {
	GinkgoHelper()
	mgr := newManager(restConfig, cache.Options{
		DefaultNamespaces: map[string]cache.Config{p.namespace: {}},
		ByObject:          map[client.Object]cache.ByObject{&v1alpha1.VerifiedChart{}: {Label: labels.SelectorFromSet(p.labels)}},
	})
	p.controller = newReconcilerAt(mgr, p.storage, func() time.Time { return time.Now().Add(time.Duration(p.ahead.Load())) })
	p.http = httptest.NewServer(server.Handler(server.Options{
		Root: p.storage, Paths: p.controller.Paths, Damaged: func(o server.Owner) { p.controller.Damaged(o.Namespace, o.Name) },
	}))
	p.end = start(mgr, p.controller, nil)
}

func (p *process) stop() {
	if p.end == nil {
		return
	}
	p.end()
	p.http.CloseClientConnections()
	p.http.Close()
	p.end = nil
}

// answers returns the HTTP status of the artifact.
func (p *process) answers(obj *v1alpha1.VerifiedChart) func() int {
	return func() int {
		resp, err := http.Get(p.http.URL + "/" + obj.Status.Artifact.Path)
		Expect(err).NotTo(HaveOccurred())
		defer resp.Body.Close()
		return resp.StatusCode
	}
}

// publish publishes a chart under a range.
func (p *process) publish() *v1alpha1.VerifiedChart {
	GinkgoHelper()
	d := p.push("1.0.0", p.ours)
	p.declare(func(s *v1alpha1.VerifiedChartSpec) { s.Ref = v1alpha1.ChartRef{SemVer: "*"} })
	obj := p.ready(d.Digest)
	Eventually(p.answers(obj)).WithTimeout(patience).Should(Equal(http.StatusOK))
	return obj
}

var _ = Describe("A controller that starts again", Label("restart", "storage"), func() {
	var p *process
	BeforeEach(func() {
		p = newProcess()
		p.run()
	})

	It("J22: serves from its disk while the registry hangs", func() {
		obj := p.publish()
		p.stop()
		p.silent()
		DeferCleanup(func() { p.registry.Break(nil) })
		p.registry.Reset()
		p.run()
		Eventually(p.answers(obj)).WithTimeout(patience).Should(Equal(http.StatusOK))
		Eventually(p.controller.Warm).WithTimeout(patience).Should(Succeed(), "it is counted a moment after its path is allowed")
		Expect(p.get().Status.Artifact).To(Equal(obj.Status.Artifact))
	})

	It("H12: never serves a chart from its disk that a changed policy no longer allows, not even for a moment", func() {
		obj := p.publish()
		p.stop()
		p.silent()
		DeferCleanup(func() { p.registry.Break(nil) })
		p.setKeys(p.theirs)
		p.run()
		answers := p.answers(obj)
		Eventually(func() int {
			code := answers()
			Expect(code).NotTo(Equal(http.StatusOK))
			return code
		}).WithTimeout(patience).Should(Equal(http.StatusNotFound))
		p.withdrawn()
	})

	DescribeTable("J19: fetches the published chart again, although a newer version is refused, and withdraws nothing",
		func(damage func(obj *v1alpha1.VerifiedChart)) {
			obj := p.publish()
			p.push("1.1.0") // nobody signed it
			p.reconcile()
			p.rejected()
			p.stop()
			damage(obj)
			p.run()
			answers := p.answers(obj)
			Eventually(func() int {
				code := answers()
				Expect(code).To(BeElementOf(http.StatusServiceUnavailable, http.StatusOK))
				return code
			}).WithTimeout(patience).Should(Equal(http.StatusOK))
			now := p.reconcile()
			Expect(now.Status.Artifact).To(Equal(obj.Status.Artifact))
			Expect(p.warnings()).NotTo(ContainElement(v1alpha1.ArtifactWithdrawnReason))
			Expect(digest.FromBytes(artifactBytesIn(p.storage, now)).String()).To(Equal(obj.Status.Artifact.Digest))
		},
		Entry("an empty disk", func(*v1alpha1.VerifiedChart) {
			entries, err := os.ReadDir(p.storage)
			Expect(err).NotTo(HaveOccurred())
			for _, e := range entries {
				Expect(os.RemoveAll(filepath.Join(p.storage, e.Name()))).To(Succeed())
			}
		}),
		Entry("a damaged file", func(obj *v1alpha1.VerifiedChart) {
			Expect(os.WriteFile(filepath.Join(p.storage, obj.Status.Artifact.Path), []byte("damaged"), 0o600)).To(Succeed())
		}),
		Entry("a truncated file", func(obj *v1alpha1.VerifiedChart) {
			Expect(os.Truncate(filepath.Join(p.storage, obj.Status.Artifact.Path), 10)).To(Succeed())
		}),
		Entry("lost signature material", func(*v1alpha1.VerifiedChart) {
			Expect(os.RemoveAll(filepath.Join(p.storage, ".material"))).To(Succeed())
		}),
		Entry("damaged signature material", func(obj *v1alpha1.VerifiedChart) {
			file := filepath.Join(p.storage, ".material", p.namespace, "app", digest.Digest(obj.Status.Verification.Digest).Encoded())
			Expect(os.WriteFile(file, []byte("damaged"), 0o600)).To(Succeed())
		}),
	)

	It("J20: never serves a file that was altered on the disk, and fetches the chart again", func() {
		obj := p.publish()
		file := filepath.Join(p.storage, obj.Status.Artifact.Path)
		genuine, err := os.ReadFile(file)
		Expect(err).NotTo(HaveOccurred())
		altered := append([]byte{}, genuine...)
		altered[len(altered)-1] ^= 1
		Expect(os.WriteFile(file, altered, 0o600)).To(Succeed())
		answers := p.answers(obj)
		Expect(answers()).To(Equal(http.StatusServiceUnavailable))
		Eventually(answers).WithTimeout(patience).Should(Equal(http.StatusOK))
		Expect(os.ReadFile(file)).To(Equal(genuine))
	})

	It("rule 20: withdraws a chart that neither the disk nor the registry has any longer", func() {
		obj := p.publish()
		p.stop()
		Expect(os.RemoveAll(filepath.Join(p.storage, "verifiedchart"))).To(Succeed())
		missing := refusing("/manifests/"+obj.Status.Verification.Digest, http.StatusNotFound)
		blobs := refusing("/blobs/", http.StatusNotFound)
		p.registry.Break(func(rw http.ResponseWriter, r *http.Request) bool { return missing(rw, r) || blobs(rw, r) })
		p.run()
		Expect(p.withdrawn().Status.Verification).To(BeNil())
		Eventually(p.answers(obj)).WithTimeout(patience).Should(Equal(http.StatusNotFound))
	})
})

var _ = Describe("An object that goes away", Label("serving", "storage"), func() {
	var w *world
	var published *v1alpha1.VerifiedChart
	BeforeEach(func() {
		w = newWorld(context.Background())
		d := w.push("1.0.0", w.ours)
		w.declare()
		published = w.ready(d.Digest)
		Eventually(w.externalArtifact).WithTimeout(patience).ShouldNot(BeNil())
	})
	finalizers := func(names ...string) {
		GinkgoHelper()
		obj := w.get()
		patch := client.MergeFrom(obj.DeepCopy())
		obj.Finalizers = names
		Expect(w.client.Patch(w.ctx, obj, patch)).To(Succeed())
	}

	DescribeTable("J3: is no longer served, and nothing of it is left",
		func(names ...string) {
			finalizers(names...)
			Expect(w.client.Delete(w.ctx, w.get())).To(Succeed())
			Eventually(func() bool { return serves(reconciler, published.Status.Artifact.Path) }).WithTimeout(patience).Should(BeFalse())
			Eventually(w.files).WithTimeout(patience).Should(BeEmpty())
			Eventually(w.externalArtifact).WithTimeout(patience).Should(BeNil())
			if len(names) > 0 && names[0] != v1alpha1.VerifiedChartFinalizer {
				finalizers()
			}
		},
		Entry("without a finalizer"),
		Entry("with a finalizer of another controller, which keeps the object", "example.com/keep"),
		Entry("with the finalizer of our older versions", v1alpha1.VerifiedChartFinalizer),
	)

	It("J3: does not leave its artifact to a new object with its name", func() {
		Expect(w.client.Delete(w.ctx, w.get())).To(Succeed())
		w.setKeys(w.theirs)
		Eventually(func() error {
			return w.client.Get(w.ctx, client.ObjectKeyFromObject(published), &v1alpha1.VerifiedChart{})
		}).Should(HaveOccurred())
		w.declare()
		w.rejected()
		Expect(serves(reconciler, published.Status.Artifact.Path)).To(BeFalse())
	})

	It("J3: out of the selector is served until its new controller serves it, and revocations reach it", func() {
		relabel := func() {
			obj := w.get()
			patch := client.MergeFrom(obj.DeepCopy())
			obj.Labels = map[string]string{apart: "moved"}
			Expect(w.client.Patch(w.ctx, obj, patch)).To(Succeed())
		}
		relabel()
		name := client.ObjectKeyFromObject(published)
		Eventually(func() bool {
			s := reconciler.sessions.find(name)
			s.mu.Lock()
			defer s.mu.Unlock()
			return !s.leftAt.IsZero()
		}).WithTimeout(patience).Should(BeTrue())
		Expect(serves(reconciler, published.Status.Artifact.Path)).To(BeTrue())
		DeferCleanup(revokeForAll, "")
		revokeForAll("digests: [" + published.Status.Verification.Digest + "]")
		Eventually(func() bool { return serves(reconciler, published.Status.Artifact.Path) }).WithTimeout(patience).Should(BeFalse())
	})

	It("J3: out of the selector is no longer served once its status names another address", func() {
		obj := w.get()
		patch := client.MergeFrom(obj.DeepCopy())
		obj.Labels = map[string]string{apart: "moved"}
		Expect(w.client.Patch(w.ctx, obj, patch)).To(Succeed())
		patch = client.MergeFrom(obj.DeepCopy())
		obj.Status.Artifact.URL = "http://another.example/" + obj.Status.Artifact.Path
		Expect(w.client.Status().Patch(w.ctx, obj, patch)).To(Succeed())
		Eventually(func() bool { return serves(reconciler, published.Status.Artifact.Path) }).WithTimeout(patience).Should(BeFalse())
		Expect(w.files()).NotTo(BeEmpty(), "they may be on a volume that is shared with the other controller")
	})
})

var _ = Describe("An object that left the selector", Label("serving"), func() {
	It("J3: is no longer served if no other controller has taken over in a minute", func() {
		p := newProcess()
		p.run()
		obj := p.publish()
		patch := client.MergeFrom(obj.DeepCopy())
		obj.Labels = map[string]string{apart: "moved"}
		Expect(p.client.Patch(p.ctx, obj, patch)).To(Succeed())
		left := func() bool { return p.controller.sessions.find(client.ObjectKeyFromObject(obj)).hasLeft.Load() }
		Eventually(left).WithTimeout(patience).Should(BeTrue())
		Expect(p.answers(obj)()).To(Equal(http.StatusOK))
		p.ahead.Store(int64(takeoverTime))
		Eventually(p.answers(obj)).WithTimeout(patience).Should(Equal(http.StatusNotFound))
	})
})

var _ = Describe("The sweep", Label("storage"), func() {
	It("removes only old files whose object is gone", func() {
		p := newProcess()
		p.run()
		obj := p.publish()
		p.stop()
		lost := filepath.Join(p.storage, "verifiedchart", p.namespace, "lost", "x.tgz")
		recent := filepath.Join(p.storage, "verifiedchart", p.namespace, "recent", "x.tgz")
		for _, file := range []string{lost, recent} {
			Expect(os.MkdirAll(filepath.Dir(file), 0o700)).To(Succeed())
			Expect(os.WriteFile(file, []byte("x"), 0o600)).To(Succeed())
		}
		for _, old := range []string{lost, filepath.Dir(lost), filepath.Join(p.storage, obj.Status.Artifact.Path)} {
			Expect(os.Chtimes(old, time.Now(), time.Now().Add(-time.Hour))).To(Succeed())
		}
		mgr := newManager(restConfig, cache.Options{DefaultNamespaces: map[string]cache.Config{p.namespace: {}}})
		r := newReconciler(mgr, p.storage)
		r.sweepFiles(p.ctx)
		Expect(lost).NotTo(BeAnExistingFile())
		Expect(recent).To(BeAnExistingFile())
		Expect(filepath.Join(p.storage, obj.Status.Artifact.Path)).To(BeAnExistingFile())
	})
})
