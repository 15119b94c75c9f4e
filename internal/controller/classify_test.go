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
	"github.com/verifiedchart/verifiedchart/internal/outbound"
	"github.com/verifiedchart/verifiedchart/internal/pipeline"
	"github.com/verifiedchart/verifiedchart/internal/registry"
	"github.com/verifiedchart/verifiedchart/internal/storage"
	"github.com/verifiedchart/verifiedchart/internal/verify"
	"github.com/verifiedchart/verifiedchart/internal/verify/verifytest"
)

// checked are the conditions that fluxcd/pkg/runtime/conditions/check judges by.
var checked = &check.Conditions{NegativePolarity: negative}

// expectClean asserts that the status is what kstatus understands.
func expectClean(obj *v1alpha1.VerifiedChart) {
	GinkgoHelper()
	checker := check.NewChecker(nil, checked)
	checker.DisableFetch = true
	fail, warn := checker.Check(context.Background(), obj)
	Expect(fail).NotTo(HaveOccurred())
	Expect(warn).NotTo(HaveOccurred())
}

func publishedChart() *v1alpha1.VerifiedChart {
	return &v1alpha1.VerifiedChart{
		ObjectMeta: metav1.ObjectMeta{Name: "app", Namespace: "default", Generation: 2},
		Spec:       v1alpha1.VerifiedChartSpec{Interval: metav1.Duration{Duration: time.Minute}},
		Status: v1alpha1.VerifiedChartStatus{
			ObservedGeneration: 1,
			Artifact:           &meta.Artifact{Path: "verifiedchart/default/app/x.tgz", Revision: "1.0.0@sha256:aa", Digest: "sha256:bb"},
			Verification: &v1alpha1.VerificationStatus{Digest: "sha256:aa", Authorities: []v1alpha1.AuthorityStatus{
				{Name: "release", Provider: "cosign", Signer: "SHA256:cc", Key: "cosign.pub"},
			}},
		},
	}
}

// acceptedChart is the proof of the chart that publishedChart publishes.
func acceptedChart() verify.Accepted {
	subject := verifytest.NewRepository().Subject("chart")
	accepted, err := verify.Check(context.Background(), verifytest.Vouches("release", "SHA256:cc"), subject, nil)
	Expect(err).NotTo(HaveOccurred())
	return accepted
}

func failure(step pipeline.Step, err error) error { return &pipeline.Failure{Step: step, Err: err} }

