// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/fluxcd/pkg/apis/meta"
	"github.com/fluxcd/pkg/runtime/conditions"
	"github.com/fluxcd/pkg/runtime/conditions/check"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/internal/chart"
	"github.com/verifiedchart/verifiedchart/internal/lifecycle"
	"github.com/verifiedchart/verifiedchart/internal/outbound"
	"github.com/verifiedchart/verifiedchart/internal/pipeline"
	"github.com/verifiedchart/verifiedchart/internal/registry"
	"github.com/verifiedchart/verifiedchart/internal/storage"
	"github.com/verifiedchart/verifiedchart/internal/verify"
	"github.com/verifiedchart/verifiedchart/internal/verify/verifytest"
)

// checked are the conditions that fluxcd/pkg/runtime/conditions/check looks at.
var checked = &check.Conditions{NegativePolarity: []string{
	v1alpha1.StorageOperationFailedCondition, v1alpha1.FetchFailedCondition, v1alpha1.BuildFailedCondition,
	meta.StalledCondition, meta.ReconcilingCondition,
}}

// expectClean asserts that kstatus understands the status.
func expectClean(obj *v1alpha1.VerifiedChart) {
	GinkgoHelper()
	checker := check.NewChecker(nil, checked)
	checker.DisableFetch = true
	fail, warn := checker.Check(context.Background(), obj)
	Expect(fail).NotTo(HaveOccurred())
	Expect(warn).NotTo(HaveOccurred())
}

// moment is the time of the decisions in these tests.
var moment = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)

func publishedChart() *v1alpha1.VerifiedChart {
	return &v1alpha1.VerifiedChart{
		ObjectMeta: metav1.ObjectMeta{Name: "app", Namespace: "default", Generation: 2},
		Spec:       v1alpha1.VerifiedChartSpec{Interval: metav1.Duration{Duration: time.Minute}},
		Status: v1alpha1.VerifiedChartStatus{
			ObservedGeneration: 1, URL: "http://x",
			Artifact: &meta.Artifact{Path: "verifiedchart/default/app/x.tgz", URL: "http://x", Revision: "1.0.0@sha256:aa", Digest: "sha256:bb"},
			Verification: &v1alpha1.VerificationStatus{Repository: "repository", Digest: "sha256:aa", Authorities: []v1alpha1.AuthorityStatus{
				{Name: "release", Provider: "cosign", Signer: "SHA256:cc", Key: "cosign.pub"},
			}},
		},
	}
}

// acceptedChart is the proof of the chart that publishedChart publishes.
func acceptedChart() verify.Accepted {
	subject := verifytest.NewRepository().Subject("chart")
	accepted, err := verify.Check(context.Background(), verifytest.Accepts("release", "SHA256:cc"), subject, nil)
	Expect(err).NotTo(HaveOccurred())
	return accepted
}

func failure(step pipeline.Step, err error) error { return &pipeline.Failure{Step: step, Err: err} }

// decided returns the decision on an attempt on another chart that ended with err, while the published chart is trusted.
func decided(obj *v1alpha1.VerifiedChart, err error) lifecycle.Decision {
	trusted := []verify.Outcome{{Verdict: verify.VerdictAccepted}}
	proof := acceptedChart()
	facts := lifecycle.Facts{
		Now: moment, Object: obj, Interval: obj.GetRequeueAfter(),
		Attempt: &lifecycle.Attempt{Chart: lifecycle.Chart{Version: "1.1.0"}, Failure: classify(err)},
	}
	if obj.Status.Artifact != nil {
		facts.Published = &lifecycle.Published{Chart: lifecycle.Chart{Repository: "repository", Digest: "sha256:aa", Version: "1.0.0"}, File: lifecycle.FileRight, Outcomes: trusted, Accepted: proof}
	}
	switch {
	case err == nil && facts.Published != nil:
		facts.Attempt.Chart, facts.Attempt.Outcomes, facts.Attempt.Accepted = facts.Published.Chart, trusted, proof
	case errors.Is(err, chart.ErrMismatch), errors.Is(err, chart.ErrInvalid):
		facts.Attempt.Outcomes, facts.Attempt.Accepted = trusted, proof
	case errors.Is(err, verify.ErrRejected):
		facts.Attempt.Outcomes = []verify.Outcome{{Verdict: verify.VerdictRejected, Err: err}}
	}
	return lifecycle.Decide(facts)
}

// after returns the object after that decision.
func after(err error, from *v1alpha1.VerifiedChart) *v1alpha1.VerifiedChart {
	obj := from.DeepCopy()
	obj.Status = decided(from, err).Status
	return obj
}

// outcome is the expected result of an attempt. An object that is neither stalled nor due at its interval is tried again with backoff.
type outcome struct {
	sourceVerified metav1.ConditionStatus // empty if the condition is absent
	failed         string                 // the one failure condition that is True, if any
	reason         string                 // the reason of Ready
	stalled        bool
	atInterval     bool
}

