// SPDX-License-Identifier: Apache-2.0

// Package lifecycle decides what becomes of a published chart. It is pure: values
// go in (Facts), a value comes out (Decision), and there is no I/O, no clock and
// no client.
//
// Two questions are asked, and the second never changes the answer to the first:
//
//	DecideLocal   may the published chart still be served?  local facts alone
//	Decide        what does the reference name now?         with an Attempt
//
// Both go through one ordered list of rules (rules.go), from which the truth table in
// docs/architecture.md is generated. The package does not know how facts are gathered
// nor how a decision is carried out.
package lifecycle

import (
	"time"

	"github.com/opencontainers/go-digest"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/internal/verify"
)

// Facts are the values that one reconcile gathered about one VerifiedChart.
type Facts struct {
	// Now is the moment of the decision.
	Now time.Time
	// Object is the VerifiedChart as it was read, with its previous status. It is not changed.
	Object *v1alpha1.VerifiedChart
	// Interval between two attempts: that of the spec, or the shortest that the controller allows.
	Interval time.Duration
	// Gone reports that the object is deleted or being deleted, or that a new object with another UID has its name.
	Gone bool
	// Policies are the names of the ClusterChartPolicies that apply, sorted.
	Policies []string
	// WarnsOfMutation reports that the policies ask for a warning if a version gets another digest.
	WarnsOfMutation bool
	// Published is what is known of the published chart; nil if none is published.
	Published *Published
	// Attempt is what came of the requested chart; nil if that is not known (yet).
	Attempt *Attempt
}

// File is the state of the published chart's file.
type File int

// States of a file.
const (
	// FileLost means that the file is missing, or is not the archive of the verified manifest.
	FileLost File = iota
	// FileUnknown means that the disk, or the manifest, cannot be read now.
	FileUnknown
	// FileRight means that the file has the digest that the verified manifest gives.
	FileRight
)

// Chart identifies a chart: two are the same if every field is equal.
type Chart struct {
	// Repository is the canonical name of the repository.
	Repository string
	// Digest of the manifest.
	Digest digest.Digest
	// Name and Version in Chart.yaml.
	Name, Version string
}

// Published is what is known of the published chart.
type Published struct {
	Chart
	// URL under which it is served now.
	URL string
	// File is the state of its file, Layer the digest that the file has if it is right.
	File  File
	Layer digest.Digest
	// Revoked says why the chart is revoked, by its digest or its version; empty if it is not.
	Revoked string
	// Denied says that no ClusterChartPolicy matches the chart and that one denies such charts; empty if none does.
	Denied string
	// SignerRevoked says why a signer on whom the proof rests is revoked; empty if none is.
	SignerRevoked string
	// Outcomes are the answers of the policies of its repository, by today's keys, roots and time.
	Outcomes []verify.Outcome
	// OwnEnded reports that the acceptance by the object's own policy ended by the clock, and by nothing else.
	OwnEnded bool
	// Accepted is the proof, if every policy accepted.
	Accepted verify.Accepted
	// RejectedAt is when its stored signature material was first rejected; zero if it is not.
	RejectedAt time.Time
	// Asked reports that the registry was asked for other signatures since then, and has answered.
	Asked bool
	// ExceptionEnded names the exception by which it was published and that is no longer in force; empty if there is none.
	ExceptionEnded string
	// Holds reports that every policy that applies says onTrustLoss: Hold.
	Holds bool
	// MaxUnverifiedAge is the shortest that a policy sets; zero if none does.
	MaxUnverifiedAge time.Duration
	// Lost reports that the registry answered that it no longer has the digest.
	Lost bool
	// Incomplete reports that the stored signature material does not hold what a verdict needs.
	Incomplete bool
	// Stale reports that its signature material is due to be fetched again.
	Stale bool
}

// Action is what becomes of the published chart.
type Action int

// Actions, from the one that changes nothing.
const (
	// Keep leaves the published chart, or that none is published, as it is.
	Keep Action = iota
	// Publish publishes the requested chart in place of the published one.
	Publish
	// Hold goes on serving a chart that is no longer trusted.
	Hold
	// Withdraw ends the serving.
	Withdraw
	// Remove ends the serving and removes everything of the object.
	Remove
)

// String is the name of the action.
func (a Action) String() string {
	return [...]string{"Keep", "Publish", "Hold", "Withdraw", "Remove"}[a]
}

// Serving is the state of the path of the published chart after a decision.
type Serving int

