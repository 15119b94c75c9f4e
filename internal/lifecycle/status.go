// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"strings"
	"time"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/fluxcd/pkg/apis/meta"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/internal/verify"
)

// nextStatus returns the complete next status.
func nextStatus(f Facts, r decided) v1alpha1.VerifiedChartStatus {
	s := *f.Object.Status.DeepCopy()
	s.Policies = f.Policies
	switch r.action {
	case Publish:
		s.Artifact, s.URL = f.Attempt.Artifact.DeepCopy(), f.Attempt.Artifact.URL
		s.HeldSince, s.UnverifiedSince = nil, nil
		recordProof(&s, f.Attempt.Chart, f.Attempt.Accepted, f.Now)
	case Hold:
		setURL(&s, f)
		s.HeldSince, s.UnverifiedSince = since(s.HeldSince, f.Now), nil
	case Withdraw:
		clearPublished(&s)
	case Keep:
		keep(&s, f, r)
	}
	observe(&s, f)
	setConditions(&s, f, r)
	if token, ok := meta.ReconcileAnnotationValue(f.Object.Annotations); ok && isComplete(f, r) {
		s.SetLastHandledReconcileRequest(token)
	}
	return s
}

// isComplete reports whether the requested chart has been handled: its attempt is done, or the object is suspended and no
// verdict is pending.
func isComplete(f Facts, r decided) bool {
	return f.Attempt != nil || (f.Object.Spec.Suspend && !r.pending)
}

// keep keeps the published chart in the status, and records since when there is no verdict.
func keep(s *v1alpha1.VerifiedChartStatus, f Facts, r decided) {
	setURL(s, f)
	switch {
	case f.Published == nil:
		clearPublished(s)
	case r.pending:
	case r.verified && !isComplete(f, r): // the reconcile after the attempt records the proof, in one write with its other results
	case r.verified:
		s.HeldSince, s.UnverifiedSince = nil, nil
		recordProof(s, f.Published.Chart, proofOf(f), f.Now)
	default:
		s.UnverifiedSince = since(s.UnverifiedSince, f.Now)
	}
}

// setURL sets the URL of the published chart to the URL under which it is served now.
func setURL(s *v1alpha1.VerifiedChartStatus, f Facts) {
	if f.Published != nil && f.Published.URL != "" && s.Artifact != nil {
		s.Artifact.URL, s.URL = f.Published.URL, f.Published.URL
	}
}

// proofOf returns the proof of the published chart. The attempt's proof comes first, since it is newer.
func proofOf(f Facts) verify.Accepted {
	if f.attemptConcernsPublished() {
		if _, ok := f.Attempt.Accepted.Subject(); ok {
			return f.Attempt.Accepted
		}
	}
	return f.Published.Accepted
}

// clearPublished removes the published chart from a status.
func clearPublished(s *v1alpha1.VerifiedChartStatus) {
	s.Artifact, s.URL, s.Verification = nil, "", nil
	s.HeldSince, s.UnverifiedSince = nil, nil
}

// since returns the moment since which something holds: the recorded one, or else now.
func since(before *metav1.Time, now time.Time) *metav1.Time {
	if before != nil {
		return before
	}
	return timestamp(now)
}

// recordProof records in the status why the published chart is accepted: its signatures or exceptions.
func recordProof(s *v1alpha1.VerifiedChartStatus, c Chart, accepted verify.Accepted, now time.Time) {
	if _, ok := accepted.Subject(); !ok || s.Artifact == nil {
		return
	}
	s.Verification = verification(s.Verification, c, accepted.Result(), now)
	if accepted.Result().IsProof() {
		recordVersion(s, now)
	}
}

// verification returns the status of an acceptance. If only the time differs from the previous
// acceptance, it keeps the previous time, so that an unchanged chart costs no write.
func verification(before *v1alpha1.VerificationStatus, c Chart, result verify.Result, now time.Time) *v1alpha1.VerificationStatus {
	v := &v1alpha1.VerificationStatus{Repository: c.Repository, Digest: c.Digest.String(), VerifiedAt: *timestamp(now)}
	var signers []string
	for _, w := range result.Signatures {
		signers = append(signers, w.Signer)
		v.Authorities = append(v.Authorities, v1alpha1.AuthorityStatus{
			Policy: w.Policy, Name: w.Authority, Provider: w.Provider, Signer: w.Signer, Issuer: w.Issuer, Subject: w.Subject, Key: w.Key,
			UserID: w.UserID, SigningKey: w.SigningKey, Format: w.Format, Source: w.Source,
			SignedAt: timestamp(w.Time), ClaimedAt: timestamp(w.ClaimedTime), LogIndex: w.LogIndex, SkippedKeys: w.SkippedKeys,
		})
	}
	v.Signers = strings.Join(signers, ",")
	for _, x := range result.Exceptions {
		v.Exceptions = append(v.Exceptions, v1alpha1.ExceptionStatus{Policy: x.Policy, Rule: string(x.Rule), Reason: x.Reason, Until: timestamp(x.Until)})
	}
	if before != nil {
		same := before.DeepCopy()
		same.VerifiedAt = v.VerifiedAt
		if equality.Semantic.DeepEqual(same, v) {
			return before
		}
	}
	return v
}

// timestamp returns a time with the precision of the API server; nil for the zero time.
func timestamp(t time.Time) *metav1.Time {
	if t.IsZero() {
		return nil
	}
	return &metav1.Time{Time: t.UTC().Truncate(time.Second)}
}

// observe records the signers that were found on the last chart verified.
func observe(s *v1alpha1.VerifiedChartStatus, f Facts) {
	if f.Attempt != nil && verdictOf(f.Attempt.Outcomes) != unknown {
		s.ObservedSigners = f.Attempt.Observed
	}
}

// PublishedChart identifies the chart that a status publishes; false if it publishes none.
func PublishedChart(s v1alpha1.VerifiedChartStatus, canonical func(string) string) (Chart, bool) {
	if s.Artifact == nil || s.Verification == nil {
		return Chart{}, false
	}
	m := s.Artifact.Metadata
	return Chart{
		Repository: canonical(s.Verification.Repository), Digest: digest.Digest(s.Verification.Digest),
		Name: m[ocispec.AnnotationTitle], Version: m[ocispec.AnnotationVersion],
	}, true
}