var _ = Describe("The outcome of a reconcile", func() {
	rejection := &verify.Rejection{Authority: "release", Looked: []string{"tag x.sig"}}

	DescribeTable("is told by conditions that kstatus understands",
		func(err error, verified metav1.ConditionStatus, condition, reason string, stalled, settled bool) {
			obj := publishedChart()
			accepted := verify.Accepted{}
			if verified == metav1.ConditionTrue {
				accepted = acceptedChart()
			}
			o := classify(accepted, err)
			o.apply(obj)
			expectClean(obj)

			if verified == "" {
				Expect(conditions.Has(obj, v1alpha1.SourceVerifiedCondition)).To(BeFalse())
			} else {
				Expect(conditions.Get(obj, v1alpha1.SourceVerifiedCondition)).To(HaveField("Status", verified))
			}
			for _, t := range []string{v1alpha1.FetchFailedCondition, v1alpha1.BuildFailedCondition, v1alpha1.StorageOperationFailedCondition} {
				Expect(conditions.IsTrue(obj, t)).To(Equal(t == condition), t)
			}
			Expect(conditions.Get(obj, meta.ReadyCondition)).To(HaveField("Reason", reason))
			Expect(conditions.IsReady(obj)).To(Equal(err == nil))
			Expect(conditions.IsStalled(obj)).To(Equal(stalled))
			Expect(obj.Status.ObservedGeneration).To(BeEquivalentTo(map[bool]int{true: 2, false: 1}[err == nil || stalled || settled]))

			result, retry := o.result(GinkgoT().Context(), obj, backoff)
			switch {
			case err == nil, settled:
				Expect(retry).NotTo(HaveOccurred())
				Expect(result.RequeueAfter).To(BeNumerically("~", time.Minute, 10*time.Second))
			case stalled:
				Expect(retry).NotTo(HaveOccurred())
				Expect(result.IsZero()).To(BeTrue())
			default:
				Expect(retry).To(HaveOccurred())
			}
		},
		Entry("accepted", nil, metav1.ConditionTrue, "", meta.SucceededReason, false, false),
		Entry("VF: rejected", failure(pipeline.StepVerify, fmt.Errorf("chart: %w", rejection)),
			metav1.ConditionFalse, "", v1alpha1.VerificationErrorReason, false, true),
		Entry("TU: a Secret is missing", failure(pipeline.StepVerify, verify.ErrTrustUnavailable),
			metav1.ConditionUnknown, "", v1alpha1.TrustUnavailableReason, false, false),
		Entry("D9: TU +S: a key is malformed", failure(pipeline.StepVerify, verify.ErrTrustMalformed),
			metav1.ConditionUnknown, "", v1alpha1.TrustUnavailableReason, true, false),
		Entry("E16: signatures cannot be listed", failure(pipeline.StepVerify, errors.New("connection refused")),
			metav1.ConditionStatus(""), v1alpha1.FetchFailedCondition, v1alpha1.OCIPullFailedReason, false, false),
		Entry("A1: FF PULL: the registry is out of reach", failure(pipeline.StepResolve, errors.New("connection refused")),
			metav1.ConditionStatus(""), v1alpha1.FetchFailedCondition, v1alpha1.OCIPullFailedReason, false, false),
		Entry("A8: FF PULL: other bytes", failure(pipeline.StepFetch, registry.ErrIntegrity),
			metav1.ConditionStatus(""), v1alpha1.FetchFailedCondition, v1alpha1.OCIPullFailedReason, false, false),
		Entry("A9: FF PULL: another manifest", failure(pipeline.StepManifest, registry.ErrIntegrity),
			metav1.ConditionStatus(""), v1alpha1.FetchFailedCondition, v1alpha1.OCIPullFailedReason, false, false),
		Entry("A16: FF AUTH: the credentials are refused", failure(pipeline.StepResolve, registry.ErrUnauthorized),
			metav1.ConditionStatus(""), v1alpha1.FetchFailedCondition, v1alpha1.AuthenticationFailedReason, false, false),
		Entry("B1: FF LAYER: not a chart", failure(pipeline.StepManifest, chart.ErrManifest),
			metav1.ConditionStatus(""), v1alpha1.FetchFailedCondition, v1alpha1.OCILayerOperationFailedReason, false, true),
		Entry("B10: BF: another chart", failure(pipeline.StepValidate, chart.ErrMismatch),
			metav1.ConditionTrue, v1alpha1.BuildFailedCondition, v1alpha1.ChartMismatchReason, false, true),
		Entry("C1: BF: a damaged archive", failure(pipeline.StepValidate, chart.ErrInvalid),
			metav1.ConditionTrue, v1alpha1.BuildFailedCondition, v1alpha1.ChartInvalidReason, false, true),
		Entry("G3: SOF: no space", failure(pipeline.StepFetch, fmt.Errorf("read the archive: %w", storage.ErrStorage)),
			metav1.ConditionStatus(""), v1alpha1.StorageOperationFailedCondition, v1alpha1.ArchiveOperationFailedReason, false, false),
		Entry("a range that cannot be parsed", failure(pipeline.StepResolve, pipeline.ErrReference),
			metav1.ConditionStatus(""), v1alpha1.FetchFailedCondition, v1alpha1.ReferenceInvalidReason, true, false),
		Entry("I6: URL +S", &refusal{condition: v1alpha1.FetchFailedCondition, reason: v1alpha1.URLInvalidReason, final: true, err: errors.New("x")},
			metav1.ConditionStatus(""), v1alpha1.FetchFailedCondition, v1alpha1.URLInvalidReason, true, false),
		Entry("I7: plain HTTP is not allowed", &refusal{reason: v1alpha1.InsecureNotAllowedReason, final: true, err: errors.New("x")},
			metav1.ConditionStatus(""), "", v1alpha1.InsecureNotAllowedReason, true, false),
		Entry("B13: a downgrade", &refusal{condition: v1alpha1.FetchFailedCondition, reason: v1alpha1.DowngradeRefusedReason, settled: true, err: errors.New("x")},
			metav1.ConditionStatus(""), v1alpha1.FetchFailedCondition, v1alpha1.DowngradeRefusedReason, false, true),
		Entry("the API server refused the ExternalArtifact", failure(pipeline.StepPublish, errors.New("conflict")),
			metav1.ConditionStatus(""), "", meta.FailedReason, false, false),
		Entry("anything else", errors.New("x"), metav1.ConditionStatus(""), "", meta.FailedReason, false, false),
	)

	It("says both where the registry is out of reach and what is published was rejected", func() {
		obj := publishedChart()
		obj.Status.Artifact, obj.Status.Verification = nil, nil
		classify(verify.Accepted{}, errors.Join(failure(pipeline.StepResolve, errors.New("x")), failure(pipeline.StepVerify, rejection))).apply(obj)
		Expect(conditions.IsFalse(obj, v1alpha1.SourceVerifiedCondition)).To(BeTrue())
		Expect(conditions.IsTrue(obj, v1alpha1.FetchFailedCondition)).To(BeTrue())
		expectClean(obj)
	})

	It("leaves SourceVerified as it was where the registry could not be read", func() {
		obj := publishedChart()
		classify(acceptedChart(), nil).apply(obj)
		was := conditions.Get(obj, v1alpha1.SourceVerifiedCondition)
		classify(verify.Accepted{}, failure(pipeline.StepResolve, errors.New("x"))).apply(obj)
		Expect(conditions.Get(obj, v1alpha1.SourceVerifiedCondition)).To(Equal(was))
	})

	It("backs off from a failure, and misses nothing that is due by the clock before", func() {
		o := classify(verify.Accepted{}, failure(pipeline.StepResolve, errors.New("x")))
		for due, comesBack := range map[time.Duration]time.Duration{time.Hour: backoff(), 10 * time.Second: 10 * time.Second} {
			o.due = time.Now().Add(due)
			result, err := o.result(GinkgoT().Context(), publishedChart(), backoff)
			Expect(err).NotTo(HaveOccurred())
			Expect(result.RequeueAfter).To(BeNumerically("~", comesBack, time.Second))
		}
	})

	It("does not leave SourceVerified True where nothing is published any more", func() {
		obj := publishedChart()
		classify(acceptedChart(), nil).apply(obj)
		forget(obj)
		classify(verify.Accepted{}, failure(pipeline.StepResolve, errors.New("x"))).apply(obj)
		Expect(conditions.IsUnknown(obj, v1alpha1.SourceVerifiedCondition)).To(BeTrue())
	})

	It("A3: comes back when the registry said", func() {
		result, err := classify(verify.Accepted{}, failure(pipeline.StepResolve, &outbound.RateLimitedError{RetryAfter: time.Hour})).result(GinkgoT().Context(), publishedChart(), backoff)
		Expect(err).NotTo(HaveOccurred())
		Expect(result.RequeueAfter).To(Equal(time.Hour))
	})

	It("H15: bounds and cleans what goes into a condition", func() {
		obj := publishedChart()
		classify(verify.Accepted{}, failure(pipeline.StepResolve, errors.New(strings.Repeat("\x1b[31m\xff", 1<<18)))).apply(obj)
		message := conditions.GetMessage(obj, meta.ReadyCondition)
		Expect(len(message)).To(BeNumerically("<=", maxMessage))
		Expect(message).NotTo(ContainSubstring("\x1b"))
	})
})

