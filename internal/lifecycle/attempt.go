// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"time"

	"github.com/fluxcd/pkg/apis/meta"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/internal/verify"
)

// Attempt is what came of the requested chart.
type Attempt struct {
	// Chart that the reference named; its fields are empty as far as the attempt did not get to know them.
	Chart Chart
	// Tag that was resolved; empty for a digest.
	Tag string
	// Outcomes are the answers of the policies; none if the attempt did not get that far.
	Outcomes []verify.Outcome
	// Accepted is the proof, if every policy accepted.
	Accepted verify.Accepted
	// Observed are the signers that were found on the chart.
	Observed []v1alpha1.ObservedSigner
	// Artifact is the stored chart that takes the place of the published one; nil if there is none to publish.
	Artifact *meta.Artifact
	// Failure says why the requested chart is not published; nil if it is, or is about to be.
	Failure *Failure
}

// Failure says why a requested chart is not published.
type Failure struct {
	// Condition that is True because of it; empty for Ready alone.
	Condition string
	// Reason of Ready=False.
	Reason string
	// Brief is one clause for Ready: object and fault. Message adds the details and the fix.
	Brief, Message string
	// Kind says what follows.
	Kind Kind
	// RetryAfter is the pause that a registry asked for; zero if it did not.
	RetryAfter time.Duration
}

// Kind says what follows from a failure.
type Kind int

// Kinds of failures.
const (
	// Passing failures are tried again soon, with backoff.
	Passing Kind = iota
	// Settled failures refuse the requested chart until the interval is over.
	Settled
	// Final failures are not tried again until the spec, or an object that it names, changes.
	Final
	// Unavailable is passing: trust material is missing, so there is no verdict.
	Unavailable
	// Malformed is final: trust material cannot be used, so there is no verdict.
	Malformed
)

// rejected reports whether a policy rejected the requested chart.
func (a *Attempt) rejected() bool { return a != nil && verdictOf(a.Outcomes) == rejected }

// begins is the first moment at which a candidate that is refused now may count.
func (a *Attempt) begins() (first time.Time) {
	if a == nil {
		return first
	}
	for _, o := range a.Outcomes {
		first = sooner(first, o.Begins)
	}
	return first
}

// sooner returns the earlier of two moments, of which zero is none.
func sooner(a, b time.Time) time.Time {
	if a.IsZero() || (!b.IsZero() && b.Before(a)) {
		return b
	}
	return a
}
