// SPDX-License-Identifier: Apache-2.0

// Package lifecycle decides whether a chart is published, kept, held or withdrawn. It is pure: values
// go in (Facts), a value comes out (Decision), and there is no I/O, no clock and
// no client.
//
// It answers two questions, and the second never changes the answer to the first:
//
//	DecideLocal   answers: may the published chart still be served?
//	Decide        also answers: which chart does the reference name now, and is it proven?
//
// Only Decide takes an Attempt. Both go through one ordered list of rules (rules.go), from which the truth table in
// docs/architecture.md is generated. The package does not know how facts are gathered,
// or how a decision is carried out.
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
	// Object is the VerifiedChart as it was read, with its previous status. The package does not change it.
	Object *v1alpha1.VerifiedChart
	// Interval is the pause between two attempts: the spec's, or the shortest that the controller allows.
	Interval time.Duration
	// Gone reports whether the object is deleted or being deleted, or that a new object with another UID has its name.
	Gone bool
	// Policies are the names of the ClusterChartPolicies that apply, sorted.
	Policies []string
	// WarnsOfMutation reports whether the policies require a warning if a version gets another digest.
	WarnsOfMutation bool
	// Published holds the facts about the published chart; nil if none is published.
	Published *Published
	// Attempt is the result of the attempt on the requested chart; nil if there is none (yet).
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

// Chart identifies a chart: two charts are the same if every field is equal.
type Chart struct {
	// Repository is the canonical name of the repository.
	Repository string
	// Digest is the digest of the manifest.
	Digest digest.Digest
	// Name and Version are those in Chart.yaml.
	Name, Version string
}

// Published holds the facts about the published chart.
type Published struct {
	Chart
	// URL is the URL under which the chart is served now.
	URL string
	// File is the state of its file, Layer the digest of the right file.
	File  File
	Layer digest.Digest
	// Revoked explains why the chart is revoked, by its digest or its version; empty if it is not revoked.
	Revoked string
	// Denied explains that no ClusterChartPolicy matches the chart and that one denies such charts; empty if the chart is not denied.
	Denied string
	// SignerRevoked explains why a signer of the chart is revoked; empty if none is revoked.
	SignerRevoked string
	// Outcomes are the answers of the policies that match its repository, with the current keys, roots and time.
	Outcomes []verify.Outcome
	// OwnEnded reports whether the acceptance by the object's own policy has ended by the clock although nothing else has changed.
	OwnEnded bool
	// Accepted is the acceptance, by proof or by exception; zero unless every policy accepted.
	Accepted verify.Accepted
	// RejectedAt is when its stored signature material was first rejected; zero if it is not rejected.
	RejectedAt time.Time
	// Questioned reports whether a question to the registry about the chart ended lately, even if the registry did not answer.
	Questioned bool
	// ExceptionEnded names the exception by which the chart was published, if that is no longer in force; else empty.
	ExceptionEnded string
	// Holds reports whether every policy that applies sets onTrustLoss: Hold.
	Holds bool
	// MaxUnverifiedAge is the shortest maxUnverifiedAge of the policies; zero if no policy sets one.
	MaxUnverifiedAge time.Duration
	// Lost reports whether the registry has answered that it no longer has the digest.
	Lost bool
	// Incomplete reports whether the stored signature material lacks something that a verdict needs.
	Incomplete bool
	// Stale reports whether its signature material has to be fetched again.
	Stale bool
}

// Action is what happens to the published chart.
type Action int

// Actions, in the order of their effect.
const (
	// Keep changes nothing: the published chart, if there is one, stays published.
	Keep Action = iota
	// Publish publishes the requested chart in place of the published one.
	Publish
	// Hold keeps serving a chart that is no longer trusted.
	Hold
	// Withdraw stops serving the chart.
	Withdraw
	// Remove stops serving the chart and removes everything that belongs to the object.
	Remove
)

// String returns the name of the action.
func (a Action) String() string {
	return [...]string{"Keep", "Publish", "Hold", "Withdraw", "Remove"}[a]
}

// Serving is the state of the path of the published chart after a decision.
type Serving int

// States of the path of the published chart.
const (
	// ServeNothing drops every path: 404.
	ServeNothing Serving = iota
	// ServeAsBefore leaves an allowed path allowed. A path that this process has not allowed yet stays expected: 503.
	ServeAsBefore
	// ServeLater expects the path, until its file is there again: 503.
	ServeLater
	// Serve allows the path.
	Serve
)

// Ask lists the questions for the registry.
type Ask struct {
	// Signatures asks for signatures of the published chart, until the moment Until; zero means for the object's timeout.
	Signatures bool
	Until      time.Time
	// Bytes asks for the bytes of the published chart.
	Bytes bool
	// Reference asks for an attempt: which chart the reference names now, and whether that is trusted.
	Reference bool
}

// Decision is the result of one reconcile.
type Decision struct {
	// Action is what happens to the published chart, Rule the name of the rule that decides.
	Action Action
	Rule   string
	// Verified reports whether there was a verdict on the published chart.
	Verified bool
	// Serving is the next state of its path.
	Serving Serving
	// DropOld reports whether the previously published chart must not be served a moment longer.
	DropOld bool
	// Ends is the first moment at which the proof of the served chart ends by the clock; zero if it does not end.
	Ends time.Time
	// Status is the complete next status.
	Status v1alpha1.VerifiedChartStatus
	// Events are the events to record, in order.
	Events []Event
	// Ask lists the next questions for the registry. Only DecideLocal sets it.
	Ask Ask
	// Next is when to reconcile again.
	Next Next
}

// Undecided reports whether a chart is published without a verdict.
func (d Decision) Undecided() bool {
	return d.Action == Keep && !d.Verified && d.Status.Artifact != nil
}

// Next is when to reconcile again.
type Next struct {
	// At is the moment at which something changes only by the clock; zero if nothing does.
	At time.Time
	// Within is the longest pause, since a published chart is re-verified at least that often; zero if there is none.
	Within time.Duration
	// Interval is a pause to be jittered; zero if there is none.
	Interval time.Duration
	// Backoff requests a pause that grows with each failure in a row.
	Backoff bool
}

// DecideLocal decides by the facts that need no registry, and returns the next questions for the registry in Ask.
func DecideLocal(f Facts) Decision {
	f.Attempt = nil
	d := decide(f)
	d.Ask = ask(f, d)
	return d
}

// Decide decides by all facts, including the attempt on the requested chart.
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

// serving returns the next state of the path of the chart that is published after the decision.
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

// ask returns the questions for the registry after a local decision.
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
	if !f.Published.Questioned {
		a.Signatures, a.Until = askSignatures(f)
	}
	// While the registry is asked about a rejected chart, start no attempt: the reference usually names the same chart, and the answer
	// then also serves as the attempt. After an edit of the spec the reference usually names another chart, so the attempt starts now.
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
		// Stale material may have changed, and an exception may have become unnecessary.
		return p.Stale || !p.Accepted.Result().IsProof(), f.Now.Add(Patience)
	}
	return p.Incomplete, time.Time{}
}
