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
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/internal/outbound"
	"github.com/verifiedchart/verifiedchart/internal/printable"
	"github.com/verifiedchart/verifiedchart/internal/verify"
)

// maxMessage bounds a condition's message and an event's, in bytes.
const maxMessage = 4096

// negative are the conditions that are True while something is wrong, the most telling first.
var negative = []string{
	v1alpha1.StorageOperationFailedCondition,
	v1alpha1.FetchFailedCondition,
	v1alpha1.BuildFailedCondition,
	meta.StalledCondition,
	meta.ReconcilingCondition,
}

// conclude writes what a reconcile came to: the ExternalArtifact, the status in
// one patch and none where nothing changed, and the events.
func (r *VerifiedChartReconciler) conclude(ctx context.Context, before, obj *v1alpha1.VerifiedChart, found findings, err error) (ctrl.Result, error) {
	announced := r.announce(ctx, obj)
	if announced != nil {
		err = errors.Join(err, announced)
	}
	r.Served.Admit(obj.Status.Artifact)
	o := classify(found.accepted, err)
	o.due = found.due
	if found.unfinished || unannounced(announced) {
		o.settled, o.stalled = false, false
	}
	o.apply(obj)
	if token, ok := meta.ReconcileAnnotationValue(obj.Annotations); ok && !found.unfinished {
		obj.Status.SetLastHandledReconcileRequest(token)
	}
	r.RecordReadiness(ctx, obj)
	if err := r.writeStatus(ctx, before, obj); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	r.Verifications.record(before, obj, found)
	r.emit(ctx, before, obj, found)
	if err := r.removeOlder(ctx, obj, announced); err != nil {
		return ctrl.Result{}, err
	}
	request := ctrl.Request{NamespacedName: client.ObjectKeyFromObject(obj)}
	if o.err == nil || o.settled || o.stalled {
		r.retries.Forget(request)
	}
	return o.result(ctx, obj, func() time.Duration { return r.retries.When(request) })
}

// writeStatus writes what differs of the status from before.
func (r *VerifiedChartReconciler) writeStatus(ctx context.Context, before, obj *v1alpha1.VerifiedChart) error {
	before.Finalizers, before.ResourceVersion = obj.Finalizers, obj.ResourceVersion
	if equality.Semantic.DeepEqual(before.Status, obj.Status) {
		return nil
	}
	patch := client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})
	return r.Status().Patch(ctx, obj.DeepCopy(), patch, client.FieldOwner(r.Name))
}

// outcome is what a reconcile came to, in the terms of the status.
type outcome struct {
	// condition that is True because of it, or empty.
	condition string
	// reason and message of Ready=False; the message is empty for success.
	reason, message string
	// verified is what SourceVerified is because of it; empty leaves it as it was.
	verified metav1.ConditionStatus
	// verifiedReason and verifiedMessage are those of SourceVerified, but for the message of a proof.
	verifiedReason, verifiedMessage string
	// seen are the signers that were seen on the way to a verdict.
	seen []verify.Candidate
	// stalled: nothing will change until the spec or a Secret does.
	stalled bool
	// settled: the spec was dealt with; no retry before the interval is over.
	settled bool
	// due is when something changes by the clock alone; zero where nothing does.
	due time.Time
	// accepted is the proof that SourceVerified=True tells of.
	accepted verify.Accepted
	err      error
}

// apply turns the outcome into conditions; it keeps what it does not speak of.
func (o outcome) apply(obj *v1alpha1.VerifiedChart) {
	for _, t := range negative {
		if t != o.condition {
			conditions.Delete(obj, t)
		}
	}
	o.applyVerified(obj)
	if obj.Status.Artifact != nil {
		conditions.MarkTrue(obj, v1alpha1.ArtifactInStorageCondition, meta.SucceededReason, "%s", "stored artifact of revision "+obj.Status.Artifact.Revision)
	} else {
		conditions.Delete(obj, v1alpha1.ArtifactInStorageCondition)
	}
	if o.err == nil {
		conditions.MarkTrue(obj, meta.ReadyCondition, meta.SucceededReason, "%s", readyMessage(obj))
		obj.Status.ObservedGeneration = obj.Generation
		return
	}
	if o.condition != "" {
		conditions.MarkTrue(obj, o.condition, o.reason, "%s", o.message)
	}
	switch {
	case o.stalled:
		conditions.MarkStalled(obj, o.reason, "%s", o.message)
	case !o.settled:
		conditions.MarkReconciling(obj, o.reason, "%s", o.message)
	}
	conditions.MarkFalse(obj, meta.ReadyCondition, o.reason, "%s", o.message)
	if o.stalled || o.settled {
		obj.Status.ObservedGeneration = obj.Generation
	}
}

