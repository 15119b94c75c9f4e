// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"errors"

	"github.com/fluxcd/pkg/apis/meta"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/internal/chart"
	"github.com/verifiedchart/verifiedchart/internal/lifecycle"
	"github.com/verifiedchart/verifiedchart/internal/material"
	"github.com/verifiedchart/verifiedchart/internal/outbound"
	"github.com/verifiedchart/verifiedchart/internal/pipeline"
	"github.com/verifiedchart/verifiedchart/internal/printable"
	"github.com/verifiedchart/verifiedchart/internal/problem"
	"github.com/verifiedchart/verifiedchart/internal/registry"
	"github.com/verifiedchart/verifiedchart/internal/storage"
	"github.com/verifiedchart/verifiedchart/internal/verify"
)

// maxMessage bounds the message of a failure, in bytes.
const maxMessage = 4096

// refusal is an error about the spec, or about an object that the spec names, not about a chart.
type refusal struct {
	condition, reason string
	kind              lifecycle.Kind
	err               error
}

func (r *refusal) Error() string { return r.err.Error() }
func (r *refusal) Unwrap() error { return r.err }

// classify turns the error of an attempt into a failure, which holds the texts of the error but not the error. It returns nil for nil.
func classify(err error) *lifecycle.Failure {
	if err == nil {
		return nil
	}
	f := &lifecycle.Failure{Reason: meta.FailedReason, Brief: problem.Brief(err), Message: printable.String(err.Error(), maxMessage)}
	var limited *outbound.RateLimitedError
	if errors.As(err, &limited) {
		f.RetryAfter = limited.RetryAfter
	}
	var refused *refusal
	var credentials *material.Fault
	var failure *pipeline.Failure
	switch {
	case errors.As(err, &refused):
		f.Condition, f.Reason, f.Kind = refused.condition, refused.reason, refused.kind
	case errors.As(err, &credentials):
		f.Condition, f.Reason = v1alpha1.FetchFailedCondition, credentials.Reason
		if credentials.Final {
			f.Kind = lifecycle.Final
		}
	case errors.Is(err, registry.ErrURL):
		f.Condition, f.Reason, f.Kind = v1alpha1.FetchFailedCondition, v1alpha1.URLInvalidReason, lifecycle.Final
	case errors.Is(err, errTaken):
		f.Reason, f.Kind = v1alpha1.NameTakenReason, lifecycle.Final
	case errors.Is(err, errCrowdedOut):
		f.Condition, f.Reason = v1alpha1.FetchFailedCondition, v1alpha1.OCIPullFailedReason
	case errors.As(err, &failure):
		ofStep(f, failure)
	}
	return f
}

// storageFailure returns the failure of an operation on the disk.
func storageFailure(err error) *lifecycle.Failure {
	return classify(&pipeline.Failure{Step: pipeline.StepStore, Err: err})
}

// ofStep sets the condition, reason and kind of the failure of one step of the pipeline.
func ofStep(f *lifecycle.Failure, failure *pipeline.Failure) {
	if errors.Is(failure.Err, storage.ErrStorage) {
		f.Condition, f.Reason = v1alpha1.StorageOperationFailedCondition, v1alpha1.ArchiveOperationFailedReason
		return
	}
	switch failure.Step {
	case pipeline.StepResolve, pipeline.StepFetch:
		ofRegistry(f, failure.Err)
	case pipeline.StepManifest:
		f.Condition, f.Reason, f.Kind = v1alpha1.FetchFailedCondition, v1alpha1.OCILayerOperationFailedReason, lifecycle.Rejecting
		if errors.Is(failure.Err, registry.ErrIntegrity) {
			f.Reason, f.Kind = v1alpha1.OCIPullFailedReason, lifecycle.Passing
		}
	case pipeline.StepVerify:
		ofVerify(f, failure.Err)
	case pipeline.StepValidate:
		ofChart(f, failure.Err)
	}
}

func ofChart(f *lifecycle.Failure, err error) {
	f.Condition, f.Reason = v1alpha1.BuildFailedCondition, v1alpha1.ChartInvalidReason
	switch {
	case errors.Is(err, chart.ErrMismatch):
		f.Reason, f.Kind = v1alpha1.ChartMismatchReason, lifecycle.Rejecting
	case errors.Is(err, chart.ErrInvalid):
		f.Kind = lifecycle.Rejecting
	}
}

func ofRegistry(f *lifecycle.Failure, err error) {
	f.Condition, f.Reason = v1alpha1.FetchFailedCondition, v1alpha1.OCIPullFailedReason
	switch {
	case errors.Is(err, registry.ErrUnauthorized), errors.Is(err, outbound.ErrProxyPassword):
		f.Reason = v1alpha1.AuthenticationFailedReason
	case errors.Is(err, pipeline.ErrReference):
		f.Reason, f.Kind = v1alpha1.ReferenceInvalidReason, lifecycle.Final
	}
}

func ofVerify(f *lifecycle.Failure, err error) {
	switch {
	case errors.Is(err, verify.ErrRejected):
		f.Reason, f.Kind = v1alpha1.VerificationErrorReason, lifecycle.Rejecting
	case errors.Is(err, verify.ErrTrustMalformed):
		f.Reason, f.Kind = v1alpha1.TrustUnavailableReason, lifecycle.Malformed
	case errors.Is(err, verify.ErrTrustUnavailable):
		f.Reason, f.Kind = v1alpha1.TrustUnavailableReason, lifecycle.Unavailable
	default:
		ofRegistry(f, err)
	}
}
