// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"os"
	"path/filepath"
	"strconv"

	"github.com/fluxcd/pkg/apis/meta"
	"github.com/fluxcd/pkg/runtime/conditions"
	sourcev1 "github.com/fluxcd/source-controller/api/v1"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/onsi/gomega/types"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/internal/chart/charttest"
)

var _ = Describe("Between two intervals", Label("registry"), Serial, func() {
	var w *world
	BeforeEach(func() {
		w = newWorld(context.Background())
		d := w.push("1.0.0", w.ours)
		w.declare(func(s *v1alpha1.VerifiedChartSpec) { s.Ref = v1alpha1.ChartRef{SemVer: "*"} })
		w.ready(d.Digest)
		w.reconcileAlone(w.get())
		w.registry.Reset()
	})

	// again reconciles like an event before the end of the interval.
	again := func() {
		GinkgoHelper()
		Expect(drive(w.ctx, reconciler, w.get())).To(Succeed())
	}

	DescribeTable("a chart is re-verified",
		func(happens func(), asked types.GomegaMatcher) {
			happens()
			Expect(w.registry.Requests()).To(asked)
		},
		Entry("without the registry if no change is known", again, BeEmpty()),
		Entry("without the registry if a key is added", func() {
			w.setKeys(w.ours, w.theirs)
			again()
		}, BeEmpty()),
		Entry("by asking the registry if half of the interval is over", func() {
			obj := w.get()
			s := reconciler.sessions.find(client.ObjectKeyFromObject(obj))
			s.mu.Lock()
			s.resolution.at = s.resolution.at.Add(-obj.Spec.Interval.Duration / 2)
			s.mu.Unlock()
			again()
		}, HaveLen(2)),
		Entry("by asking the registry if a reconcile is requested", func() { w.reconcile() }, HaveLen(2)),
		Entry("by asking the registry if the spec has changed", func() {
			w.edit(func(s *v1alpha1.VerifiedChartSpec) { s.Ref.SemVer = ">=1.0.0" })
			w.eventually(func(g Gomega, obj *v1alpha1.VerifiedChart) {
				g.Expect(obj.Status.ObservedGeneration).To(Equal(obj.Generation))
			})
		}, HaveLen(2)),
	)

	It("a removed key withdraws the chart, without resolving the tag", func() {
		w.setKeys(w.theirs)
		w.withdrawn()
		Expect(w.registry.Requests()).NotTo(ContainElement(HaveSuffix("/manifests/1.0.0")))
	})

	It("a removed key causes one request for each location of signatures, and no others afterwards", func() {
		w.setKeys(w.theirs)
		obj := w.withdrawn()
		times := map[string]int{}
		for _, request := range w.registry.Requests() {
			times[request]++
		}
		Expect(times).To(HaveEach(1))
		s := reconciler.sessions.find(client.ObjectKeyFromObject(obj))
		s.mu.Lock()
		defer s.mu.Unlock()
		Expect(s.errand).To(BeNil())
		Expect(s.question).To(BeNil())
	})

	It("a revocation withdraws the published chart, and the reference is resolved for a replacement", func() {
		bad := w.get().Status.Verification.Digest
		next := w.push("1.0.1", w.ours)
		DeferCleanup(revokeForAll, "")
		revokeForAll("digests: [" + bad + "]")
		w.ready(next.Digest)
	})

	It("the registry is asked again after it could not answer", func() {
		w.unreachable()
		w.reconcile()
		w.registry.Break(nil)
		next := w.push("1.0.1", w.ours)
		w.ready(next.Digest)
	})

	It("nothing is kept in memory for an object that is gone", func() {
		name := client.ObjectKeyFromObject(w.get())
		w.remove()
		Eventually(func() *session { return reconciler.sessions.find(name) }).WithTimeout(patience).Should(BeNil())
	})

	It("the retry count of an object that is gone is reset", func() {
		request := requestFor(w.get())
		reconciler.retries.When(request)
		w.remove()
		Eventually(func() int { return reconciler.retries.NumRequeues(request) }).WithTimeout(patience).Should(BeZero())
	})
})