var _ = Describe("The outcome of an attempt", Label("status"), func() {
	rejection := &verify.Rejection{Authority: "release", Searched: []string{"tag x.sig"}}

	DescribeTable("is reported by conditions that kstatus understands",
		func(err error, expected outcome) {
			before := publishedChart()
			d := decided(before, err)
			obj := before.DeepCopy()
			obj.Status = d.Status
			expectClean(obj)

			if expected.sourceVerified == "" {
				Expect(conditions.Has(obj, v1alpha1.SourceVerifiedCondition)).To(BeFalse())
			} else {
				Expect(conditions.Get(obj, v1alpha1.SourceVerifiedCondition)).To(HaveField("Status", expected.sourceVerified))
			}
			for _, t := range []string{v1alpha1.FetchFailedCondition, v1alpha1.BuildFailedCondition, v1alpha1.StorageOperationFailedCondition} {
				Expect(conditions.IsTrue(obj, t)).To(Equal(t == expected.failed), t)
			}
			Expect(conditions.Get(obj, meta.ReadyCondition)).To(HaveField("Reason", expected.reason))
			Expect(conditions.IsReady(obj)).To(Equal(err == nil))
			Expect(conditions.IsStalled(obj)).To(Equal(expected.stalled))
			Expect(obj.Status.ObservedGeneration).To(BeEquivalentTo(map[bool]int{true: 2, false: 1}[expected.stalled || expected.atInterval]))
			Expect(d.Next.Backoff).To(Equal(!expected.stalled && !expected.atInterval))
			Expect(d.Next.Interval).To(Equal(map[bool]time.Duration{true: time.Minute}[expected.atInterval]))
			Expect(d.Next.Within).To(Equal(time.Minute), "the published chart is verified again whatever came of the attempt")
		},
		Entry("the chart is accepted", nil, outcome{sourceVerified: metav1.ConditionTrue, reason: meta.SucceededReason, atInterval: true}),
		Entry("the chart is rejected", failure(pipeline.StepVerify, fmt.Errorf("chart: %w", rejection)),
			outcome{sourceVerified: metav1.ConditionFalse, reason: v1alpha1.VerificationErrorReason, stalled: true, atInterval: true}),
		Entry("a Secret is missing", failure(pipeline.StepVerify, verify.ErrTrustUnavailable),
			outcome{sourceVerified: metav1.ConditionUnknown, reason: v1alpha1.TrustUnavailableReason}),
		Entry("D9: a key is malformed", failure(pipeline.StepVerify, verify.ErrTrustMalformed),
			outcome{sourceVerified: metav1.ConditionUnknown, reason: v1alpha1.TrustUnavailableReason, stalled: true}),
		Entry("E16: signatures cannot be listed", failure(pipeline.StepVerify, errors.New("connection refused")),
			outcome{failed: v1alpha1.FetchFailedCondition, reason: v1alpha1.OCIPullFailedReason}),
		Entry("A1: the registry is out of reach", failure(pipeline.StepResolve, errors.New("connection refused")),
			outcome{failed: v1alpha1.FetchFailedCondition, reason: v1alpha1.OCIPullFailedReason}),
		Entry("A8: the bytes differ from the digest", failure(pipeline.StepFetch, registry.ErrIntegrity),
			outcome{failed: v1alpha1.FetchFailedCondition, reason: v1alpha1.OCIPullFailedReason}),
		Entry("A9: the manifest differs from its digest", failure(pipeline.StepManifest, registry.ErrIntegrity),
			outcome{failed: v1alpha1.FetchFailedCondition, reason: v1alpha1.OCIPullFailedReason}),
		Entry("A16: the credentials are refused", failure(pipeline.StepResolve, registry.ErrUnauthorized),
			outcome{failed: v1alpha1.FetchFailedCondition, reason: v1alpha1.AuthenticationFailedReason}),
		Entry("the proxy refuses the password", failure(pipeline.StepResolve, outbound.ErrProxyPassword),
			outcome{failed: v1alpha1.FetchFailedCondition, reason: v1alpha1.AuthenticationFailedReason}),
		Entry("B1: the artifact is not a chart", failure(pipeline.StepManifest, chart.ErrManifest),
			outcome{failed: v1alpha1.FetchFailedCondition, reason: v1alpha1.OCILayerOperationFailedReason, atInterval: true}),
		Entry("B10: the archive holds another chart", failure(pipeline.StepValidate, chart.ErrMismatch),
			outcome{sourceVerified: metav1.ConditionTrue, failed: v1alpha1.BuildFailedCondition, reason: v1alpha1.ChartMismatchReason, atInterval: true}),
		Entry("C1: the archive is damaged", failure(pipeline.StepValidate, chart.ErrInvalid),
			outcome{sourceVerified: metav1.ConditionTrue, failed: v1alpha1.BuildFailedCondition, reason: v1alpha1.ChartInvalidReason, atInterval: true}),
		Entry("G3: the disk has no space", failure(pipeline.StepFetch, fmt.Errorf("read the archive: %w", storage.ErrStorage)),
			outcome{failed: v1alpha1.StorageOperationFailedCondition, reason: v1alpha1.ArchiveOperationFailedReason}),
		Entry("the range cannot be parsed", failure(pipeline.StepResolve, pipeline.ErrReference),
			outcome{failed: v1alpha1.FetchFailedCondition, reason: v1alpha1.ReferenceInvalidReason, stalled: true}),
		Entry("I6: the URL cannot work", &refusal{condition: v1alpha1.FetchFailedCondition, reason: v1alpha1.URLInvalidReason, kind: lifecycle.Final, err: errors.New("x")},
			outcome{failed: v1alpha1.FetchFailedCondition, reason: v1alpha1.URLInvalidReason, stalled: true}),
		Entry("I7: plain HTTP is not allowed", &refusal{reason: v1alpha1.InsecureNotAllowedReason, kind: lifecycle.Final, err: errors.New("x")},
			outcome{reason: v1alpha1.InsecureNotAllowedReason, stalled: true}),
		Entry("B13: the chart is older than the published chart", &refusal{condition: v1alpha1.FetchFailedCondition, reason: v1alpha1.DowngradeRefusedReason, kind: lifecycle.Rejecting, err: errors.New("x")},
			outcome{failed: v1alpha1.FetchFailedCondition, reason: v1alpha1.DowngradeRefusedReason, atInterval: true}),
		Entry("the API server refused the ExternalArtifact", failure(pipeline.StepPublish, errors.New("conflict")),
			outcome{reason: meta.FailedReason}),
		Entry("the error is unknown", errors.New("x"), outcome{reason: meta.FailedReason}),
	)

	It("keeps SourceVerified if the registry could not be read", func() {
		obj := after(nil, publishedChart())
		was := conditions.Get(obj, v1alpha1.SourceVerifiedCondition)
		Expect(conditions.Get(after(failure(pipeline.StepResolve, errors.New("x")), obj), v1alpha1.SourceVerifiedCondition)).To(Equal(was))
	})

	It("does not leave SourceVerified True if nothing is published any longer", func() {
		obj := after(nil, publishedChart())
		obj.Status.Artifact, obj.Status.Verification = nil, nil
		Expect(conditions.IsUnknown(after(failure(pipeline.StepResolve, errors.New("x")), obj), v1alpha1.SourceVerifiedCondition)).To(BeTrue())
	})

	It("A3: is tried again at the time that the registry requests", func() {
		d := decided(publishedChart(), failure(pipeline.StepResolve, &outbound.RateLimitedError{RetryAfter: time.Hour}))
		Expect(d.Next.At).To(Equal(moment.Add(time.Hour)))
		Expect(d.Next.Backoff).To(BeFalse())
	})

	It("names the refused and the served chart", func() {
		message := conditions.GetMessage(after(failure(pipeline.StepVerify, rejection), publishedChart()), meta.ReadyCondition)
		Expect(message).To(Equal("1.1.0 refused: not signed; serving 1.0.0"))
	})

	It("H15: is bounded and printable, for every error", func() {
		obj := after(failure(pipeline.StepResolve, errors.New(strings.Repeat("\x1b[31m\xff", 1<<18))), publishedChart())
		for _, c := range obj.Status.Conditions {
			Expect(len(c.Message)).To(BeNumerically("<=", maxMessage))
			Expect(c.Message).NotTo(ContainSubstring("\x1b"))
		}
	})
})

