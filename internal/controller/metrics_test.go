// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/internal/policy"
)

var _ = Describe("The metrics", Label("status"), func() {
	var w *world
	BeforeEach(func() { w = newWorld(context.Background()) })

	value := func(of func(*VerificationMetrics) prometheus.Collector) float64 {
		return testutil.ToFloat64(of(reconciler.Verifications))
	}
	verdicts := func(verdict string) float64 {
		return value(func(m *VerificationMetrics) prometheus.Collector {
			return m.verifications.WithLabelValues("cosign", verdict)
		})
	}
	lastVerified := func() float64 {
		return value(func(m *VerificationMetrics) prometheus.Collector {
			return m.verified.WithLabelValues(w.namespace, "app")
		})
	}
	unproven := func(rule string) float64 {
		return value(func(m *VerificationMetrics) prometheus.Collector {
			return m.unproven.WithLabelValues(w.namespace, "app", rule)
		})
	}
	withdrawals := func() float64 {
		return value(func(m *VerificationMetrics) prometheus.Collector {
			return m.withdrawals.WithLabelValues(w.namespace, "app")
		})
	}

	It("count verdicts and withdrawals, and hold the time of the last verdict", func() {
		accepted, rejected, undecided := verdicts(policy.VerdictAccepted), verdicts(policy.VerdictRejected), verdicts(policy.VerdictUndecided)
		d := w.push("1.0.0", w.ours)
		w.declare()
		w.ready(d.Digest)
		Eventually(lastVerified).Should(BeNumerically("~", time.Now().Unix(), patience.Seconds()))
		Expect(verdicts(policy.VerdictAccepted)).To(BeNumerically(">", accepted))
		Expect(withdrawals()).To(BeZero())

		w.setKeys(w.theirs)
		w.rejected()
		Expect(verdicts(policy.VerdictRejected)).To(BeNumerically(">", rejected))
		Eventually(withdrawals).Should(BeEquivalentTo(1))
		w.deleteSecret("cosign-pub")
		Eventually(func() float64 { return verdicts(policy.VerdictUndecided) }).WithTimeout(patience).Should(BeNumerically(">", undecided))
	})

	It("show charts that are published by a rule, not by proof", func() {
		d := w.push("1.0.0")
		w.declare(rules(func(r *v1alpha1.Rules) { r.Mode = v1alpha1.ModeAudit }))
		w.ready(d.Digest)
		Eventually(func() float64 { return unproven("Audit") }).WithTimeout(patience).Should(BeEquivalentTo(1))
		w.sign(d.Digest, w.ours)
		w.edit(rules(func(r *v1alpha1.Rules) { r.Mode, r.OnTrustLoss = "", v1alpha1.OnTrustLossHold }))
		Eventually(func() float64 { return unproven("Audit") }).WithTimeout(patience).Should(BeZero())
		w.setKeys(w.theirs)
		Eventually(func() float64 { return unproven("Hold") }).WithTimeout(patience).Should(BeEquivalentTo(1))
		w.remove()
		Eventually(func() float64 { return unproven("Hold") }).WithTimeout(patience).Should(BeZero())
	})

	It("show that a chart is held, even if an exception let it be published", func() {
		d := w.push("1.0.0")
		w.declare(rules(func(r *v1alpha1.Rules) { r.Mode = v1alpha1.ModeAudit }))
		w.ready(d.Digest)
		w.edit(rules(func(r *v1alpha1.Rules) { r.Mode, r.OnTrustLoss = v1alpha1.ModeEnforce, v1alpha1.OnTrustLossHold }))
		w.eventually(func(g Gomega, obj *v1alpha1.VerifiedChart) { g.Expect(obj.Status.HeldSince).NotTo(BeNil()) })
		Eventually(func() float64 { return unproven("Hold") }).WithTimeout(patience).Should(BeEquivalentTo(1))
		Expect(unproven("Audit")).To(BeZero())
	})
})
