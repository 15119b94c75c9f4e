// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"github.com/fluxcd/pkg/apis/meta"
	"github.com/fluxcd/pkg/runtime/conditions"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
)

var _ = Describe("A VerifiedChart depends on Secrets", Label("cosign"), func() {
	var w *world
	BeforeEach(func(ctx SpecContext) { w = newWorld(GinkgoT().Context()) })

	It("H6: recovers when a Secret comes late", func() {
		w.deleteSecret("cosign-pub")
		d := w.push("1.0.0", w.ours)
		w.declare()
		w.reason(v1alpha1.SourceVerifiedCondition, metav1.ConditionUnknown, v1alpha1.TrustUnavailableReason)
		w.setKeys(w.ours)
		w.ready(d.Digest)
	})

	It("H7: keeps a proven chart when the Secret is deleted", func() {
		d := w.push("1.0.0", w.ours)
		w.declare()
		w.ready(d.Digest)
		w.deleteSecret("cosign-pub")
		obj := w.reason(v1alpha1.SourceVerifiedCondition, metav1.ConditionUnknown, v1alpha1.TrustUnavailableReason)
		Expect(obj.Status.Artifact.Revision).To(HaveSuffix(d.Digest.String()))
		Expect(artifactBytes(obj)).NotTo(BeEmpty())
	})

	DescribeTable("D9, H8: stalls on a Secret that cannot be used until it changes",
		func(data func() map[string][]byte) {
			d := w.push("1.0.0", w.ours)
			w.setSecret("cosign-pub", data())
			w.declare()
			w.reason(meta.StalledCondition, metav1.ConditionTrue, v1alpha1.TrustUnavailableReason)
			obj := w.reason(v1alpha1.SourceVerifiedCondition, metav1.ConditionUnknown, v1alpha1.TrustUnavailableReason)
			Expect(obj.Status.Artifact).To(BeNil())
			w.setKeys(w.ours)
			w.ready(d.Digest)
		},
		Entry("without a *.pub entry", func() map[string][]byte { return map[string][]byte{"key": []byte("x")} }),
		Entry("with an empty key", func() map[string][]byte { return map[string][]byte{"a.pub": nil} }),
		Entry("with a private key", func() map[string][]byte {
			return map[string][]byte{"a.pub": []byte("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")}
		}),
		Entry("with one good key and one malformed key", func() map[string][]byte {
			return map[string][]byte{"a.pub": w.ours.Public, "b.pub": []byte("x")}
		}),
	)

	const stalls, triesAgain = true, false
	DescribeTable("reports unusable credentials",
		func(data map[string][]byte, stalled bool) {
			d := w.push("1.0.0", w.ours)
			if data != nil {
				w.setSecret("registry", data)
			}
			w.declare(func(s *v1alpha1.VerifiedChartSpec) { s.SecretRef = &meta.LocalObjectReference{Name: "registry"} })
			obj := w.reason(v1alpha1.FetchFailedCondition, metav1.ConditionTrue, v1alpha1.AuthenticationFailedReason)
			Expect(conditions.IsStalled(obj)).To(Equal(stalled))
			Expect(conditions.GetMessage(obj, meta.ReadyCondition)).NotTo(ContainSubstring("canary"))
			w.setSecret("registry", map[string][]byte{corev1.DockerConfigJsonKey: []byte(`{"auths":{"registry.example":{"username":"u","password":"p"}}}`)})
			w.ready(d.Digest)
		},
		Entry("no Secret", nil, triesAgain),
		Entry("H8: a Secret of another type", map[string][]byte{"username": []byte("canary")}, stalls),
		Entry("H8: a malformed docker configuration", map[string][]byte{corev1.DockerConfigJsonKey: []byte("canary")}, stalls),
	)
})
