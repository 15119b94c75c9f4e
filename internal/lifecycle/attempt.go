// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"time"

	"github.com/fluxcd/pkg/apis/meta"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/internal/verify"
)

// Attempt is the result of an attempt on the requested chart.
type Attempt struct {
	// Chart is the chart that the reference named. Fields that the attempt did not find out are empty.
	Chart Chart
	// Tag is the tag that was resolved; empty for a digest.
	Tag string
	// Outcomes are the answers of the policies; empty if the attempt failed before them.
	Outcomes []verify.Outcome
	// Accepted is the acceptance, by proof or by exception; zero unless every policy accepted.
	Accepted verify.Accepted
	// Observed are the signers that were found on the chart.
	Observed []v1alpha1.ObservedSigner
	// Artifact is the artifact of the staged chart that replaces the published one; nil if there is none. The caller stores it if the
	// decision is Publish.
	Artifact *meta.Artifact
	// Failure explains why the requested chart is not published; nil if it is published or about to be.
	Failure *Failure
}

// Failure explains why a requested chart is not published.
type Failure struct {
	// Condition is the condition that becomes True; empty if only Ready changes.
	Condition string
	// Reason is the reason of Ready=False.
	Reason string
	// Brief is one clause for Ready: object and fault. Message adds the details and the fix.
	Brief, Message string
	// Kind determines what follows.
	Kind Kind
	// RetryAfter is the pause that a registry requested; zero if it requested none.
	RetryAfter time.Duration
}

// Kind determines what follows from a failure.
type Kind int

// Kinds of failures.
const (
	// Passing failures are tried again soon, with backoff.
	Passing Kind = iota
	// Rejecting failures reject the requested chart until the interval is over.
	Rejecting
	// Final failures are not tried again until the spec, or an object that the spec names, changes.
	Final
	// Unavailable failures are tried again like Passing ones: trust material is missing, so there is no verdict.
	Unavailable
	// Malformed failures are final: trust material cannot be used, so there is no verdict.
	Malformed
)

// rejected reports whether a policy rejected the requested chart.
func (a *Attempt) rejected() bool { return a != nil && verdictOf(a.Outcomes) == rejected }

// begins returns the first moment at which a signature that is too young now becomes valid; zero if there is none.
func (a *Attempt) begins() (first time.Time) {
	if a == nil {
		return first
	}
	for _, o := range a.Outcomes {
		first = sooner(first, o.Begins)
	}
	return first
}

// sooner returns the earlier of two moments. A zero moment is ignored.
func sooner(a, b time.Time) time.Time {
	if a.IsZero() || (!b.IsZero() && b.Before(a)) {
		return b
	}
	return a
}
