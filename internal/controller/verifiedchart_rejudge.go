// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

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
		if errors.Is(cause, verify.ErrRejected) {
			return false, errors.Join(cause, r.withdraw(obj))
		}
		return false, cause
	}
	if errors.Is(cause, verify.ErrRejected) && isPublished(obj, subject) && isAskedAsPublished(obj, subject) {
		return true, r.lose(obj, in, cause)
	}
	verdict := r.judgePublished(ctx, obj, in)
	if verdict != nil && !errors.Is(verdict, verify.ErrRejected) {
		verdict = cmp.Or(unexcepted(obj, in), unheld(obj, in), verdict)
	}
	switch {
	case errors.Is(verdict, verify.ErrRejected):
		return true, r.lose(obj, in, errors.Join(cause, fmt.Errorf("the published revision: %w", verdict)))
	case verdict != nil:
		return false, cause
	}
	return true, cause
}

// unexcepted is the verdict on what was published by a rule where that rule is no
// more. It needs no registry: no proof is known that could be asked about.
func unexcepted(obj *v1alpha1.VerifiedChart, in inputs) error {
	v := obj.Status.Verification
	for _, x := range v.Exceptions {
		if in.policies.DemandsProof(x.Policy, digest.Digest(v.Digest)) {
			return fmt.Errorf("%w: it was published by the rule %s, which is no more, and is not proven", verify.ErrRejected, x.Rule)
		}
	}
	return nil
}

// unheld is the verdict on what was held where that rule is no more: the last one
// that there was.
func unheld(obj *v1alpha1.VerifiedChart, in inputs) error {
	if obj.Status.HeldSince == nil || in.policies.Holds() {
		return nil
	}
	return fmt.Errorf("%w: when it was judged last it was not, and onTrustLoss is Hold no more", verify.ErrRejected)
}

// lose is what follows when the published artifact is proven not to be trusted. What
// is revoked is not held: that is not lost trust, but known to be bad.
func (r *VerifiedChartReconciler) lose(obj *v1alpha1.VerifiedChart, in inputs, verdict error) error {
	switch revoked := revokedChart(obj, in) != nil || revokedSigner(obj, in) != nil; {
	case revoked:
		unremember(obj)
	case in.policies.Holds():
		return errors.Join(verdict, errHeld)
	}
	return errors.Join(verdict, r.withdraw(obj))
}

// revokedChart is the verdict on what is published where it is revoked.
func revokedChart(obj *v1alpha1.VerifiedChart, in inputs) error {
	v := obj.Status.Verification
	return in.policies.Revoked(v.Repository, digest.Digest(v.Digest), publishedMetadata(obj).Version)
}

// revokedSigner is the verdict on what is published where a key is revoked on which its proof rests.
func revokedSigner(obj *v1alpha1.VerifiedChart, in inputs) error {
	for _, a := range obj.Status.Verification.Authorities {
		if err := in.policies.RevokedSigner(verify.Voucher{Signer: a.Signer, Subject: a.Subject, SigningKey: a.SigningKey}); err != nil {
			return err
		}
	}
	return nil
}

// isPublished says whether the subject is what is published.
func isPublished(obj *v1alpha1.VerifiedChart, subject verify.Subject) bool {
	v := obj.Status.Verification
	return v != nil && v.Digest == subject.Manifest.Digest.String() && v.Repository == subject.Repository
}

// isAskedAsPublished says whether what was asked for is the name and the version of
// what is published. To be refused under another, as whoever may push a tag can
// bring about, says nothing of that.
func isAskedAsPublished(obj *v1alpha1.VerifiedChart, subject verify.Subject) bool {
	published, asked := publishedMetadata(obj), subject.Chart
	sameVersion := asked.Version == "" || strings.TrimPrefix(asked.Version, "v") == strings.TrimPrefix(published.Version, "v")
	return asked.Name == published.Name && sameVersion
}

// revokedPatience is how long it is asked whether another signature is there, in
// place of one whose key is revoked.
const revokedPatience = 3 * time.Second

// dropRevoked ends the publication of what is revoked, and of what is proven by a
// revoked key and by nothing else that is found soon, before anybody is asked who may
// keep one waiting. The error is the verdict, if there is one.
func (r *VerifiedChartReconciler) dropRevoked(ctx context.Context, obj *v1alpha1.VerifiedChart, in inputs) error {
	if obj.Status.Artifact == nil || obj.Status.Verification == nil {
		return nil
	}
	verdict := revokedChart(obj, in)
	if verdict == nil && revokedSigner(obj, in) != nil {
		// To be interrupted is no answer, and must not put off the verdict for ever either.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), revokedPatience)
		defer cancel()
		if err := r.judgePublished(ctx, obj, in); errors.Is(err, verify.ErrRejected) {
			verdict = err
		}
	}
	if verdict == nil {
		return nil
	}
	return r.lose(obj, in, &pipeline.Failure{Step: pipeline.StepVerify, Err: verdict})
}

// judgePublished asks today's policies about the published digest, where it was
// proven. Where that cannot be found out, that a key is revoked on which the proof
// rested is a verdict: that proof holds no longer, and no other is known.
func (r *VerifiedChartReconciler) judgePublished(ctx context.Context, obj *v1alpha1.VerifiedChart, in inputs) error {
	err := r.askAboutPublished(ctx, obj, in)
	if err == nil || errors.Is(err, verify.ErrRejected) {
		return err
	}
	return cmp.Or(revokedSigner(obj, in), err)
}

func (r *VerifiedChartReconciler) askAboutPublished(ctx context.Context, obj *v1alpha1.VerifiedChart, in inputs) error {
	if in.reader == nil {
		return errUnasked
	}
	published := in.wanted
	published.Repository = obj.Status.Verification.Repository
	published.Digest = digest.Digest(obj.Status.Verification.Digest)
	published.Name = publishedMetadata(obj).Name
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
	accepted, err := pipeline.Verify(ctx, in.policies, subject, reader)
	if err != nil {
		return err
	}
	prove(obj, accepted)
	return nil
}
