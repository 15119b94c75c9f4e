// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/fluxcd/pkg/apis/meta"
	"github.com/fluxcd/pkg/runtime/conditions"
	sourcev1 "github.com/fluxcd/source-controller/api/v1"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/internal/chart/charttest"
	"github.com/verifiedchart/verifiedchart/internal/chartrepo/chartrepotest"
	"github.com/verifiedchart/verifiedchart/internal/registry/registrytest"
	"github.com/verifiedchart/verifiedchart/internal/verify/verifytest"
)

// patience is how long a test waits for an expected state.
const patience = 15 * time.Second

// world is a namespace, a registry with one repository, and two signers.
type world struct {
	ctx          context.Context
	client       client.Client
	namespace    string
	labels       map[string]string // of the declared objects
	storage      string            // where the world's controller keeps artifacts
	registry     *registrytest.Registry
	repo         *registrytest.Repository
	charts       *chartrepotest.Server // a classic repository; nil if the test uses none
	ours, theirs verifytest.Signer
}

func newWorld(ctx context.Context) *world { return newWorldIn(ctx, k8s) }

// newWorldIn returns a world in the client's cluster.
func newWorldIn(ctx context.Context, c client.Client) *world {
	GinkgoHelper()
	w := &world{
		ctx: ctx, client: c, namespace: namespace(ctx, c), storage: storageDir,
		registry: registrytest.New(), ours: verifytest.P256(), theirs: verifytest.P256(),
	}
	w.repo = w.registry.Repository("charts/app")
	w.setKeys(w.ours)
	DeferCleanup(func() {
		w.expectAllClean()
		Expect(c.DeleteAllOf(context.Background(), &v1alpha1.VerifiedChart{}, client.InNamespace(w.namespace))).To(Succeed())
		w.registry.Close()
	})
	return w
}

// expectAllClean asserts that kstatus understands every status that the test produced.
func (w *world) expectAllClean() {
	GinkgoHelper()
	var list v1alpha1.VerifiedChartList
	Expect(w.client.List(context.Background(), &list, client.InNamespace(w.namespace))).To(Succeed())
	for i := range list.Items {
		if len(list.Items[i].Status.Conditions) > 0 {
			expectClean(&list.Items[i])
		}
	}
}

// push stores a chart under the tag of its version and signs it.
func (w *world) push(version string, signers ...verifytest.Signer) ocispec.Descriptor {
	return w.pushArchive(version, charttest.Archive("app", version), signers...)
}

func (w *world) pushArchive(version string, archive []byte, signers ...verifytest.Signer) ocispec.Descriptor {
	d := w.repo.PushChart(version, charttest.ConfigJSON("app", version), archive)
	w.sign(d.Digest, signers...)
	return d
}

func (w *world) sign(d digest.Digest, signers ...verifytest.Signer) {
	if len(signers) > 0 {
		verifytest.SignDigest(w.repo, d, signers...)
	}
}

// setKeys makes the Secret cosign-pub hold exactly the public keys of the signers.
func (w *world) setKeys(signers ...verifytest.Signer) {
	GinkgoHelper()
	data := map[string][]byte{}
	for i, s := range signers {
		data[fmt.Sprintf("%d.pub", i)] = s.Public
	}
	w.setSecret("cosign-pub", data)
}

func (w *world) setSecret(name string, data map[string][]byte) {
	GinkgoHelper()
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: w.namespace}, Data: data}
	if err := w.client.Create(w.ctx, secret); err != nil {
		Expect(w.client.Update(w.ctx, secret)).To(Succeed())
	}
}

func (w *world) deleteSecret(name string) {
	GinkgoHelper()
	Expect(w.client.Delete(w.ctx, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: w.namespace}})).To(Succeed())
}

// declare creates a VerifiedChart "app" for the repository, changed by the functions.
func (w *world) declare(change ...func(*v1alpha1.VerifiedChartSpec)) *v1alpha1.VerifiedChart {
	GinkgoHelper()
	obj := &v1alpha1.VerifiedChart{
		ObjectMeta: metav1.ObjectMeta{Name: "app", Namespace: w.namespace, Labels: w.labels},
		Spec: v1alpha1.VerifiedChartSpec{
			URL:      "oci://" + w.registry.Host() + "/" + w.repo.Name,
			Insecure: true,
			Ref:      v1alpha1.ChartRef{Tag: "1.0.0"},
			Interval: metav1.Duration{Duration: time.Hour},
			Verify: v1alpha1.Verification{Authorities: []v1alpha1.Authority{
				{Name: "release", Provider: v1alpha1.CosignProvider, SecretRef: &meta.LocalObjectReference{Name: "cosign-pub"}},
			}},
		},
	}
	for _, c := range change {
		c(&obj.Spec)
	}
	Expect(w.client.Create(w.ctx, obj)).To(Succeed())
	return obj
}

// edit changes the spec.
func (w *world) edit(change func(*v1alpha1.VerifiedChartSpec)) {
	GinkgoHelper()
	Eventually(func() error {
		obj := w.get()
		change(&obj.Spec)
		return w.client.Update(w.ctx, obj)
	}).WithTimeout(patience).Should(Succeed())
}

func (w *world) get() *v1alpha1.VerifiedChart {
	GinkgoHelper()
	obj := &v1alpha1.VerifiedChart{}
	Expect(w.client.Get(w.ctx, client.ObjectKey{Namespace: w.namespace, Name: "app"}, obj)).To(Succeed())
	return obj
}

