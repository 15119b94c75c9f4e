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

// errHeld says of an artifact that is not trusted any more why it is served all the same.
var errHeld = errors.New("the published revision, which is not trusted any more, goes on being served, since onTrustLoss is Hold")

// errUnasked is the error where there is nobody to ask.
var errUnasked = errors.New("the registry cannot be asked")

// rejudge judges the published artifact again where the chart that was asked
// for did not take its place, and withdraws it if its proof no longer holds. It
// says whether there was a verdict; none leaves the artifact published. The error is
// cause, with the verdict if there is another.
func (r *VerifiedChartReconciler) rejudge(ctx context.Context, obj *v1alpha1.VerifiedChart, in inputs, subject verify.Subject, cause error) (judged bool, err error) {
	if obj.Status.Artifact == nil || obj.Status.Verification == nil {
		return false, cause
	}
	if errors.Is(cause, verify.ErrRejected) && isPublished(obj, subject) {
		return true, r.lose(obj, in, cause)
	}
	verdict := r.judgePublished(ctx, obj, in)
	switch {
	case errors.Is(verdict, verify.ErrRejected):
		return true, r.lose(obj, in, errors.Join(cause, fmt.Errorf("the published revision: %w", verdict)))
	case verdict != nil:
		return false, cause
	}
	return true, cause
}

// lose is what follows when the published artifact is proven not to be trusted.
func (r *VerifiedChartReconciler) lose(obj *v1alpha1.VerifiedChart, in inputs, verdict error) error {
	if in.policies.Holds() {
		return errors.Join(verdict, errHeld)
	}
	return errors.Join(verdict, r.withdraw(obj))
}

// isPublished says whether the subject is what is published.
func isPublished(obj *v1alpha1.VerifiedChart, subject verify.Subject) bool {
	v := obj.Status.Verification
	return v != nil && v.Digest == subject.Manifest.Digest.String() && v.Repository == subject.Repository
}

// judgePublished asks today's policies about the published digest, where it was
// proven. What is revoked is a verdict also where the registry is out of reach.
func (r *VerifiedChartReconciler) judgePublished(ctx context.Context, obj *v1alpha1.VerifiedChart, in inputs) error {
	v := obj.Status.Verification
	if err := in.policies.Revoked(v.Repository, digest.Digest(v.Digest), publishedMetadata(obj).Version); err != nil {
		return err
	}
	err := r.askAboutPublished(ctx, obj, in)
	if err == nil || errors.Is(err, verify.ErrRejected) {
		return err
	}
	for _, a := range v.Authorities {
		if revoked := in.policies.RevokedSigner(verify.Voucher{Signer: a.Signer, Subject: a.Subject, SigningKey: a.SigningKey}); revoked != nil {
			return revoked
		}
	}
	return err
}

func (r *VerifiedChartReconciler) askAboutPublished(ctx context.Context, obj *v1alpha1.VerifiedChart, in inputs) error {
	if in.reader == nil {
		return errUnasked
	}
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
	_, err = pipeline.Verify(ctx, in.policies, subject, reader)
	return err
}
