// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"errors"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/internal/problem"
	"github.com/verifiedchart/verifiedchart/internal/verify"
)

// report holds the values of the conditions for a decision.
type report struct {
	// silent: nothing new is known about the requested chart, so that its conditions stay.
	silent bool
	// condition is the condition that becomes True by a failure; empty if only Ready changes.
	condition string
	// reason of the failure; empty for success.
	reason string
	// brief is the clause of Ready that names the fault, or explains why the served chart is not proven. message adds details and
	// the fix.
	brief, message string
	// verified is the next status of SourceVerified; empty leaves it unchanged.
	verified                        metav1.ConditionStatus
	verifiedReason, verifiedMessage string
	// stalled: nothing will change until the spec, an object that the spec names, or the signatures change.
	stalled bool
	// settled: the attempt is complete; there is no retry until the interval is over.
	settled bool
}

// reportOf returns the report of a decision.
func reportOf(f Facts, r decided) report {
	switch {
	case r.action == Withdraw:
		return withdrawn(f, r)
	case r.action == Hold:
		return heldReport(f)
	case f.Attempt == nil:
		return report{silent: true}
	case f.Attempt.Failure == nil:
		return accepted(f.Attempt)
	}
	o := failed(f.Attempt)
	if f.Published != nil && o.verified == metav1.ConditionUnknown {
		o.verifiedMessage += fmt.Sprintf("; %s stays served until there is a verdict: to withdraw it now, revoke its digest or version", f.Published.label())
	}
	return o
}

// failed returns the report of an attempt that publishes nothing.
func failed(a *Attempt) report {
	o := report{condition: a.Failure.Condition, reason: a.Failure.Reason, brief: refusal(a), message: a.Failure.Message}
	switch a.Failure.Kind {
	case Rejecting:
		o.settled = true
	case Final:
		o.stalled = true
	case Malformed, Unavailable:
		o.stalled = a.Failure.Kind == Malformed
		o.verified, o.verifiedReason, o.verifiedMessage = metav1.ConditionUnknown, v1alpha1.TrustUnavailableReason, o.message
	}
	switch {
	case a.rejected():
		o.verified, o.verifiedReason, o.verifiedMessage = metav1.ConditionFalse, v1alpha1.VerificationErrorReason, o.message
		o.settled = true
		o.stalled = a.begins().IsZero() // a signature that is too young becomes valid later
	case verdictOf(a.Outcomes) == trusted:
		proof := accepted(a)
		o.verified, o.verifiedReason, o.verifiedMessage = proof.verified, proof.verifiedReason, proof.verifiedMessage
	}
	return o
}

// accepted returns the report of a chart that was accepted, by proof or by an exception.
func accepted(a *Attempt) report {
	result := a.Accepted.Result()
	if result.IsProof() {
		return report{verified: metav1.ConditionTrue, verifiedReason: v1alpha1.SucceededReason, verifiedMessage: proofMessage(a)}
	}
	o := report{
		verified: metav1.ConditionFalse, verifiedReason: v1alpha1.VerificationErrorReason, verifiedMessage: exceptionsMessage(result.Exceptions),
		brief: problem.Brief(result.Exceptions[0].Verdict),
	}
	for _, x := range result.Exceptions {
		switch {
		case x.Rule == verify.Exemption:
			o.verified, o.verifiedReason = metav1.ConditionFalse, v1alpha1.ExemptedReason
		case o.verifiedReason != v1alpha1.ExemptedReason && !errors.Is(x.Verdict, verify.ErrRejected):
			o.verified, o.verifiedReason = metav1.ConditionUnknown, v1alpha1.TrustUnavailableReason
		}
	}
	return o
}