var _ = Describe("Events", func() {
	after := func(err error, from *v1alpha1.VerifiedChart) *v1alpha1.VerifiedChart {
		obj := from.DeepCopy()
		accepted := verify.Accepted{}
		if err == nil {
			accepted = acceptedChart()
		}
		classify(accepted, err).apply(obj)
		return obj
	}
	unreachable := failure(pipeline.StepResolve, errors.New("dial 127.0.0.1:1"))
	rejected := failure(pipeline.StepVerify, &verify.Rejection{Authority: "release"})

	It("are told once for each change, and not for a retry", func() {
		fresh := publishedChart()
		fresh.Status.Artifact = nil
		ready := after(nil, publishedChart())
		Expect(happened(fresh, ready)).To(ConsistOf(HaveField("Reason", "NewArtifact")))
		Expect(happened(ready, after(nil, ready))).To(BeEmpty())

		failing := after(unreachable, ready)
		Expect(happened(ready, failing)).To(ConsistOf(HaveField("Reason", v1alpha1.OCIPullFailedReason)))
		Expect(happened(failing, after(failure(pipeline.StepResolve, errors.New("dial 127.0.0.1:2")), failing))).To(BeEmpty())
		Expect(happened(failing, after(nil, failing))).To(ConsistOf(HaveField("Reason", meta.SucceededReason)))

		refused := after(rejected, ready)
		Expect(happened(ready, refused)).To(ConsistOf(HaveField("Reason", v1alpha1.VerificationErrorReason)))
		Expect(happened(refused, after(rejected, refused))).To(BeEmpty())
		other := failure(pipeline.StepVerify, &verify.Rejection{Authority: "another"})
		Expect(happened(refused, after(other, refused))).To(ConsistOf(HaveField("Reason", v1alpha1.VerificationErrorReason)))
	})

	It("tell of a withdrawal", func() {
		ready := after(nil, publishedChart())
		withdrawn := ready.DeepCopy()
		withdrawn.Status.Artifact, withdrawn.Status.Verification = nil, nil
		classify(verify.Accepted{}, rejected).apply(withdrawn)
		Expect(happened(ready, withdrawn)).To(ContainElement(HaveField("Reason", v1alpha1.ArtifactWithdrawnReason)))
	})
})

// backoff is how long a failure waits to be retried.
func backoff() time.Duration { return 20 * time.Second }
