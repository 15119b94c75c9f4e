// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"net/http"
	"os"
	"path/filepath"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/internal/chart/charttest"
	"github.com/verifiedchart/verifiedchart/internal/verify/verifytest"
)

// silent makes the registry take requests and never answer.
func (w *world) silent() {
	w.registry.Break(func(_ http.ResponseWriter, r *http.Request) bool {
		<-r.Context().Done()
		return true
	})
}

// warnings returns the reasons of the Warning events about the object.
func (w *world) warnings() []string {
	GinkgoHelper()
	var events corev1.EventList
	Expect(w.client.List(w.ctx, &events, client.InNamespace(w.namespace))).To(Succeed())
	var reasons []string
	for _, e := range events.Items {
		if e.Type == corev1.EventTypeWarning && e.InvolvedObject.Kind == v1alpha1.VerifiedChartKind {
			reasons = append(reasons, e.Reason)
		}
	}
	return reasons
}

var _ = Describe("A range does not go back", Label("policy", "registry"), func() {
	var w *world
	BeforeEach(func() {
		w = newWorld(context.Background())
		w.push("1.0.0", w.ours)
		second := w.push("1.1.0", w.ours)
		w.declare(func(s *v1alpha1.VerifiedChartSpec) { s.Ref = v1alpha1.ChartRef{SemVer: ">=1.0.0"} })
		w.ready(second.Digest)
	})

	refused := func() *v1alpha1.VerifiedChart {
		GinkgoHelper()
		w.reconcile()
		return w.reason(v1alpha1.FetchFailedCondition, metav1.ConditionTrue, v1alpha1.DowngradeRefusedReason)
	}

	It("B13: if the volume was wiped", func() {
		Expect(os.RemoveAll(filepath.Join(storageDir, "verifiedchart", w.namespace))).To(Succeed())
		w.repo.DeleteTag("1.1.0")
		Expect(refused().Status.Artifact.Revision).To(HaveSuffix(w.get().Status.History[0].Digest), "what was published is fetched again")
	})

	It("B13: after its newest version was withdrawn, also when trust returns", func() {
		w.setKeys(w.theirs)
		w.withdrawn()
		w.repo.DeleteTag("1.1.0")
		refused()
		w.setKeys(w.ours)
		Expect(refused().Status.Artifact).To(BeNil())
	})

	It("B15: unless its newest version is revoked: then an older version may follow", func() {
		stolen := w.push("999.0.0", w.ours)
		w.reconcile()
		w.ready(stolen.Digest)
		w.edit(rules(func(r *v1alpha1.Rules) { r.Revoked = &v1alpha1.Revocations{Digests: []string{stolen.Digest.String()}} }))
		obj := w.rejected()
		Expect(obj.Status.Artifact).To(BeNil())
		Expect(obj.Status.History).To(ContainElement(And(HaveField("Version", "999.0.0"), HaveField("Signers", Not(BeEmpty())))), "who signed it is asked for afterwards")
		w.repo.DeleteTag("999.0.0")
		w.reconcile()
		w.eventually(func(g Gomega, obj *v1alpha1.VerifiedChart) {
			g.Expect(obj.Status.Artifact).NotTo(BeNil())
			g.Expect(obj.Status.Artifact.Metadata).To(HaveKeyWithValue(ocispec.AnnotationVersion, "1.1.0"))
		})
	})

	It("B15: below an earlier proven version, even if the newest version is withdrawn first and revoked later", func() {
		stolen := w.push("999.0.0", w.ours)
		w.reconcile()
		w.ready(stolen.Digest)
		w.setKeys(w.theirs)
		w.withdrawn()
		DeferCleanup(revokeForAll, "")
		revokeForAll("digests: [" + stolen.Digest.String() + "]")
		w.repo.DeleteTag("999.0.0")
		w.repo.DeleteTag("1.1.0")
		w.setKeys(w.ours)
		Expect(refused().Status.Artifact).To(BeNil())
	})

	It("unless the spec requests that, even if the requested chart is trusted only later", func() {
		wanted := w.push("1.0.5")
		w.edit(func(s *v1alpha1.VerifiedChartSpec) { s.Ref.SemVer = ">=1.0.0 <1.1.0" })
		w.rejected()
		w.sign(wanted.Digest, w.ours)
		w.reconcile()
		w.ready(wanted.Digest)
	})

	It("unless the spec requests another repository, even if that is trusted only later", func() {
		other := w.registry.Repository("charts/other")
		wanted := other.PushChart("0.1.0", charttest.ConfigJSON("app", "0.1.0"), charttest.Archive("app", "0.1.0"))
		w.edit(func(s *v1alpha1.VerifiedChartSpec) {
			s.URL, s.ChartName, s.Ref.SemVer = "oci://"+w.registry.Host()+"/"+other.Name, "app", ">=0.1.0"
		})
		w.rejected()
		verifytest.SignDigest(other, wanted.Digest, w.ours)
		w.reconcile()
		w.ready(wanted.Digest)
	})
})