// remove deletes the object, and waits until it is gone, so that it sends no further requests.
func (w *world) remove() {
	GinkgoHelper()
	Expect(w.client.Delete(w.ctx, w.get())).To(Succeed())
	Eventually(func() error {
		return w.client.Get(w.ctx, client.ObjectKey{Namespace: w.namespace, Name: "app"}, &v1alpha1.VerifiedChart{})
	}).WithTimeout(patience).Should(MatchError(ContainSubstring("not found")))
}

// eventually waits until the object fits.
func (w *world) eventually(fits func(Gomega, *v1alpha1.VerifiedChart)) *v1alpha1.VerifiedChart {
	GinkgoHelper()
	var obj *v1alpha1.VerifiedChart
	Eventually(func(g Gomega) {
		obj = &v1alpha1.VerifiedChart{}
		g.Expect(w.client.Get(w.ctx, client.ObjectKey{Namespace: w.namespace, Name: "app"}, obj)).To(Succeed())
		fits(g, obj)
	}).WithTimeout(patience).WithPolling(20 * time.Millisecond).Should(Succeed())
	return obj
}

// reconcile requests a reconcile like `flux reconcile`, and waits until it is over.
func (w *world) reconcile() *v1alpha1.VerifiedChart {
	GinkgoHelper()
	token := time.Now().Format(time.RFC3339Nano)
	obj := w.get()
	patch := client.MergeFrom(obj.DeepCopy())
	obj.Annotations = map[string]string{meta.ReconcileRequestAnnotation: token}
	Expect(w.client.Patch(w.ctx, obj, patch)).To(Succeed())
	return w.eventually(func(g Gomega, obj *v1alpha1.VerifiedChart) {
		g.Expect(obj.Status.LastHandledReconcileAt).To(Equal(token))
	})
}

// reason waits until the condition has the status and the reason.
func (w *world) reason(condition string, status metav1.ConditionStatus, reason string) *v1alpha1.VerifiedChart {
	GinkgoHelper()
	return w.eventually(func(g Gomega, obj *v1alpha1.VerifiedChart) {
		g.Expect(conditions.Get(obj, condition)).To(And(HaveField("Status", status), HaveField("Reason", reason)))
	})
}

// ready waits until the digest is published and ready.
func (w *world) ready(d digest.Digest) *v1alpha1.VerifiedChart {
	GinkgoHelper()
	return w.eventually(func(g Gomega, obj *v1alpha1.VerifiedChart) {
		g.Expect(conditions.IsReady(obj)).To(BeTrue(), conditions.GetMessage(obj, meta.ReadyCondition))
		g.Expect(obj.Status.Artifact).NotTo(BeNil())
		g.Expect(obj.Status.Artifact.Revision).To(HaveSuffix(d.String()))
	})
}

// withdrawn waits until nothing is published.
func (w *world) withdrawn() *v1alpha1.VerifiedChart {
	GinkgoHelper()
	return w.eventually(func(g Gomega, obj *v1alpha1.VerifiedChart) { g.Expect(obj.Status.Artifact).To(BeNil()) })
}

// artifactBytes returns the bytes of the published artifact's file.
func artifactBytes(obj *v1alpha1.VerifiedChart) []byte {
	GinkgoHelper()
	return artifactBytesIn(storageDir, obj)
}

func artifactBytesIn(storage string, obj *v1alpha1.VerifiedChart) []byte {
	GinkgoHelper()
	Expect(obj.Status.Artifact).NotTo(BeNil())
	raw, err := os.ReadFile(filepath.Join(storage, obj.Status.Artifact.Path))
	Expect(err).NotTo(HaveOccurred())
	return raw
}

// files returns the paths of all files of the world's namespace.
func (w *world) files() []string {
	GinkgoHelper()
	files, err := filepath.Glob(filepath.Join(w.storage, "verifiedchart", w.namespace, "*", "*"))
	Expect(err).NotTo(HaveOccurred())
	return files
}

// externalArtifact returns the artifact that the ExternalArtifact carries, or nil.
func (w *world) externalArtifact() *meta.Artifact {
	GinkgoHelper()
	var ea sourcev1.ExternalArtifact
	err := w.client.Get(w.ctx, client.ObjectKey{Namespace: w.namespace, Name: "app"}, &ea)
	Expect(client.IgnoreNotFound(err)).To(Succeed())
	return ea.Status.Artifact
}

// reconcileAlone reconciles obj once, as at the end of its interval, after the last
// write of obj has reached the reconciler's cache.
func (w *world) reconcileAlone(obj *v1alpha1.VerifiedChart) {
	GinkgoHelper()
	Eventually(func(g Gomega) {
		var cached v1alpha1.VerifiedChart
		g.Expect(reconciler.Get(w.ctx, client.ObjectKeyFromObject(obj), &cached)).To(Succeed())
		g.Expect(cached.ResourceVersion).To(Equal(w.get().ResourceVersion))
	}).WithTimeout(patience).Should(Succeed())
	w.registry.Reset()
	if s := reconciler.sessions.find(client.ObjectKeyFromObject(obj)); s != nil {
		s.mu.Lock()
		s.resolution = resolution{}
		s.mu.Unlock()
	}
	Expect(drive(w.ctx, reconciler, obj)).To(Succeed())
}

// requestFor returns the request to reconcile obj.
func requestFor(obj *v1alpha1.VerifiedChart) ctrl.Request {
	return ctrl.Request{NamespacedName: client.ObjectKeyFromObject(obj)}
}

// pushWith stores a chart with other values under the tag of its version and signs it.
func (w *world) pushWith(version, values string, signers ...verifytest.Signer) ocispec.Descriptor {
	return w.pushArchive(version, charttest.Archive("app", version, charttest.File("values.yaml", values)), signers...)
}
