// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"

	"github.com/fluxcd/pkg/runtime/conditions"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/internal/material"
)

// clusterRevocations is the ConfigMap of the revocation list of the suite's reconciler.
var clusterRevocations = types.NamespacedName{Namespace: "default", Name: "revocations"}

// revokeForAll sets the revocation list of the cluster.
func revokeForAll(list string) {
	GinkgoHelper()
	if list == "" {
		list = "{}"
	}
	config := &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Name: clusterRevocations.Name, Namespace: clusterRevocations.Namespace},
		Data:       map[string]string{material.RevokedKey: list},
	}
	if err := k8s.Create(context.Background(), config); err != nil {
		Expect(k8s.Update(context.Background(), config)).To(Succeed())
	}
}

var _ = Describe("A chart that is revoked", Label("revocation"), func() {
	var w *world
	BeforeEach(func() { w = newWorld(context.Background()) })

	keyOf := func(obj *v1alpha1.VerifiedChart) string { return obj.Status.Verification.Authorities[0].Signer }

	DescribeTable("is withdrawn at once, even while the registry is out of reach",
		func(revoke func(obj *v1alpha1.VerifiedChart) v1alpha1.Revocations, ref v1alpha1.ChartRef) {
			d := w.push("1.0.0", w.ours)
			w.declare(func(s *v1alpha1.VerifiedChartSpec) {
				s.Ref = ref
				if ref.Digest != "" {
					s.Ref.Digest = d.Digest.String()
				}
			})
			obj := w.ready(d.Digest)
			revoked := revoke(obj)
			w.unreachable()
			w.edit(rules(func(r *v1alpha1.Rules) { r.Revoked = &revoked }))
			obj = w.isWithdrawn()
			Expect(conditions.IsFalse(obj, v1alpha1.SourceVerifiedCondition)).To(BeTrue())
			w.registry.Break(nil)
			w.reconcile()
			w.rejected()
			w.edit(rules(func(r *v1alpha1.Rules) { r.Revoked = nil }))
			w.ready(d.Digest)
		},
		Entry("by its digest", func(obj *v1alpha1.VerifiedChart) v1alpha1.Revocations {
			return v1alpha1.Revocations{Digests: []string{obj.Status.Verification.Digest}}
		}, v1alpha1.ChartRef{Tag: "1.0.0"}),
		Entry("by its key", func(obj *v1alpha1.VerifiedChart) v1alpha1.Revocations {
			return v1alpha1.Revocations{Keys: []string{keyOf(obj)}}
		}, v1alpha1.ChartRef{Tag: "1.0.0"}),
		Entry("by its version", func(*v1alpha1.VerifiedChart) v1alpha1.Revocations {
			return v1alpha1.Revocations{Versions: []string{"<=1.0.0"}}
		}, v1alpha1.ChartRef{Tag: "1.0.0"}),
		Entry("by its version, even if it is pinned by digest", func(*v1alpha1.VerifiedChart) v1alpha1.Revocations {
			return v1alpha1.Revocations{Versions: []string{"1.x"}}
		}, v1alpha1.ChartRef{Digest: "its own"}),
	)

	It("is never published, even if only its archive names its version", func() {
		d := w.push("1.0.0", w.ours)
		w.declare(rules(func(r *v1alpha1.Rules) { r.Revoked = &v1alpha1.Revocations{Versions: []string{"1.x"}} }),
			func(s *v1alpha1.VerifiedChartSpec) { s.Ref = v1alpha1.ChartRef{Digest: d.Digest.String()} })
		w.rejected()
		Expect(w.files()).To(BeEmpty())
	})

	It("is withdrawn when the list of the cluster names it, and so are the charts of all tenants", func() {
		d := w.push("1.0.0", w.ours)
		other := newWorld(context.Background())
		same := other.push("1.0.0", other.ours)
		Expect(same.Digest).To(Equal(d.Digest))
		w.declare()
		other.declare()
		w.ready(d.Digest)
		other.ready(d.Digest)
		DeferCleanup(revokeForAll, "")
		revokeForAll("digests: [" + d.Digest.String() + "]")
		w.isWithdrawn()
		other.withdrawn()
		revokeForAll("")
		w.ready(d.Digest)
		other.ready(d.Digest)
	})

	DescribeTable("J21: stays revoked while the list of the cluster is unusable, and other charts are still published",
		func(list string) {
			bad, good := w.push("1.0.0", w.ours), newWorld(context.Background())
			d := good.push("2.0.0", good.ours)
			w.declare()
			w.ready(bad.Digest)
			DeferCleanup(revokeForAll, "")
			revokeForAll("digests: [" + bad.Digest.String() + "]")
			w.isWithdrawn()
			revokeForAll(list)
			w.reconcile()
			Expect(w.get().Status.Artifact).To(BeNil())
			good.declare(func(s *v1alpha1.VerifiedChartSpec) { s.Ref.Tag = "2.0.0" })
			good.ready(d.Digest)
			Eventually(func(g Gomega) {
				var events corev1.EventList
				g.Expect(k8s.List(context.Background(), &events, client.InNamespace(clusterRevocations.Namespace))).To(Succeed())
				g.Expect(events.Items).To(ContainElement(And(HaveField("InvolvedObject.Name", clusterRevocations.Name), HaveField("Reason", "RevocationListInvalid"))))
			}).WithTimeout(patience).Should(Succeed())
			revokeForAll("")
			w.ready(bad.Digest)
		},
		Entry("emptied", " "),
		Entry("all comments", "# none"),
		Entry("misspelled", "digest: typo"),
		Entry("no YAML", "}{"),
		Entry("a field without a list", "digests:"),
	)
})
