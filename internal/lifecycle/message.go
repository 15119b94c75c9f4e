// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"fmt"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/internal/printable"
	"github.com/verifiedchart/verifiedchart/internal/problem"
	"github.com/verifiedchart/verifiedchart/internal/verify"
)

// shortDigest is how many hexadecimal digits of a digest Ready shows.
const shortDigest = 12

// label returns the name of a chart in messages: its version, or else a short digest.
func (c Chart) label() string {
	switch {
	case c.Version != "":
		return c.Version
	case c.Digest.Validate() == nil:
		return c.Digest.Algorithm().String() + ":" + c.Digest.Encoded()[:shortDigest]
	}
	return "the chart"
}

// label returns the name of the requested chart in messages.
func (a *Attempt) label() string {
	if a.Chart.Version == "" && a.Tag != "" {
		return a.Tag
	}
	return a.Chart.label()
}

// refusal returns the clause of Ready that explains why the requested chart is not published.
func refusal(a *Attempt) string {
	switch {
	case a.rejected():
		policy, reason := shortReason(a.Outcomes)
		if policy != "" {
			return fmt.Sprintf("%s refused by policy %s: %s", a.label(), policy, reason)
		}
		return fmt.Sprintf("%s refused: %s", a.label(), reason)
	case a.Failure.Kind == Rejecting:
		return fmt.Sprintf("%s refused: %s", a.label(), a.Failure.Brief)
	case a.Failure.Kind == Passing, a.Failure.Kind == Unavailable:
		return "waiting: " + a.Failure.Brief
	}
	return a.Failure.Brief
}

// suspended begins the message of a suspended object.
const suspended = "suspended; "

// readyMessage returns the message of Ready: the fault, if there is one, and the served chart.
func readyMessage(f Facts, r decided, s v1alpha1.VerifiedChartStatus) string {
	serving := ServingClause(s)
	if r.report.reason == "" {
		if r.report.brief != "" {
			serving += ": " + shortened(r.report.brief)
		}
		return printable.String(serving, maxReady)
	}
	brief := shortened(r.report.brief)
	if f.Object.Spec.Suspend {
		brief = suspended + brief
	}
	if serving == "" || r.action == Hold {
		return printable.String(brief, maxReady)
	}
	serving = "; " + serving
	return printable.String(brief, maxReady-len(serving)) + serving
}

// ServingClause names the served chart, and the exception if the chart is not proven. It is empty if no chart is served.
func ServingClause(s v1alpha1.VerifiedChartStatus) string {
	if s.Artifact == nil {
		return ""
	}
	version, _, _ := strings.Cut(s.Artifact.Revision, "@")
	clause := "serving " + version
	if v := s.Verification; v != nil && len(v.Exceptions) > 0 {
		x := v.Exceptions[0]
		clause += fmt.Sprintf(" UNVERIFIED (%s)", exceptionName(verify.Rule(x.Rule), x.Policy, x.Until))
	}
	return clause
}

// exceptionName returns the name of an exception in messages, with its end.
func exceptionName(rule verify.Rule, policy string, until *metav1.Time) string {
	name := "mode Audit"
	if rule == verify.Exemption {
		name = "exemption"
		if until != nil {
			name += " until " + until.UTC().Format(time.DateOnly)
		}
	}
	if policy != "" {
		name += " of ClusterChartPolicy " + policy
	}
	return name
}

// shortened cuts every digest in a text to its first digits.
func shortened(text string) string {
	const prefix = "sha256:"
	var b strings.Builder
	for {
		i := strings.Index(text, prefix)
		if i < 0 {
			b.WriteString(text)
			return b.String()
		}
		end := i + len(prefix)
		for end < len(text) && strings.IndexByte("0123456789abcdef", text[end]) >= 0 {
			end++
		}
		b.WriteString(text[:min(end, i+len(prefix)+shortDigest)])
		text = text[end:]
	}
}

// shortReason returns, in a few words, why the first policy that rejects a chart does so, and the name of that policy if it is
// a ClusterChartPolicy.
func shortReason(outcomes []verify.Outcome) (policy, reason string) {
	for _, o := range outcomes {
		if o.Verdict == verify.VerdictRejected {
			return o.Policy, problem.Brief(o.Err)
		}
	}
	return "", verify.ErrRejected.Error()
}

// cause explains why the published chart is withdrawn or held: in one clause, and with details.
type cause struct{ brief, details string }

// causeOf returns why the published chart is withdrawn or held.
func causeOf(f Facts) cause {
	p := f.Published
	switch {
	case p.Revoked != "":
		return cause{p.Revoked, p.Revoked}
	case p.Denied != "":
		return cause{p.Denied, p.Denied}
	case f.lost():
		return cause{"the file is lost, and the registry no longer has the chart",
			fmt.Sprintf("the file of the chart is lost, and the registry no longer has manifest %s", p.Digest)}
	}
	return rejectionOf(f)
}

// rejectionOf returns why the published chart is rejected: the errors of the policies, or else the fact that rejects it.
func rejectionOf(f Facts) cause {
	p := f.Published
	outcomes := p.Outcomes
	if f.attemptConcernsPublished() && len(f.Attempt.Outcomes) > 0 {
		outcomes = f.Attempt.Outcomes
	}
	var details []string
	for _, o := range outcomes {
		if o.Verdict == verify.VerdictRejected {
			details = append(details, o.Err.Error())
		}
	}
	text := "the last verification failed, and onTrustLoss is no longer Hold"
	switch {
	case len(details) > 0:
		policy, reason := shortReason(outcomes)
		if policy != "" {
			reason = fmt.Sprintf("policy %s: %s", policy, reason)
		}
		return cause{reason, printable.String(strings.Join(details, "; "), maxMessage/2)}
	case p.SignerRevoked != "":
		text = p.SignerRevoked
	case p.ExceptionEnded != "":
		text = fmt.Sprintf("not proven, and the %s has ended", p.ExceptionEnded)
	}
	return cause{text, text}
}

// proofMessage names the verified chart, its signers, and the method.
func proofMessage(a *Attempt) string {
	subject, _ := a.Accepted.Subject()
	what := "manifest " + subject.Manifest.Digest.String()
	if a.Chart.Version != "" && a.Chart.Digest == subject.Manifest.Digest {
		what = fmt.Sprintf("version %s@%s", a.Chart.Version, subject.Manifest.Digest)
	}
	var who []string
	for _, v := range a.Accepted.Result().Signatures {
		who = append(who, signatureMessage(v))
	}
	return printable.String(fmt.Sprintf("verified signature of %s: %s", what, strings.Join(who, ", ")), maxMessage)
}

// signatureMessage names the signer of a signature, the method, the location of the signature, and its time.
func signatureMessage(v verify.VerifiedSignature) string {
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

// signerMessage names the key or the identity that made a signature.
func signerMessage(v verify.VerifiedSignature) string {
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

// exceptionsMessage names the exceptions by which an unproven chart is published, and explains why the chart is not proven.
func exceptionsMessage(exceptions []verify.Exception) string {
	var list []string
	for _, x := range exceptions {
		by := exceptionName(x.Rule, x.Policy, timestamp(x.Until))
		if x.Reason != "" {
			by += fmt.Sprintf(", %q", x.Reason)
		}
		list = append(list, fmt.Sprintf("not proven, and published by %s: %v", by, x.Verdict))
	}
	return printable.String(strings.Join(list, "; "), maxMessage)
}
