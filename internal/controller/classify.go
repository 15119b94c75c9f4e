// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/fluxcd/pkg/apis/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/internal/chart"
	"github.com/verifiedchart/verifiedchart/internal/pipeline"
	"github.com/verifiedchart/verifiedchart/internal/printable"
	"github.com/verifiedchart/verifiedchart/internal/registry"
	"github.com/verifiedchart/verifiedchart/internal/storage"
	"github.com/verifiedchart/verifiedchart/internal/verify"
)

// classify says what a reconcile comes to that accepted this, or nothing, and
// ended with err. A verdict is never taken for a failure to find out, nor the
// other way round: only an Accepted makes SourceVerified True, and only what
// matches verify.ErrRejected makes it False.
func classify(accepted verify.Accepted, err error) outcome {
	o := outcome{accepted: accepted}
	if _, ok := accepted.Subject(); ok {
		o.ofEvidence(accepted.Evidence())
	}
	if err == nil {
		return o
	}
	o.err, o.message = err, printable.String(err.Error(), maxMessage)
	var refused *refusal
	var failure *pipeline.Failure
	switch {
	case errors.As(err, &refused):
		o.condition, o.reason, o.stalled, o.settled = refused.condition, refused.reason, refused.final, refused.settled
	case errors.As(err, &failure):
		o.ofStep(failure)
	default:
		o.reason = meta.FailedReason
	}
	switch {
	case errors.Is(err, verify.ErrRejected):
		o.verified, o.verifiedReason, o.verifiedMessage = metav1.ConditionFalse, v1alpha1.VerificationErrorReason, o.message
		o.seen = verify.Seen(err)
	case errors.Is(err, errUnverified):
		o.verified = metav1.ConditionUnknown
	}
	if o.verified == metav1.ConditionUnknown && o.verifiedReason == "" {
		o.verifiedReason, o.verifiedMessage = v1alpha1.TrustUnavailableReason, o.message
	}
	return o
}

// ofEvidence says what was accepted, by proof or by an explicit rule.
func (o *outcome) ofEvidence(e verify.Evidence) {
	o.seen = e.Seen
	if e.IsProof() {
		o.verified, o.verifiedReason = metav1.ConditionTrue, v1alpha1.SucceededReason
		return
	}
	o.verified, o.verifiedReason = metav1.ConditionFalse, v1alpha1.VerificationErrorReason
	var exceptions []string
	for _, x := range e.Exceptions {
		exceptions = append(exceptions, exceptionMessage(x))
		switch {
		case x.Rule == verify.Exemption:
			o.verifiedReason = v1alpha1.ExemptedReason
		case o.verifiedReason != v1alpha1.ExemptedReason && !errors.Is(x.Verdict, verify.ErrRejected):
			o.verified, o.verifiedReason = metav1.ConditionUnknown, v1alpha1.TrustUnavailableReason
		}
	}
	o.verifiedMessage = printable.String(strings.Join(exceptions, "; "), maxMessage)
}

// exceptionMessage says by which rule something is published that is not proven.
func exceptionMessage(x verify.Exception) string {
	by := "mode: Audit"
	if x.Rule == verify.Exemption {
		by = fmt.Sprintf("an exemption until %s, %q", x.Until.UTC().Format(time.RFC3339), x.Reason)
	}
	if x.Policy != "" {
		by += " of ClusterChartPolicy " + x.Policy
	}
	return fmt.Sprintf("not proven, and published by %s: %v", by, x.Verdict)
}

// ofStep sorts the failure of one step of the pipeline.
func (o *outcome) ofStep(f *pipeline.Failure) {
	if errors.Is(f.Err, storage.ErrStorage) {
		o.condition, o.reason = v1alpha1.StorageOperationFailedCondition, v1alpha1.ArchiveOperationFailedReason
		return
	}
	switch f.Step {
	case pipeline.StepResolve, pipeline.StepFetch:
		o.ofRegistry(f.Err)
	case pipeline.StepManifest:
		o.condition, o.reason, o.settled = v1alpha1.FetchFailedCondition, v1alpha1.OCILayerOperationFailedReason, true
		if errors.Is(f.Err, registry.ErrIntegrity) {
			o.reason, o.settled = v1alpha1.OCIPullFailedReason, false
		}
	case pipeline.StepVerify:
		o.ofVerify(f.Err)
	case pipeline.StepValidate:
		o.ofChart(f.Err)
	default:
		o.reason = meta.FailedReason
	}
}

func (o *outcome) ofChart(err error) {
	o.condition, o.reason = v1alpha1.BuildFailedCondition, v1alpha1.ChartInvalidReason
	switch {
	case errors.Is(err, chart.ErrMismatch):
		o.reason, o.settled = v1alpha1.ChartMismatchReason, true
	case errors.Is(err, chart.ErrInvalid):
		o.settled = true
	}
}

func (o *outcome) ofRegistry(err error) {
	o.condition, o.reason = v1alpha1.FetchFailedCondition, v1alpha1.OCIPullFailedReason
	switch {
	case errors.Is(err, registry.ErrUnauthorized):
		o.reason = v1alpha1.AuthenticationFailedReason
	case errors.Is(err, pipeline.ErrReference):
		o.reason, o.stalled = v1alpha1.ReferenceInvalidReason, true
	}
}

func (o *outcome) ofVerify(err error) {
	switch {
	case errors.Is(err, verify.ErrRejected):
		o.reason, o.settled = v1alpha1.VerificationErrorReason, true
	case errors.Is(err, verify.ErrTrustUnavailable):
		o.reason, o.verified = v1alpha1.TrustUnavailableReason, metav1.ConditionUnknown
		o.stalled = errors.Is(err, verify.ErrTrustMalformed)
	default:
		o.ofRegistry(err)
	}
}