func (o outcome) applyVerified(obj *v1alpha1.VerifiedChart) {
	switch {
	case o.verified != "":
	case o.stalled:
		conditions.Delete(obj, v1alpha1.SourceVerifiedCondition)
		return
	case obj.Status.Artifact == nil && conditions.IsTrue(obj, v1alpha1.SourceVerifiedCondition):
		// It spoke of what is published no more.
		o.verified, o.verifiedReason, o.verifiedMessage = metav1.ConditionUnknown, v1alpha1.TrustUnavailableReason, o.message
	default:
		return
	}
	if o.verified != metav1.ConditionUnknown {
		obj.Status.ObservedSigners = observed(obj.Spec.Verify, o.seen)
	}
	message := o.verifiedMessage
	if o.verified == metav1.ConditionTrue {
		message = o.proofMessage(obj)
	}
	conditions.Set(obj, &metav1.Condition{Type: v1alpha1.SourceVerifiedCondition, Status: o.verified, Reason: o.verifiedReason, Message: message})
}

// result says when to come back: a failure that may pass is an error, which the
// work queue retries with backoff. Nothing is later than what is due by the clock,
// which the queue does not know of: where something is, backoff says when to retry.
func (o outcome) result(ctx context.Context, obj *v1alpha1.VerifiedChart, backoff func() time.Duration) (ctrl.Result, error) {
	var limited *outbound.RateLimitedError
	switch {
	case o.err == nil, o.settled:
		return o.soonEnough(jittered(obj)), nil
	case o.stalled:
		ctrl.LoggerFrom(ctx).Info("stalled", "reason", o.reason, "cause", o.message)
		return o.soonEnough(ctrl.Result{}), nil
	case errors.As(o.err, &limited):
		return o.soonEnough(ctrl.Result{RequeueAfter: limited.RetryAfter}), nil
	case !o.due.IsZero():
		ctrl.LoggerFrom(ctx).Info("failed", "reason", o.reason, "cause", o.message)
		return o.soonEnough(ctrl.Result{RequeueAfter: backoff()}), nil
	}
	return ctrl.Result{}, errors.New(o.message)
}

// soonEnough returns a result that comes back when something is due.
func (o outcome) soonEnough(result ctrl.Result) ctrl.Result {
	if o.due.IsZero() {
		return result
	}
	left := max(time.Until(o.due), time.Millisecond)
	if result.RequeueAfter == 0 || left < result.RequeueAfter {
		result.RequeueAfter = left
	}
	return result
}

// readyMessage says what is published, and by which rules where it is not proven.
func readyMessage(obj *v1alpha1.VerifiedChart) string {
	message := "published revision " + obj.Status.Artifact.Revision
	if v := obj.Status.Verification; v != nil && len(v.Exceptions) > 0 {
		message += ", which is not proven: " + v.Exceptions[0].Rule
	}
	return message
}

// proofMessage says what is verified, who vouched, and by which method.
func (o outcome) proofMessage(obj *v1alpha1.VerifiedChart) string {
	subject, _ := o.accepted.Subject()
	what := "manifest " + subject.Manifest.Digest.String()
	if a, v := obj.Status.Artifact, obj.Status.Verification; a != nil && v != nil && v.Digest == subject.Manifest.Digest.String() {
		what = "version " + a.Revision
	}
	var who []string
	for _, v := range o.accepted.Evidence().Vouchers {
		who = append(who, voucherMessage(v))
	}
	return printable.String(fmt.Sprintf("verified signature of %s: %s", what, strings.Join(who, ", ")), maxMessage)
}

// voucherMessage says who vouched, by which method, where that stands, and when it was signed.
func voucherMessage(v verify.Voucher) string {
	message := fmt.Sprintf("%s by %s %s", verify.AuthorityIn(v.Policy, v.Authority), v.Provider, signerMessage(v))
	if v.LogIndex != nil {
		message += fmt.Sprintf(", log index %d", *v.LogIndex)
	}
	if v.Source != "" {
		message += " at " + v.Source
	}
	switch {
	case !v.Time.IsZero():
		message += ", signed at " + v.Time.UTC().Format(time.RFC3339)
	case !v.ClaimedTime.IsZero():
		message += ", dated " + v.ClaimedTime.UTC().Format(time.RFC3339)
	}
	return message
}

// signerMessage names the key or the identity that signed.
func signerMessage(v verify.Voucher) string {
	switch {
	case v.Subject != "":
		return "identity " + v.Signer
	case v.SigningKey == "":
		return fmt.Sprintf("key %s (%s)", v.Key, v.Signer)
	case strings.HasSuffix(v.Signer, v.SigningKey):
		return fmt.Sprintf("key of %s (%s)", v.UserID, v.Signer)
	}
	return fmt.Sprintf("subkey %s of %s (%s)", v.SigningKey, v.UserID, v.Signer)
}
