// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"time"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/internal/verify"
)

// maxPause is how long a published chart is served at most without being re-verified,
// even if the interval is longer.
const maxPause = time.Hour

// nextTime returns when to reconcile again: at the first moment at which something changes only by the
// clock, and otherwise when the interval is over, or soon if a failure may pass.
func nextTime(f Facts, d Decision, r report) Next {
	n := afterAttempt(f, d, r)
	n.At = sooner(n.At, deadline(f, d))
	// A running attempt requeues the object when it is over. Within is a safeguard in case it does not.
	if d.Status.Artifact != nil || (f.Attempt == nil && !f.Object.Spec.Suspend) {
		n.Within = min(maxPause, max(f.Interval, time.Second))
	}
	return n
}

// afterAttempt returns when to make the next attempt.
func afterAttempt(f Facts, d Decision, r report) Next {
	switch {
	case f.Attempt == nil:
		return Next{Backoff: f.Object.Spec.Suspend && isWaiting(f, d)}
	case r.reason == "", r.settled:
		return Next{Interval: f.Interval}
	case r.stalled:
		return Next{}
	case f.Attempt.Failure == nil: // withdrawn, with another chart to publish
		return Next{At: f.Now}
	case f.Attempt.Failure.RetryAfter > 0:
		return Next{At: f.Now.Add(f.Attempt.Failure.RetryAfter)}
	}
	return Next{Backoff: true}
}

// isWaiting reports whether a published chart waits for its file or for a verdict.
func isWaiting(f Facts, d Decision) bool {
	return f.Published != nil && (f.Published.File != FileRight || d.Undecided())
}

// deadline returns the first moment at which something changes only by the clock; zero if nothing does.
func deadline(f Facts, d Decision) (at time.Time) {
	at = sooner(f.Attempt.begins(), d.Ends)
	if d.Status.Artifact == nil || f.Published == nil || d.Action == Publish {
		return at
	}
	if f.verdict() == rejected && d.Action == Keep {
		at = sooner(at, f.Published.RejectedAt.Add(Patience))
	}
	if d.Status.UnverifiedSince != nil && f.Published.MaxUnverifiedAge > 0 {
		at = sooner(at, d.Status.UnverifiedSince.Add(f.Published.MaxUnverifiedAge))
	}
	return at
}

// proofEnds returns when the proof of the chart that is published after the decision ends by the clock, or the exception by which
// it is published; zero if neither ends.
func proofEnds(f Facts, d Decision) (at time.Time) {
	if d.Status.Artifact == nil {
		return at
	}
	for _, o := range currentOutcomes(f, d) {
		at = sooner(at, o.Ends)
	}
	return sooner(at, endOfException(d.Status.Verification, f.Now))
}

// endOfException returns when the first exception by which a chart is published ends; zero if none will.
func endOfException(v *v1alpha1.VerificationStatus, now time.Time) (at time.Time) {
	if v == nil {
		return at
	}
	for _, x := range v.Exceptions {
		if x.Until != nil && now.Before(x.Until.Time) {
			at = sooner(at, x.Until.Time)
		}
	}
	return at
}

// currentOutcomes returns the answers of the policies about the chart that is published after the decision.
func currentOutcomes(f Facts, d Decision) []verify.Outcome {
	switch {
	case d.Status.Artifact == nil:
		return nil
	case d.Action == Publish, f.attemptConcernsPublished():
		return f.Attempt.Outcomes
	case f.Published != nil:
		return f.Published.Outcomes
	}
	return nil
}
