// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"time"

	"github.com/verifiedchart/verifiedchart/internal/verify"
)

// Patience is how long the registry may take to return another signature after the stored
// signatures are rejected.
const Patience = 3 * time.Second

// rule determines the action if it applies and no earlier rule does.
type rule struct {
	name    string
	applies func(Facts) bool
	action  Action
	// verified: the rule is a verdict on the published chart.
	verified bool
	// pending: the verdict is not final yet; until it is, the path stays as it is.
	pending bool
	// absent: no chart is published. Only the truth table reads it.
	absent bool
}

// rules are tried in order. The first rule that applies decides.
var rules = []rule{
	{name: "the object is gone", applies: func(f Facts) bool { return f.Gone }, action: Remove},
	{name: "the chart is revoked", applies: Facts.revoked, action: Withdraw, verified: true},
	{name: "no policy matches, and one denies that", applies: Facts.denied, action: Withdraw, verified: true},
	{name: "the requested chart is verified and stored", applies: Facts.stored, action: Publish, verified: true},
	{name: "nothing is published", applies: func(f Facts) bool { return f.Published == nil }, action: Keep, absent: true},
	{name: "the file is lost, and the registry no longer has the chart", applies: Facts.lost, action: Withdraw},
	{name: "the chart is trusted", applies: func(f Facts) bool { return f.verdict() == trusted }, action: Keep, verified: true},
	{name: "the chart is rejected, and the registry may still show another signature", applies: Facts.awaited, action: Keep, pending: true},
	{name: "the chart is rejected, and its signer is revoked", applies: Facts.rejectedByRevocation, action: Withdraw, verified: true},
	{name: "the chart is rejected, its file is there, and every policy holds", applies: Facts.held, action: Hold, verified: true},
	{name: "the chart is rejected", applies: func(f Facts) bool { return f.verdict() == rejected }, action: Withdraw, verified: true},
	{name: "there was no verdict for longer than maxUnverifiedAge", applies: Facts.expired, action: Withdraw},
	{name: "there is no verdict", applies: func(Facts) bool { return true }, action: Keep},
}

// decided is the rule that decides, and the report about the requested chart.
type decided struct {
	rule
	report report
}

// ruleFor returns the first rule that applies; the last one always does.
func ruleFor(f Facts) decided {
	for _, r := range rules {
		if r.applies(f) {
			return decided{rule: r}
		}
	}
	panic("the last rule applies always")
}

// verdict is the verdict on a chart.
type verdict int

const (
	unknown verdict = iota
	trusted
	rejected
)

// verdict returns the verdict on the published chart. An attempt on the same chart overrides the
// stored material. A chart without a verdict is rejected if its exception or Hold has ended, or if
// its signer is revoked.
func (f Facts) verdict() verdict {
	p := f.Published
	if p == nil {
		return unknown
	}
	v := verdictOf(f.counting(p.Outcomes))
	if f.attemptConcernsPublished() {
		if a := verdictOf(f.Attempt.Outcomes); a != unknown {
			v = a
		}
	}
	unproven := p.SignerRevoked != "" || p.ExceptionEnded != "" || f.holdEnded()
	if v == unknown && unproven {
		return rejected
	}
	return v
}

// counting returns the answers of the policies with their effect. While the object is suspended, its own policy rejects nothing,
// unless its acceptance has ended by the clock. ClusterChartPolicies, revocations and deadlines stay in force.
func (f Facts) counting(outcomes []verify.Outcome) []verify.Outcome {
	if !f.Object.Spec.Suspend || f.Published.OwnEnded {
		return outcomes
	}
	counting := make([]verify.Outcome, 0, len(outcomes))
	for _, o := range outcomes {
		if o.Policy == "" && o.Verdict == verify.VerdictRejected {
			o.Verdict = verify.VerdictUndecided
		}
		counting = append(counting, o)
	}
	return counting
}

// verdictOf returns the verdict of all policies together: one rejection is enough to reject, and without
// policies nothing is accepted.
func verdictOf(outcomes []verify.Outcome) verdict {
	v := trusted
	for _, o := range outcomes {
		switch o.Verdict {
		case verify.VerdictRejected:
			return rejected
		case verify.VerdictAccepted:
		default:
			v = unknown
		}
	}
	if len(outcomes) == 0 {
		return unknown
	}
	return v
}

// attemptConcernsPublished reports whether there is an attempt, and its chart is the published one.
func (f Facts) attemptConcernsPublished() bool {
	return f.Attempt != nil && f.Published != nil && f.Attempt.Chart == f.Published.Chart
}

func (f Facts) revoked() bool { return f.Published != nil && f.Published.Revoked != "" }

func (f Facts) denied() bool { return f.Published != nil && f.Published.Denied != "" }

// stored reports whether the requested chart is verified and ready to be published.
func (f Facts) stored() bool {
	if f.Attempt == nil || f.Attempt.Artifact == nil {
		return false
	}
	_, accepted := f.Attempt.Accepted.Subject()
	return accepted
}

// Rejected reports whether the published chart is rejected by the current facts.
func (f Facts) Rejected() bool { return f.verdict() == rejected }

// lost reports whether neither the disk nor the registry has the published chart.
func (f Facts) lost() bool {
	return f.Published.Lost && f.Published.File == FileLost
}

// holdEnded reports whether the chart was held, and no longer may be.
func (f Facts) holdEnded() bool { return f.Object.Status.HeldSince != nil && !f.Published.Holds }

// awaited reports whether a rejected chart keeps its path, because Patience is not over and one of
// these two may still prove or replace the chart:
//
//   - the question to the registry, which has not ended;
//   - the attempt after an edit of the spec, which has not ended. It counts only if no
//     ClusterChartPolicy rejects the chart and no signer is revoked.
func (f Facts) awaited() bool {
	p := f.Published
	if f.verdict() != rejected || f.attemptConcernsPublished() {
		return false
	}
	if !f.Now.Before(p.RejectedAt.Add(Patience)) {
		return false
	}
	return !p.Questioned || (f.edited() && f.Attempt == nil && !f.Object.Spec.Suspend && p.SignerRevoked == "" && onlyOwnRejects(p.Outcomes))
}

// edited reports whether the spec was edited since the last decision.
func (f Facts) edited() bool { return f.Object.Generation != f.Object.Status.ObservedGeneration }

// onlyOwnRejects reports whether no ClusterChartPolicy rejects.
func onlyOwnRejects(outcomes []verify.Outcome) bool {
	for _, o := range outcomes {
		if o.Verdict == verify.VerdictRejected && o.Policy != "" {
			return false
		}
	}
	return true
}

func (f Facts) rejectedByRevocation() bool {
	return f.verdict() == rejected && f.Published.SignerRevoked != ""
}

// held reports whether a rejected chart stays served. A chart whose file is lost cannot be held.
func (f Facts) held() bool {
	return f.verdict() == rejected && f.Published.Holds && f.Published.File != FileLost
}

// expired reports whether there was no verdict for longer than a policy allows.
func (f Facts) expired() bool {
	end := f.unverifiedDeadline()
	return !end.IsZero() && !f.Now.Before(end)
}

// unverifiedDeadline returns when maxUnverifiedAge withdraws a chart without a verdict; zero if no policy sets one.
func (f Facts) unverifiedDeadline() time.Time {
	if f.Published == nil || f.Published.MaxUnverifiedAge == 0 {
		return time.Time{}
	}
	since := f.Now
	if s := f.Object.Status.UnverifiedSince; s != nil {
		since = s.Time
	}
	return since.Add(f.Published.MaxUnverifiedAge)
}
