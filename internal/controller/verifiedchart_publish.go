// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/fluxcd/pkg/apis/meta"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/internal/pipeline"
	"github.com/verifiedchart/verifiedchart/internal/verify"
)

// publish puts the artifact and its proof into the status. It takes the proof
// itself, so that there is no way to publish without one.
func publish(obj *v1alpha1.VerifiedChart, artifact meta.Artifact, accepted verify.Accepted) error {
	if _, ok := accepted.Subject(); !ok {
		return &pipeline.Failure{Step: pipeline.StepPublish, Err: fmt.Errorf("artifact %s has no proof", artifact.Revision)}
	}
	obj.Status.Artifact = &artifact
	obj.Status.URL = artifact.URL
	prove(obj, accepted)
	return nil
}

// prove puts into the status what the published artifact was accepted by.
func prove(obj *v1alpha1.VerifiedChart, accepted verify.Accepted) {
	subject, _ := accepted.Subject()
	obj.Status.Verification = proof(obj.Status.Verification, subject, accepted.Evidence())
	if accepted.Evidence().IsProof() {
		remember(obj, subject)
	}
}

// proof is the status of what was accepted. The time is that of the proof
// before where nothing but the time differs.
func proof(before *v1alpha1.VerificationStatus, s verify.Subject, e verify.Evidence) *v1alpha1.VerificationStatus {
	now := &v1alpha1.VerificationStatus{Repository: s.Repository, Digest: s.Manifest.Digest.String(), VerifiedAt: metav1.Now()}
	var signers []string
	for _, v := range e.Vouchers {
		signers = append(signers, v.Signer)
		now.Authorities = append(now.Authorities, v1alpha1.AuthorityStatus{
			Policy: v.Policy, Name: v.Authority, Provider: v.Provider, Signer: v.Signer, Issuer: v.Issuer, Subject: v.Subject, Key: v.Key,
			UserID: v.UserID, SigningKey: v.SigningKey, Format: v.Format, Source: v.Source,
			SignedAt: timestamp(v.Time), ClaimedAt: timestamp(v.ClaimedTime), LogIndex: v.LogIndex, SkippedKeys: v.SkippedKeys,
		})
	}
	now.Signers = strings.Join(signers, ",")
	for _, x := range e.Exceptions {
		now.Exceptions = append(now.Exceptions, v1alpha1.ExceptionStatus{Policy: x.Policy, Rule: string(x.Rule), Reason: x.Reason, Until: timestamp(x.Until)})
	}
	if before != nil {
		same := before.DeepCopy()
		same.VerifiedAt = now.VerifiedAt
		if equality.Semantic.DeepEqual(same, now) {
			return before
		}
	}
	return now
}

// timestamp is a time as the API server keeps it; nil where there is none.
func timestamp(t time.Time) *metav1.Time {
	if t.IsZero() {
		return nil
	}
	return &metav1.Time{Time: t.UTC().Truncate(time.Second)}
}

// withdraw ends the publication: nothing of the object is served any more. What was
// published is kept aside, in case that it is proven again.
func (r *VerifiedChartReconciler) withdraw(obj *v1alpha1.VerifiedChart) error {
	published := obj.Status.Artifact
	r.stopServing(obj)
	if published == nil {
		// A file may be there whose artifact never came into the status.
		return stored(r.Storage.Clear(obj))
	}
	return stored(r.Storage.Retire(obj, *published))
}

// removeOlder removes what was published before: nothing names it any more, and
// nobody judges it, unless the ExternalArtifact could not be brought in line.
func (r *VerifiedChartReconciler) removeOlder(ctx context.Context, obj *v1alpha1.VerifiedChart, announced error) error {
	if obj.Status.Artifact == nil || unannounced(announced) {
		return nil
	}
	return stored(r.Storage.KeepOnly(ctx, *obj.Status.Artifact))
}

// remove ends the publication for good.
func (r *VerifiedChartReconciler) remove(obj *v1alpha1.VerifiedChart) error {
	r.stopServing(obj)
	return stored(r.Storage.RemoveAll(obj))
}

// stopServing takes what was published out of the status and from the server.
func (r *VerifiedChartReconciler) stopServing(obj *v1alpha1.VerifiedChart) {
	one := r.Storage.NewArtifact(obj, "", "one.tgz") // files of one object are in one folder
	r.Served.Revoke(&one)
	forget(obj)
}
