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

// label names a chart to a reader: by its version, or else by a short digest.
func (c Chart) label() string {
	switch {
	case c.Version != "":
		return c.Version
	case c.Digest.Validate() == nil:
		return c.Digest.Algorithm().String() + ":" + c.Digest.Encoded()[:shortDigest]
	}
	return "the chart"
}

// label names the requested chart.
func (a *Attempt) label() string {
	if a.Chart.Version == "" && a.Tag != "" {
		return a.Tag
	}
	return a.Chart.label()
}

// refusal is the clause of Ready that says why the requested chart is not published.
func refusal(a *Attempt) string {
	switch {
	case a.rejected():
		policy, reason := shortReason(a.Outcomes)
		if policy != "" {
			return fmt.Sprintf("%s refused by policy %s: %s", a.label(), policy, reason)
		}
		return fmt.Sprintf("%s refused: %s", a.label(), reason)
	case a.Failure.Kind == Settled:
		return fmt.Sprintf("%s refused: %s", a.label(), a.Failure.Brief)
	case a.Failure.Kind == Passing, a.Failure.Kind == Unavailable:
		return "waiting: " + a.Failure.Brief
	}
	return a.Failure.Brief
}

// suspended begins the message of a suspended object.
const suspended = "suspended; "

// readyMessage says what is refused, if anything is, and what is served.
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

// ServingClause says what is served, and by which exception if it is not proven; empty for nothing.
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

// exceptionName names an exception, with its end.
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

// shortReason says in a few words why the first policy that rejects a chart does so, and names it if it is a
// ClusterChartPolicy.
func shortReason(outcomes []verify.Outcome) (policy, reason string) {
	for _, o := range outcomes {
		if o.Verdict == verify.VerdictRejected {
			return o.Policy, problem.Brief(o.Err)
		}
	}
	return "", verify.ErrRejected.Error()
}

// cause is why the published chart is no longer served, or only held: in one clause, and with details.
type cause struct{ brief, details string }

// causeOf is why the published chart is no longer served, or only held.
func causeOf(f Facts) cause {
	p := f.Published
	switch {
	case p.Revoked != "":
		return cause{p.Revoked, p.Revoked}
	case p.Denied != "":
		return cause{p.Denied, p.Denied}
	case f.lost():
		return cause{"its file is lost, and the registry no longer has the chart",
			fmt.Sprintf("its file is lost, and the registry no longer has manifest %s", p.Digest)}
	}
	return rejectionOf(f)
}

// rejectionOf is why the published chart is rejected: what each policy says, or else which fact makes it so.
func rejectionOf(f Facts) cause {
	p := f.Published
	outcomes := p.Outcomes
	if f.answersForPublished() && len(f.Attempt.Outcomes) > 0 {
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
		text = fmt.Sprintf("its %s has ended, and it is not proven", p.ExceptionEnded)
	}
	return cause{text, text}
}

// proofMessage says what is verified, who signed it, and by which method.
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

// signatureMessage says who signed, by which method, where the signature is, and when it was made.
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

// signerMessage names the key or the identity that signed.
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

// exceptionsMessage says by which exceptions a chart is published that is not proven, and why it is not.
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