// States of the path of the published chart.
const (
	// ServeNothing drops every path: 404.
	ServeNothing Serving = iota
	// ServeAsBefore leaves an allowed path allowed. One that this process has not allowed yet stays expected: 503.
	ServeAsBefore
	// ServeLater expects the path, until its file is there again: 503.
	ServeLater
	// Serve allows the path.
	Serve
)

// Ask is what the registry should be asked for next.
type Ask struct {
	// Signatures of the published chart, until the moment Until; zero means for as long as the object's timeout.
	Signatures bool
	Until      time.Time
	// Bytes of the published chart.
	Bytes bool
	// Reference: what it names now, and whether that is trusted.
	Reference bool
}

// Decision is what one reconcile comes to.
type Decision struct {
	// Action is what becomes of the published chart, Rule the name of the rule that says so.
	Action Action
	Rule   string
	// Verified reports that there was a verdict on the published chart.
	Verified bool
	// Serving is what becomes of its path.
	Serving Serving
	// DropOld reports that the chart that was published before must not be served for a moment longer.
	DropOld bool
	// Ends is the first moment at which the proof of what is served ends by the clock; zero if it does not.
	Ends time.Time
	// Status is the complete next status.
	Status v1alpha1.VerifiedChartStatus
	// Events are what happened, in order.
	Events []Event
	// Ask is what the registry should be asked for next. It is set by DecideLocal alone.
	Ask Ask
	// Next is when to reconcile again.
	Next Next
}

// Undecided reports whether there is a published chart on which there was no verdict.
func (d Decision) Undecided() bool {
	return d.Action == Keep && !d.Verified && d.Status.Artifact != nil
}

// Next is when to reconcile again.
type Next struct {
	// At is the moment at which something changes by the clock alone; zero if nothing does.
	At time.Time
	// Within is the longest pause, since a published chart is verified again at least that often; zero if there is none.
	Within time.Duration
	// Interval is a pause to be jittered; zero if there is none.
	Interval time.Duration
	// Backoff asks for a pause that grows with each failure in a row.
	Backoff bool
}

// DecideLocal decides by what needs no registry, and says what the registry should be asked for next.
func DecideLocal(f Facts) Decision {
	f.Attempt = nil
	d := decide(f)
	d.Ask = ask(f, d)
	return d
}

// Decide decides by everything, with what came of the requested chart.
func Decide(f Facts) Decision { return decide(f) }

func decide(f Facts) Decision {
	r := ruleFor(f)
	d := Decision{Action: r.action, Rule: r.name, Verified: r.verified}
	d.Serving = serving(f, r)
	if d.Action == Remove {
		return d
	}
	r.report = reportOf(f, r)
	d.Status = nextStatus(f, r)
	d.DropOld = d.Action == Publish && f.Published != nil && f.verdict() == rejected
	d.Events = events(f, d, r.report)
	d.Ends = proofEnds(f, d)
	d.Next = nextTime(f, d, r.report)
	return d
}

// serving is what becomes of the path of the chart that is published after the decision.
func serving(f Facts, r decided) Serving {
	switch {
	case r.action == Withdraw, r.action == Remove, r.action == Keep && f.Published == nil:
		return ServeNothing
	case r.action == Publish:
		return Serve
	case f.Published.File == FileLost:
		return ServeLater
	case r.pending, f.Published.File == FileUnknown:
		return ServeAsBefore
	}
	return Serve
}

// ask is what the registry should be asked for after a local decision.
func ask(f Facts, d Decision) Ask {
	var a Ask
	if d.Action == Remove {
		return a
	}
	a.Reference = !f.Object.Spec.Suspend
	if f.Published == nil || d.Action == Withdraw {
		return a
	}
	a.Bytes = f.Published.File != FileRight && d.Action == Keep
	if !f.Published.Asked {
		a.Signatures, a.Until = askSignatures(f)
	}
	// The answer to the question about a rejected chart is most of an attempt. Only after an edit of the spec does the reference
	// name another chart more often than the same one.
	if a.Signatures && f.awaited() && !f.edited() {
		a.Reference = false
	}
	return a
}

// askSignatures reports whether the registry should be asked for signatures of the published chart, and until when.
func askSignatures(f Facts) (ask bool, until time.Time) {
	p := f.Published
	switch f.verdict() {
	case rejected:
		return true, p.RejectedAt.Add(Patience)
	case trusted:
		// What is stale may have changed, and an exception may have become unnecessary.
		return p.Stale || !p.Accepted.Result().IsProof(), f.Now.Add(Patience)
	}
	return p.Incomplete, time.Time{}
}
