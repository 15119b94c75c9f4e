package controller

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
)

// VerificationMetrics tell what came of judging. NewVerificationMetrics makes them; a
// nil one tells nothing.
type VerificationMetrics struct {
	verifications *prometheus.CounterVec
	judged        *prometheus.GaugeVec
	unproven      *prometheus.GaugeVec
	withdrawals   *prometheus.CounterVec
}

// NewVerificationMetrics returns metrics that are registered with a registry.
func NewVerificationMetrics(r prometheus.Registerer) *VerificationMetrics {
	object := []string{"namespace", "name"}
	m := &VerificationMetrics{
		verifications: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "verifiedchart_verifications_total",
			Help: "How often an authority was asked, by its provider and its verdict: accepted, rejected or undecided.",
		}, []string{"provider", "verdict"}),
		judged: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "verifiedchart_last_judged_timestamp_seconds",
			Help: "When there was a verdict on the published artifact last.",
		}, object),
		unproven: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "verifiedchart_unproven",
			Help: "1 while an artifact is published that is not proven, by a rule: Audit, Exemption or Hold.",
		}, append(object, "rule")),
		withdrawals: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "verifiedchart_withdrawals_total",
			Help: "How often a published artifact was withdrawn.",
		}, object),
	}
	r.MustRegister(m.verifications, m.judged, m.unproven, m.withdrawals)
	return m
}

// observe counts an answer of an authority.
func (m *VerificationMetrics) observe(provider, verdict string) {
	if m != nil {
		m.verifications.WithLabelValues(provider, verdict).Inc()
	}
}

// record tells what a reconcile came to.
func (m *VerificationMetrics) record(before, after *v1alpha1.VerifiedChart, found findings) {
	if m == nil {
		return
	}
	if before.Status.Artifact != nil && after.Status.Artifact == nil {
		m.withdrawals.WithLabelValues(after.Namespace, after.Name).Inc()
	}
	m.unproven.DeletePartialMatch(prometheus.Labels{"namespace": after.Namespace, "name": after.Name})
	switch v := after.Status.Verification; {
	case after.Status.Artifact == nil || v == nil:
		m.judged.DeleteLabelValues(after.Namespace, after.Name)
		return
	case len(v.Excuses) > 0:
		m.unproven.WithLabelValues(after.Namespace, after.Name, v.Excuses[0].Rule).Set(1)
	case found.held:
		m.unproven.WithLabelValues(after.Namespace, after.Name, v1alpha1.OnTrustLossHold).Set(1)
	}
	if found.judged {
		m.judged.WithLabelValues(after.Namespace, after.Name).Set(float64(time.Now().Unix()))
	}
}

// forget takes what was told of an object back, which is gone.
func (m *VerificationMetrics) forget(obj *v1alpha1.VerifiedChart) {
	if m == nil {
		return
	}
	for _, gauge := range []*prometheus.GaugeVec{m.judged, m.unproven} {
		gauge.DeletePartialMatch(prometheus.Labels{"namespace": obj.Namespace, "name": obj.Name})
	}
	m.withdrawals.DeleteLabelValues(obj.Namespace, obj.Name)
}