var _ = Describe("Events", Label("messages"), func() {
	unreachable := failure(pipeline.StepResolve, errors.New("dial 127.0.0.1:1"))
	rejected := failure(pipeline.StepVerify, &verify.Rejection{Authority: "release"})

	It("are recorded once for each change, but not for a retry", func() {
		ready := after(nil, publishedChart())
		Expect(decided(ready, nil).Events).To(BeEmpty())

		failing := after(unreachable, ready)
		Expect(decided(ready, unreachable).Events).To(ConsistOf(HaveField("Reason", v1alpha1.OCIPullFailedReason)))
		Expect(decided(failing, failure(pipeline.StepResolve, errors.New("dial 127.0.0.1:2"))).Events).To(BeEmpty())
		Expect(decided(failing, nil).Events).To(ConsistOf(HaveField("Reason", meta.SucceededReason)))

		refused := after(rejected, ready)
		Expect(decided(ready, rejected).Events).To(ConsistOf(HaveField("Reason", v1alpha1.VerificationErrorReason)))
		Expect(decided(refused, rejected).Events).To(BeEmpty())
		other := failure(pipeline.StepVerify, &verify.Rejection{Authority: "another"})
		Expect(decided(refused, other).Events).To(ConsistOf(HaveField("Reason", v1alpha1.VerificationErrorReason)))
	})
})