var _ = Describe("A version that is revoked after it was withdrawn", Label("revocation"), func() {
	It("does not block another chart with that version", func() {
		w := newWorld(context.Background())
		bad := w.push("1.0.0", w.ours)
		w.declare()
		w.ready(bad.Digest)
		w.setKeys(w.theirs)
		w.withdrawn()
		DeferCleanup(revokeForAll, "")
		revokeForAll("digests: [" + bad.Digest.String() + "]")
		good := w.pushWith("1.0.0", "good: true\n", w.theirs)
		w.reconcile()
		w.ready(good.Digest)
	})
})

var _ = Describe("A revoked chart, while the registry takes requests and never answers,", Label("revocation"), func() {
	var w *world
	var published *v1alpha1.VerifiedChart
	BeforeEach(func() {
		w = newWorld(context.Background())
		d := w.push("1.0.0", w.ours)
		w.declare()
		published = w.ready(d.Digest)
		w.silent()
		DeferCleanup(func() { w.registry.Break(nil) })
	})

	DescribeTable("is withdrawn at once, also from the status and the ExternalArtifact",
		func(revoked func() v1alpha1.Revocations) {
			list := revoked()
			w.edit(rules(func(r *v1alpha1.Rules) { r.Revoked = &list }))
			w.eventually(func(g Gomega, obj *v1alpha1.VerifiedChart) {
				g.Expect(obj.Status.Artifact).To(BeNil())
				g.Expect(w.externalArtifact()).To(BeNil())
			})
			Expect(w.files()).To(BeEmpty())
		},
		Entry("by its digest", func() v1alpha1.Revocations {
			return v1alpha1.Revocations{Digests: []string{published.Status.Verification.Digest}}
		}),
		Entry("by its version", func() v1alpha1.Revocations { return v1alpha1.Revocations{Versions: []string{"1.x"}} }),
		Entry("by the key that signed it", func() v1alpha1.Revocations {
			return v1alpha1.Revocations{Keys: []string{published.Status.Verification.Signers}}
		}),
	)
})

var _ = Describe("A revoked key", Label("revocation"), func() {
	It("is reported while the registry never answers, even if the reconcile is interrupted", func() {
		w := newWorld(context.Background())
		d := w.push("1.0.0", w.ours)
		w.declare()
		obj := w.ready(d.Digest)
		w.silent()
		DeferCleanup(func() { w.registry.Break(nil) })
		w.edit(rules(func(r *v1alpha1.Rules) {
			r.Revoked = &v1alpha1.Revocations{Keys: []string{obj.Status.Verification.Signers}}
		}))
		w.setKeys(w.ours, w.theirs)
		w.eventually(func(g Gomega, obj *v1alpha1.VerifiedChart) {
			g.Expect(obj.Status.Artifact).To(BeNil())
			g.Expect(w.externalArtifact()).To(BeNil())
		})
	})

	It("never withdraws a chart that another key also signed, not for a moment", func() {
		w := newWorld(context.Background())
		d := w.push("1.0.0", w.ours, w.theirs)
		w.setKeys(w.ours, w.theirs)
		w.declare()
		obj := w.ready(d.Digest)
		w.edit(rules(func(r *v1alpha1.Rules) {
			r.Revoked = &v1alpha1.Revocations{Keys: []string{obj.Status.Verification.Signers}}
		}))
		w.eventually(func(g Gomega, now *v1alpha1.VerifiedChart) {
			g.Expect(now.Status.Artifact).To(Equal(obj.Status.Artifact))
			g.Expect(now.Status.Verification.Signers).NotTo(Equal(obj.Status.Verification.Signers))
		})
		Expect(w.warnings()).To(BeEmpty())
	})
})

var _ = DescribeTable("A withdrawal is reported by one Warning", Label("messages", "revocation"),
	func(lose func(*world, *v1alpha1.VerifiedChart)) {
		w := newWorld(context.Background())
		d := w.push("1.0.0", w.ours)
		w.declare()
		lose(w, w.ready(d.Digest))
		w.warned(v1alpha1.ArtifactWithdrawnReason)
		w.reconcile()
		w.reconcile()
		Expect(w.warnings()).To(ConsistOf(v1alpha1.ArtifactWithdrawnReason))
	},
	Entry("if the key is replaced", func(w *world, _ *v1alpha1.VerifiedChart) { w.setKeys(w.theirs) }),
	Entry("if the digest is revoked", func(w *world, obj *v1alpha1.VerifiedChart) {
		w.edit(rules(func(r *v1alpha1.Rules) {
			r.Revoked = &v1alpha1.Revocations{Digests: []string{obj.Status.Verification.Digest}}
		}))
	}),
	Entry("if the version is revoked", func(w *world, _ *v1alpha1.VerifiedChart) {
		w.edit(rules(func(r *v1alpha1.Rules) { r.Revoked = &v1alpha1.Revocations{Versions: []string{"*"}} }))
	}),
	Entry("if the key is revoked", func(w *world, obj *v1alpha1.VerifiedChart) {
		w.edit(rules(func(r *v1alpha1.Rules) {
			r.Revoked = &v1alpha1.Revocations{Keys: []string{obj.Status.Verification.Signers}}
		}))
	}),
)