var _ = Describe("A range", Label("registry"), func() {
	It("K9: takes the tag that is a chart, and asks for no other before the interval ends", func() {
		w := newWorld(context.Background())
		w.repo.PushLayers("v1.0.0", w.repo.PushBlob("text/plain", []byte("no chart")))
		d := w.push("1.0.0", w.ours)
		w.declare(func(s *v1alpha1.VerifiedChartSpec) { s.Ref = v1alpha1.ChartRef{SemVer: "*"} })
		w.ready(d.Digest)
		w.reconcileAlone(w.get())
		Expect(w.registry.Requests()).To(ConsistOf("GET /v2/charts/app/tags/list", "HEAD /v2/charts/app/manifests/v1.0.0", "HEAD /v2/charts/app/manifests/1.0.0"))
		w.registry.Reset()
		Expect(drive(w.ctx, reconciler, w.get())).To(Succeed())
		Expect(w.registry.Requests()).To(BeEmpty())
		w.ready(d.Digest)
	})

	It("K9: names ref.semverFilter if its highest version is no chart, and publishes that chart once the filter is set", func() {
		w := newWorld(context.Background())
		d := w.push("1.0.0", w.ours)
		w.repo.PushLayers("2.0.0", w.repo.PushBlob("text/plain", []byte("no chart")))
		w.declare(func(s *v1alpha1.VerifiedChartSpec) { s.Ref = v1alpha1.ChartRef{SemVer: "*"} })
		obj := w.reason(v1alpha1.FetchFailedCondition, metav1.ConditionTrue, sourcev1.OCILayerOperationFailedReason)
		Expect(obj.Status.Conditions).To(ContainElement(HaveField("Message", ContainSubstring("ref.semverFilter"))))
		w.edit(func(s *v1alpha1.VerifiedChartSpec) { s.Ref.SemverFilter = "^1" })
		w.ready(d.Digest)
	})
})

var _ = Describe("An older revision", Label("serving"), func() {
	It("is no longer served once another is published", func() {
		w := newWorld(context.Background())
		var last *v1alpha1.VerifiedChart
		for i := range 3 {
			version := "1.0." + strconv.Itoa(i)
			d := w.push(version, w.ours)
			if i == 0 {
				w.declare()
			} else {
				w.edit(func(s *v1alpha1.VerifiedChartSpec) { s.Ref.Tag = version })
			}
			last = w.ready(d.Digest)
		}
		Eventually(w.files).WithTimeout(patience).Should(ConsistOf(HaveSuffix(last.Status.Artifact.Path)))
	})

	It("is no longer served, even if the ExternalArtifact of its name belongs to another source", func() {
		w := newWorld(context.Background())
		ea := &sourcev1.ExternalArtifact{ObjectMeta: metav1.ObjectMeta{Name: "app", Namespace: w.namespace}}
		ea.Spec.SourceRef = &meta.NamespacedObjectKindReference{APIVersion: "example.com/v1", Kind: "Other", Name: "app"}
		Expect(w.client.Create(w.ctx, ea)).To(Succeed())
		w.push("1.0.0", w.ours)
		w.declare()
		w.eventually(func(g Gomega, obj *v1alpha1.VerifiedChart) { g.Expect(obj.Status.Artifact).NotTo(BeNil()) })
		second := w.push("1.0.1", w.ours)
		w.edit(func(s *v1alpha1.VerifiedChartSpec) { s.Ref.Tag = "1.0.1" })
		w.eventually(func(g Gomega, obj *v1alpha1.VerifiedChart) {
			g.Expect(obj.Status.Artifact.Revision).To(HaveSuffix(second.Digest.String()))
			g.Expect(w.files()).To(ConsistOf(HaveSuffix(obj.Status.Artifact.Path)))
		})
	})
})

