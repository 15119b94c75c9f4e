// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/fluxcd/pkg/apis/meta"
	"github.com/fluxcd/pkg/runtime/conditions"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/opencontainers/go-digest"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/internal/chart/charttest"
)

var _ = Describe("A VerifiedChart", Label("chart"), func() {
	var w *world
	BeforeEach(func(ctx SpecContext) { w = newWorld(GinkgoT().Context()) })

	It("is published with its proof, byte for byte as in the registry", func() {
		archive := charttest.Archive("app", "1.0.0")
		d := w.push("1.0.0", w.ours)
		w.declare()
		obj := w.ready(d.Digest)
		Expect(artifactBytes(obj)).To(Equal(archive))
		Expect(obj.Status.Artifact.Digest).To(Equal(digest.FromBytes(archive).String()))
		Expect(obj.Status.Artifact.Revision).To(Equal("1.0.0@" + d.Digest.String()))
		Expect(obj.Status.Verification.Digest).To(Equal(d.Digest.String()))
		Expect(obj.Status.Verification.Authorities).To(ConsistOf(And(
			HaveField("Name", "release"), HaveField("Provider", "cosign"), HaveField("Key", "0.pub"), HaveField("Signer", HavePrefix("SHA256:")))))
		Expect(conditions.Get(obj, v1alpha1.SourceVerifiedCondition)).To(And(HaveField("Status", metav1.ConditionTrue), HaveField("Reason", "Succeeded")))
		Expect(obj.Finalizers).To(BeEmpty())
		Eventually(w.externalArtifact).Should(Equal(obj.Status.Artifact))
		Expect(serves(reconciler, obj.Status.Artifact.Path)).To(BeTrue())
	})

	It("names every signer if several authorities must accept, and needs every signer", func() {
		w.setSecret("second", map[string][]byte{"b.pub": w.theirs.Public})
		d := w.push("1.0.0", w.ours)
		w.declare(func(s *v1alpha1.VerifiedChartSpec) {
			s.Verify.Authorities = append(s.Verify.Authorities, v1alpha1.Authority{
				Name: "quality", Provider: v1alpha1.CosignProvider, SecretRef: &meta.LocalObjectReference{Name: "second"},
			})
		})
		w.reason(v1alpha1.SourceVerifiedCondition, metav1.ConditionFalse, v1alpha1.VerificationErrorReason)
		w.sign(d.Digest, w.ours, w.theirs)
		w.reconcile()
		obj := w.ready(d.Digest)
		Expect(obj.Status.Verification.Authorities).To(HaveLen(2))
		Expect(strings.Split(obj.Status.Verification.Signers, ",")).To(HaveExactElements(
			obj.Status.Verification.Authorities[0].Signer, obj.Status.Verification.Authorities[1].Signer))
	})

	It("I7: reads no registry over plain HTTP unless the controller allows it", func() {
		w.labels = map[string]string{apart: "strict"}
		w.push("1.0.0", w.ours)
		obj := w.declare()
		strict := apartReconciler(w, w.client)
		strict.AllowHTTP = false
		strict.prepare(quickLimiter(), 1, func(types.NamespacedName) {})
		w.registry.Reset()
		Expect(drive(w.ctx, strict, obj)).To(Succeed())
		w.reason(meta.StalledCondition, metav1.ConditionTrue, v1alpha1.InsecureNotAllowedReason)
		Expect(w.registry.Requests()).To(BeEmpty())
	})

	It("A2: keeps the published chart if the registry fails", func() {
		d := w.push("1.0.0", w.ours)
		w.declare()
		w.ready(d.Digest)
		w.registry.Break(func(rw http.ResponseWriter, _ *http.Request) bool {
			rw.WriteHeader(http.StatusServiceUnavailable)
			_, _ = fmt.Fprint(rw, "busy")
			return true
		})
		w.reconcile()
		obj := w.reason(v1alpha1.FetchFailedCondition, metav1.ConditionTrue, v1alpha1.OCIPullFailedReason)
		Expect(obj.Status.Artifact).NotTo(BeNil())
		w.registry.Break(nil)
		w.ready(d.Digest)
	})

	It("is served while it is suspended, although its own policy would reject it, and does not resolve its reference", func() {
		d := w.push("1.0.0", w.ours)
		w.declare()
		w.ready(d.Digest)
		w.edit(func(s *v1alpha1.VerifiedChartSpec) { s.Suspend = true })
		w.push("1.0.0")
		obj := w.get()
		reconciler.Paths.Drop(obj.Namespace, obj.Name)
		w.registry.Reset()
		w.reconcile()
		Eventually(func() bool { return serves(reconciler, obj.Status.Artifact.Path) }).WithTimeout(patience).Should(BeTrue())
		Expect(w.get().Status.Artifact).To(Equal(obj.Status.Artifact))
		Expect(w.registry.Requests()).To(BeEmpty())
		w.setKeys(w.theirs)
		w.eventually(func(g Gomega, obj *v1alpha1.VerifiedChart) { g.Expect(obj.Status.UnverifiedSince).NotTo(BeNil()) })
		Expect(serves(reconciler, obj.Status.Artifact.Path)).To(BeTrue())
		Expect(w.registry.Requests()).NotTo(ContainElement(HaveSuffix("/manifests/1.0.0")))
		w.edit(func(s *v1alpha1.VerifiedChartSpec) { s.Suspend = false })
		w.withdrawn()
	})
})