// heldReport returns the report of a chart that is no longer trusted but still served.
func heldReport(f Facts) report {
	cause := causeOf(f)
	return report{
		reason:   v1alpha1.VerificationErrorReason,
		brief:    fmt.Sprintf("holding %s (onTrustLoss: Hold): %s", f.Published.label(), cause.brief),
		message:  fmt.Sprintf("holding %s (onTrustLoss: Hold), no longer trusted: %s", f.Published.label(), cause.details),
		verified: metav1.ConditionFalse, verifiedReason: v1alpha1.VerificationErrorReason, verifiedMessage: cause.details,
		stalled: f.Attempt != nil || f.Object.Spec.Suspend, settled: f.Attempt != nil || f.Object.Spec.Suspend,
	}
}

// withdrawn returns the report of a withdrawal, with the failure of the requested chart if that is known.
func withdrawn(f Facts, r decided) report {
	c := causeOf(f)
	o := report{reason: v1alpha1.VerificationErrorReason, verified: metav1.ConditionFalse, verifiedReason: v1alpha1.VerificationErrorReason}
	switch {
	case f.lost():
		o.condition, o.reason = v1alpha1.FetchFailedCondition, v1alpha1.ArtifactLostReason
		o.verified, o.verifiedReason = metav1.ConditionUnknown, v1alpha1.TrustUnavailableReason
	case !r.verified:
		c = unverified(f)
		o.reason, o.verified, o.verifiedReason = v1alpha1.TrustUnavailableReason, metav1.ConditionUnknown, v1alpha1.TrustUnavailableReason
	}
	o.verifiedMessage = c.details
	o.brief, o.message = fmt.Sprintf("withdrew %s: %s", f.Published.label(), c.brief), fmt.Sprintf("withdrew %s: %s", f.Published.label(), c.details)
	if f.Attempt == nil || f.Attempt.Failure == nil {
		o.stalled, o.settled = f.Object.Spec.Suspend, f.Object.Spec.Suspend
		return o
	}
	a := failed(f.Attempt)
	o.stalled, o.settled = a.stalled, a.settled
	if !f.attemptConcernsPublished() {
		o.addAttempt(a)
	}
	return o
}

// addAttempt adds the failure of the requested chart to the report of a withdrawal.
func (o *report) addAttempt(a report) {
	o.condition = a.condition
	o.brief += "; " + a.brief
	o.message += "; " + a.message
	if a.verified == metav1.ConditionFalse {
		o.verifiedMessage += "; " + a.verifiedMessage
	}
}

// unverified returns the cause of a withdrawal after too long a time without a verdict.
func unverified(f Facts) cause {
	since := stamp(f.Object.Status.UnverifiedSince, f.Now)
	return cause{
		brief:   fmt.Sprintf("not verified for longer than maxUnverifiedAge (%s)", f.Published.MaxUnverifiedAge),
		details: fmt.Sprintf("there was no verdict for longer than maxUnverifiedAge (%s), since %s", f.Published.MaxUnverifiedAge, since),
	}
}

func stamp(since *metav1.Time, now time.Time) string {
	if since != nil {
		now = since.Time
	}
	return now.UTC().Format(time.RFC3339)
}

// Failing returns a decision whose effects failed, with the failure in its status and a retry with backoff.
func Failing(f Facts, d Decision, failure *Failure) Decision {
	r := decided{rule: rule{action: d.Action}, report: report{
		condition: failure.Condition, reason: failure.Reason, brief: failure.Brief, message: failure.Message, stalled: failure.Kind == Final,
	}}
	if d.Action == Withdraw {
		c := causeOf(f)
		r.report.brief = fmt.Sprintf("withdrew %s: %s; %s", f.Published.label(), c.brief, failure.Brief)
		r.report.message = fmt.Sprintf("withdrew %s: %s; %s", f.Published.label(), c.details, failure.Message)
	}
	if v := find(d.Status.Conditions, v1alpha1.SourceVerifiedCondition); v != nil {
		r.report.verified, r.report.verifiedReason, r.report.verifiedMessage = v.Status, v.Reason, v.Message
	}
	observed := d.Status.ObservedGeneration
	setConditions(&d.Status, f, r)
	d.Status.ObservedGeneration = min(observed, f.Object.Status.ObservedGeneration)
	d.Events = events(f, d, r.report)
	d.Next.Interval, d.Next.Backoff = 0, true
	return d
}
