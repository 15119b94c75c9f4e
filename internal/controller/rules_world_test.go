// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"net/http"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
)

// unreachable makes the registry fail every read.
func (w *world) unreachable() { w.registry.Break(answerNothing) }

func answerNothing(rw http.ResponseWriter, r *http.Request) bool {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return false
	}
	rw.WriteHeader(http.StatusTeapot)
	return true
}

// warned waits for a Warning event about the object.
func (w *world) warned(reason string) {
	GinkgoHelper()
	Eventually(func(g Gomega) {
		var events corev1.EventList
		g.Expect(w.client.List(w.ctx, &events, client.InNamespace(w.namespace))).To(Succeed())
		g.Expect(events.Items).To(ContainElement(And(
			HaveField("Type", corev1.EventTypeWarning), HaveField("Reason", reason), HaveField("InvolvedObject.Kind", v1alpha1.VerifiedChartKind),
		)))
	}).WithTimeout(patience).Should(Succeed())
}

// rules changes the rules of spec.verify other than the authorities.
func rules(change func(*v1alpha1.Rules)) func(*v1alpha1.VerifiedChartSpec) {
	return func(s *v1alpha1.VerifiedChartSpec) { change(&s.Verify.Rules) }
}

// isWithdrawn waits until nothing is published, and no file is left.
func (w *world) isWithdrawn() *v1alpha1.VerifiedChart {
	GinkgoHelper()
	obj := w.withdrawn()
	Expect(w.files()).To(BeEmpty())
	return obj
}
