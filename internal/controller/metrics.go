// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/internal/verify"
)

// VerificationMetrics report the results of verifications. NewVerificationMetrics makes them; a
// nil *VerificationMetrics reports nothing.
type VerificationMetrics struct {
	verifications *prometheus.CounterVec
	verified      *prometheus.GaugeVec
	unproven      *prometheus.GaugeVec
	withdrawals   *prometheus.CounterVec
	sweeps        *prometheus.CounterVec
	list          prometheus.Gauge
}

// NewVerificationMetrics returns metrics that are registered with a registry.
func NewVerificationMetrics(r prometheus.Registerer) *VerificationMetrics {
	object := []string{"namespace", "name"}
	m := &VerificationMetrics{
		verifications: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "verifiedchart_verifications_total",
			Help: "Number of verifications by an authority, by its provider and the verdict: accepted, rejected or undecided.",
		}, []string{"provider", "verdict"}),
		verified: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "verifiedchart_last_verified_timestamp_seconds",
			Help: "Time of the last verdict on the published artifact.",
		}, object),
		unproven: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "verifiedchart_unproven",
			Help: "1 while an unproven artifact is published, by the rule Audit, Exemption or Hold.",
		}, append(object, "rule")),
		withdrawals: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "verifiedchart_withdrawals_total",
			Help: "Number of withdrawals of the published artifact.",
		}, object),
	}
	m.sweeps = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "verifiedchart_swept_total",
		Help: "Number of times the sweep removed files or an ExternalArtifact of a deleted VerifiedChart.",
	}, []string{"what"})
	m.list = prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "verifiedchart_revocation_list_valid",
		Help: "1 while the revocation list of the cluster is valid and stored; 0 otherwise, and until the first reconcile.",
	})
	r.MustRegister(m.verifications, m.verified, m.unproven, m.withdrawals, m.sweeps, m.list)
	return m
}

// observe counts an answer of an authority.
func (m *VerificationMetrics) observe(provider, verdict string) {
	if m != nil {
		m.verifications.WithLabelValues(provider, verdict).Inc()
	}
}

// swept counts what the sweep removed.
func (m *VerificationMetrics) swept(what string) {
	if m != nil {
		m.sweeps.WithLabelValues(what).Inc()
	}
}

// revocationList records whether the revocation list of the cluster is valid.
func (m *VerificationMetrics) revocationList(valid bool) {
	switch {
	case m == nil:
	case valid:
		m.list.Set(1)
	default:
		m.list.Set(0)
	}
}

// record records the result of a reconcile.
func (m *VerificationMetrics) record(before, after *v1alpha1.VerifiedChart, verified bool, now time.Time) {
	if m == nil {
		return
	}
	if before.Status.Artifact != nil && after.Status.Artifact == nil {
		m.withdrawals.WithLabelValues(after.Namespace, after.Name).Inc()
	}
	published := after.Status.Artifact != nil && after.Status.Verification != nil
	m.excepted(after, published)
	switch {
	case !published:
		m.verified.DeleteLabelValues(after.Namespace, after.Name)
	case verified:
		m.verified.WithLabelValues(after.Namespace, after.Name).Set(float64(now.Unix()))
	}
}

// excepted records the rule by which an unproven artifact is published. While a rule
// stays in force its value is never missing, not even for a moment.
func (m *VerificationMetrics) excepted(obj *v1alpha1.VerifiedChart, published bool) {
	rule := ""
	switch {
	case !published:
	case obj.Status.HeldSince != nil:
		rule = v1alpha1.OnTrustLossHold
	case len(obj.Status.Verification.Exceptions) > 0:
		rule = obj.Status.Verification.Exceptions[0].Rule
	}
	for _, r := range []string{string(verify.Audit), string(verify.Exemption), v1alpha1.OnTrustLossHold} {
		if r == rule {
			m.unproven.WithLabelValues(obj.Namespace, obj.Name, r).Set(1)
		} else {
			m.unproven.DeleteLabelValues(obj.Namespace, obj.Name, r)
		}
	}
}

// remove removes the metrics of an object that is gone.
func (m *VerificationMetrics) remove(obj *v1alpha1.VerifiedChart) {
	if m == nil {
		return
	}
	for _, gauge := range []*prometheus.GaugeVec{m.verified, m.unproven} {
		gauge.DeletePartialMatch(prometheus.Labels{"namespace": obj.Namespace, "name": obj.Name})
	}
	m.withdrawals.DeleteLabelValues(obj.Namespace, obj.Name)
}
