package controller

import (
	"context"
	"errors"
	"fmt"

	"github.com/opencontainers/go-digest"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/internal/pipeline"
	"github.com/verifiedchart/verifiedchart/internal/verify"
)

// rejudge judges the published artifact again where the chart that was asked
// for did not take its place, and withdraws it if its proof no longer holds.
// No verdict leaves it published. The error is cause, with the verdict if there is another.
func (r *VerifiedChartReconciler) rejudge(ctx context.Context, obj *v1alpha1.VerifiedChart, in inputs, subject verify.Subject, cause error) error {
	if obj.Status.Artifact == nil || obj.Status.Verification == nil {
		return cause
	}
	if errors.Is(cause, verify.ErrRejected) && isPublished(obj, subject) {
		return errors.Join(cause, r.withdraw(obj))
	}
	verdict := r.judgePublished(ctx, obj, in)
	if !errors.Is(verdict, verify.ErrRejected) {
		return cause
	}
	return errors.Join(cause, fmt.Errorf("the published revision: %w", verdict), r.withdraw(obj))
}

// isPublished says whether the subject is what is published.
func isPublished(obj *v1alpha1.VerifiedChart, subject verify.Subject) bool {
	v := obj.Status.Verification
	return v != nil && v.Digest == subject.Manifest.Digest.String() && v.Repository == subject.Repository
}

// judgePublished asks today's policy about the published digest, where it was proven.
func (r *VerifiedChartReconciler) judgePublished(ctx context.Context, obj *v1alpha1.VerifiedChart, in inputs) error {
	published := in.wanted
	published.Repository = obj.Status.Verification.Repository
	published.Digest = digest.Digest(obj.Status.Verification.Digest)
	target := in.target
	target.Repository = published.Repository
	reader, err := r.reader(obj, target)
	if err != nil {
		return err
	}
	resolved, err := pipeline.Resolve(ctx, reader, published)
	if err != nil {
		return err
	}
	subject, err := pipeline.Manifest(published, resolved)
	if err != nil {
		return err
	}
	_, err = pipeline.Verify(ctx, in.verifier, subject, reader)
	return err
}
