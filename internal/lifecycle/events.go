// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"fmt"

	"github.com/fluxcd/pkg/apis/meta"
	"github.com/fluxcd/pkg/oci"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
)

// Event is a Kubernetes event of an object.
type Event struct{ Type, Reason, Message string }

// events returns the events of the change from the previous status to the next: a new artifact, a withdrawal, a
// new failure, or the end of one. No change, no event.
func events(f Facts, d Decision, r report) []Event {
	list := transitions(f, d, r)
	if f.WarnsOfMutation {
		list = append(list, mutations(f.Object.Status.History, d.Status.History)...)
	}
	return list
}

func transitions(f Facts, d Decision, r report) []Event {
	before, after := f.Object.Status, d.Status
	if before.Artifact != nil && after.Artifact == nil {
		return []Event{{corev1.EventTypeWarning, v1alpha1.ArtifactWithdrawnReason, withdrawalMessage(f, d)}}
	}
	switch ready := find(after.Conditions, meta.ReadyCondition); {
	case ready == nil, ready.Reason == v1alpha1.SuspendedReason:
	case ready.Status == metav1.ConditionTrue:
		return succeeded(before, after)
	case isTransition(before, after, ready):
		return []Event{{corev1.EventTypeWarning, ready.Reason, detail(after, ready, r)}}
	}
	return nil
}

// succeeded returns the event of a new artifact or of the end of a failure. For a chart that is published by an
// exception, it returns an event whenever the verdict changes.
func succeeded(before, after v1alpha1.VerifiedChartStatus) []Event {
	verified := find(after.Conditions, v1alpha1.SourceVerifiedCondition)
	if verified == nil {
		return nil
	}
	isNew := !SameArtifact(before.Artifact, after.Artifact)
	if verified.Status != metav1.ConditionTrue {
		if was := find(before.Conditions, v1alpha1.SourceVerifiedCondition); !isNew && sameState(was, verified) {
			return nil
		}
		return []Event{{corev1.EventTypeWarning, verified.Reason, verified.Message}}
	}
	wasReady := find(before.Conditions, meta.ReadyCondition)
	switch {
	case isNew:
		return []Event{{corev1.EventTypeNormal, "NewArtifact", fmt.Sprintf("published %s%s: %s", after.Artifact.Revision, builtFrom(after.Artifact), verified.Message)}}
	case wasReady == nil || wasReady.Status != metav1.ConditionTrue:
		return []Event{{corev1.EventTypeNormal, meta.SucceededReason, verified.Message}}
	}
	return nil
}

// builtFrom returns a clause with the source of an artifact and its revision, if its proven manifest states them.
func builtFrom(a *meta.Artifact) string {
	source, revision := a.Metadata[oci.SourceAnnotation], a.Metadata[oci.RevisionAnnotation]
	switch {
	case source == "":
		return ""
	case revision == "":
		return ", built from " + source
	}
	return ", built from " + source + " at " + revision
}

// mutations returns an event for each version that got another digest.
func mutations(before, after []v1alpha1.VersionRecord) []Event {
	var list []Event
	for _, now := range after {
		if was := Recorded(before, now.Repository, now.Version); was != nil && was.Digest != now.Digest {
			list = append(list, Event{corev1.EventTypeWarning, v1alpha1.VersionMutatedReason,
				fmt.Sprintf("the digest of version %s changed from %s to %s (versionMutation: Warn)", now.Version, was.Digest, now.Digest)})
		}
	}
	return list
}

// isTransition reports whether a failure is new. It ignores the messages of failures without a verdict, since they may
// differ from try to try. It compares the messages of verdicts, since those change only with the candidates.
func isTransition(before, after v1alpha1.VerifiedChartStatus, ready *metav1.Condition) bool {
	was := find(before.Conditions, meta.ReadyCondition)
	if was == nil || was.Status != ready.Status || was.Reason != ready.Reason {
		return true
	}
	if ready.Reason != v1alpha1.VerificationErrorReason {
		return false
	}
	return !sameState(find(before.Conditions, v1alpha1.SourceVerifiedCondition), find(after.Conditions, v1alpha1.SourceVerifiedCondition))
}

func sameState(a, b *metav1.Condition) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Status == b.Status && a.Reason == b.Reason && a.Message == b.Message
}

// detail returns the message of a failure with every candidate and with whole digests.
func detail(after v1alpha1.VerifiedChartStatus, ready *metav1.Condition, r report) string {
	verified := find(after.Conditions, v1alpha1.SourceVerifiedCondition)
	switch {
	case ready.Reason == v1alpha1.VerificationErrorReason && verified != nil && verified.Status == metav1.ConditionFalse:
		return verified.Message
	case r.message != "":
		return r.message
	}
	return ready.Message
}

// withdrawalMessage returns the message of the event: the revision, and why it is no longer served.
func withdrawalMessage(f Facts, d Decision) string {
	cause := ""
	if verified := find(d.Status.Conditions, v1alpha1.SourceVerifiedCondition); verified != nil {
		cause = ": " + verified.Message
	}
	return fmt.Sprintf("withdrew revision %s%s", f.Object.Status.Artifact.Revision, cause)
}

// SameArtifact reports whether two artifacts have the same URL, revision and digest.
func SameArtifact(a, b *meta.Artifact) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.URL == b.URL && a.Revision == b.Revision && a.Digest == b.Digest
}