var _ = Describe("A suspended chart", Label("revocation", "serving"), func() {
	var w *world
	BeforeEach(func() {
		w = newWorld(context.Background())
		d := w.push("1.0.0", w.ours)
		w.declare()
		w.ready(d.Digest)
		w.edit(func(s *v1alpha1.VerifiedChartSpec) { s.Suspend = true })
		w.eventually(func(g Gomega, obj *v1alpha1.VerifiedChart) {
			g.Expect(obj.Status.ObservedGeneration).To(Equal(obj.Generation))
			g.Expect(conditions.GetMessage(obj, meta.ReadyCondition)).To(Equal("suspended; serving 1.0.0"))
		})
	})

	DescribeTable("is withdrawn if it is revoked",
		func(revoked func(*v1alpha1.VerifiedChart) v1alpha1.Revocations) {
			w.registry.Reset()
			r := revoked(w.get())
			w.edit(rules(func(rules *v1alpha1.Rules) { rules.Revoked = &r }))
			obj := w.rejected()
			Expect(obj.Status.Artifact).To(BeNil())
			Expect(w.files()).To(BeEmpty())
			Expect(w.registry.Requests()).NotTo(ContainElement(HaveSuffix("/manifests/1.0.0")), "a suspended object asks for no reference")
		},
		Entry("by its version", func(*v1alpha1.VerifiedChart) v1alpha1.Revocations {
			return v1alpha1.Revocations{Versions: []string{"*"}}
		}),
		Entry("by its digest", func(obj *v1alpha1.VerifiedChart) v1alpha1.Revocations {
			return v1alpha1.Revocations{Digests: []string{obj.Status.Verification.Digest}}
		}),
		Entry("by the key that signed it", func(obj *v1alpha1.VerifiedChart) v1alpha1.Revocations {
			return v1alpha1.Revocations{Keys: []string{obj.Status.Verification.Signers}}
		}),
	)

	It("is no longer reported as held once it is revoked", func() {
		w.edit(func(s *v1alpha1.VerifiedChartSpec) { s.Suspend, s.Verify.OnTrustLoss = false, v1alpha1.OnTrustLossHold })
		w.setKeys(w.theirs)
		w.eventually(func(g Gomega, obj *v1alpha1.VerifiedChart) { g.Expect(obj.Status.HeldSince).NotTo(BeNil()) })
		w.edit(func(s *v1alpha1.VerifiedChartSpec) {
			s.Suspend, s.Verify.Revoked = true, &v1alpha1.Revocations{Versions: []string{"*"}}
		})
		obj := w.withdrawn()
		Expect(obj.Status.HeldSince).To(BeNil())
	})

	It("disappears from the ExternalArtifact even if an earlier write of its withdrawal failed", func() {
		Eventually(w.externalArtifact).WithTimeout(patience).ShouldNot(BeNil())
		obj := w.get()
		before := obj.DeepCopy()
		obj.Status.Artifact, obj.Status.URL, obj.Status.Verification = nil, "", nil
		Expect(w.client.Status().Patch(w.ctx, obj, client.MergeFrom(before))).To(Succeed())
		w.reconcileAlone(obj)
		Expect(w.externalArtifact()).To(BeNil())
		w.edit(func(s *v1alpha1.VerifiedChartSpec) { s.Suspend = false })
		w.eventually(func(g Gomega, obj *v1alpha1.VerifiedChart) { g.Expect(obj.Status.Artifact).NotTo(BeNil()) })
	})

	It("is not served if its file differs from the stored one", func() {
		obj := w.get()
		file := filepath.Join(storageDir, obj.Status.Artifact.Path)
		Expect(os.WriteFile(file, []byte("evil"), 0o600)).To(Succeed())
		w.reconcileAlone(obj)
		Eventually(func() []byte { return artifactBytes(obj) }).WithTimeout(patience).Should(Equal(charttest.Archive("app", "1.0.0")), "it is fetched again")
		Eventually(func() bool { return serves(reconciler, obj.Status.Artifact.Path) }).WithTimeout(patience).Should(BeTrue())
		Expect(w.registry.Requests()).NotTo(ContainElement(HaveSuffix("/manifests/1.0.0")), "a suspended object asks for no reference")
		w.edit(func(s *v1alpha1.VerifiedChartSpec) { s.Suspend = false })
		w.eventually(func(g Gomega, obj *v1alpha1.VerifiedChart) {
			g.Expect(obj.Status.ObservedGeneration).To(Equal(obj.Generation))
		})
	})

	It("is not served from a path that somebody wrote into its status", func() {
		other := newWorld(context.Background())
		d := other.push("1.0.0", other.ours)
		other.declare()
		theirs := other.ready(d.Digest)
		reconciler.Paths.Drop(theirs.Namespace, theirs.Name)
		obj := w.get()
		before := obj.DeepCopy()
		obj.Status.Artifact = theirs.Status.Artifact
		Expect(w.client.Status().Patch(w.ctx, obj, client.MergeFrom(before))).To(Succeed())
		w.reconcileAlone(obj)
		Expect(serves(reconciler, theirs.Status.Artifact.Path)).To(BeFalse())
		w.edit(func(s *v1alpha1.VerifiedChartSpec) { s.Suspend = false })
		w.eventually(func(g Gomega, obj *v1alpha1.VerifiedChart) {
			g.Expect(obj.Status.Artifact).NotTo(Equal(theirs.Status.Artifact))
			g.Expect(obj.Status.ObservedGeneration).To(Equal(obj.Generation))
		})
	})
})
