// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"fmt"

	"github.com/fluxcd/pkg/apis/meta"
	"github.com/fluxcd/pkg/runtime/conditions"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/internal/verify/verifytest"
)

// applyPolicy creates a ClusterChartPolicy for the charts of the world, with the keys in the
// Secret company-keys in the controller's namespace, changed by the functions.
func (w *world) applyPolicy(name string, change ...func(*v1alpha1.ClusterChartPolicySpec)) *v1alpha1.ClusterChartPolicy {
	GinkgoHelper()
	p := &v1alpha1.ClusterChartPolicy{
		ObjectMeta: metav1.ObjectMeta{Name: name + "-" + w.namespace},
		Spec: v1alpha1.ClusterChartPolicySpec{
			Match: &v1alpha1.ChartMatch{Namespaces: []string{w.namespace}},
			Verify: v1alpha1.Verification{Authorities: []v1alpha1.Authority{
				{Name: "release", Provider: v1alpha1.CosignProvider, SecretRef: &meta.LocalObjectReference{Name: "company-keys"}},
			}},
		},
	}
	for _, c := range change {
		c(&p.Spec)
	}
	Expect(w.client.Create(w.ctx, p)).To(Succeed())
	DeferCleanup(func() { Expect(client.IgnoreNotFound(w.client.Delete(context.Background(), p))).To(Succeed()) })
	return p
}

// companyTrusts makes the company trust exactly the keys of the signers.
func (w *world) companyTrusts(signers ...verifytest.Signer) {
	GinkgoHelper()
	theirs := *w
	theirs.namespace = reconciler.Namespace
	data := map[string][]byte{}
	for i, s := range signers {
		data[fmt.Sprintf("%d.pub", i)] = s.Public
	}
	theirs.setSecret("company-keys", data)
}

var _ = Describe("A ClusterChartPolicy", Label("policy"), Serial, func() {
	var w *world
	BeforeEach(func() {
		w = newWorld(context.Background())
		w.companyTrusts(w.ours)
	})

	It("has to be satisfied in addition to the object's own policy, and the status names it", func() {
		d := w.push("1.0.0", w.ours)
		p := w.applyPolicy("company")
		w.declare()
		obj := w.ready(d.Digest)
		Expect(obj.Status.Policies).To(ConsistOf(p.Name))
		Expect(obj.Status.Verification.Authorities).To(ConsistOf(
			And(HaveField("Policy", ""), HaveField("Name", "release")), And(HaveField("Policy", p.Name), HaveField("Name", "release")),
		))
	})

	It("withdraws a chart that it rejects as soon as it exists, and lets the chart be published when it is deleted", func() {
		d := w.push("1.0.0", w.ours)
		w.companyTrusts(w.theirs)
		w.declare()
		w.ready(d.Digest)
		p := w.applyPolicy("company")
		Expect(w.rejected().Status.Artifact).To(BeNil())
		Expect(w.client.Delete(w.ctx, p)).To(Succeed())
		Expect(w.ready(d.Digest).Status.Policies).To(BeEmpty())
	})

	It("re-verifies its charts as soon as its Secret changes", func() {
		d := w.push("1.0.0", w.ours)
		w.applyPolicy("company")
		w.declare()
		w.ready(d.Digest)
		w.companyTrusts(w.theirs)
		Expect(w.rejected().Status.Artifact).To(BeNil())
		w.companyTrusts(w.ours, w.theirs)
		w.ready(d.Digest)
	})

	DescribeTable("cannot be weakened by the object's own",
		func(weaken func(w *world, r *v1alpha1.Rules)) {
			d := w.push("1.0.0", w.ours)
			w.companyTrusts(w.theirs)
			w.applyPolicy("company")
			w.declare(rules(func(r *v1alpha1.Rules) {
				weaken(w, r)
				if r.Exemptions != nil {
					r.Exemptions[0].Digest = d.Digest.String()
				}
			}))
			Expect(w.rejected().Status.Artifact).To(BeNil())
			Expect(w.files()).To(BeEmpty())
		},
		Entry("mode", func(_ *world, r *v1alpha1.Rules) { r.Mode = v1alpha1.ModeAudit }),
		Entry("exemptions", func(_ *world, r *v1alpha1.Rules) {
			r.Exemptions = []v1alpha1.Exemption{{Reason: "please", ExpiresAt: metav1.NewTime(metav1.Now().AddDate(1, 0, 0))}}
		}),
	)

	It("cannot be weakened by the object's onTrustLoss", func() {
		d := w.push("1.0.0", w.ours)
		w.applyPolicy("company")
		w.declare(rules(func(r *v1alpha1.Rules) { r.OnTrustLoss = v1alpha1.OnTrustLossHold }))
		w.ready(d.Digest)
		w.companyTrusts(w.theirs)
		Expect(w.rejected().Status.Artifact).To(BeNil())
	})

	It("revokes for every chart that it matches", func() {
		d := w.push("1.0.0", w.ours)
		w.declare()
		w.ready(d.Digest)
		w.applyPolicy("company", func(s *v1alpha1.ClusterChartPolicySpec) {
			s.Verify.Revoked = &v1alpha1.Revocations{Versions: []string{"1.x"}}
		})
		Expect(w.rejected().Status.Artifact).To(BeNil())
	})

	DescribeTable("does not apply to a chart",
		func(match func(w *world) v1alpha1.ChartMatch) {
			d := w.push("1.0.0", w.ours)
			w.companyTrusts(w.theirs)
			w.applyPolicy("company", func(s *v1alpha1.ClusterChartPolicySpec) { m := match(w); s.Match = &m })
			w.declare()
			Expect(w.ready(d.Digest).Status.Policies).To(BeEmpty())
		},
		Entry("in another namespace", func(*world) v1alpha1.ChartMatch { return v1alpha1.ChartMatch{Namespaces: []string{"other"}} }),
		Entry("with another URL", func(*world) v1alpha1.ChartMatch { return v1alpha1.ChartMatch{URLs: []string{"oci://ghcr.io/**"}} }),
		Entry("with the URL, in another namespace", func(*world) v1alpha1.ChartMatch {
			return v1alpha1.ChartMatch{URLs: []string{"oci://**"}, Namespaces: []string{"other"}}
		}),
	)

	It("with unmatched: Deny denies a chart until a policy matches it", func() {
		d := w.push("1.0.0", w.ours)
		w.declare()
		w.ready(d.Digest)
		w.applyPolicy("strict", func(s *v1alpha1.ClusterChartPolicySpec) {
			s.Match = &v1alpha1.ChartMatch{URLs: []string{"oci://registry.example/**"}}
			s.Unmatched = v1alpha1.UnmatchedDeny
		})
		obj := w.rejected()
		Expect(obj.Status.Artifact).To(BeNil())
		Expect(conditions.GetMessage(obj, v1alpha1.SourceVerifiedCondition)).To(ContainSubstring("strict"))
		w.applyPolicy("company")
		w.ready(d.Digest)
	})
})
