// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"

	eventv1 "github.com/fluxcd/pkg/apis/event/v1beta1"
	"github.com/fluxcd/pkg/apis/meta"
	"github.com/fluxcd/pkg/runtime/conditions"
	sourcev1 "github.com/fluxcd/source-controller/api/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
)

// occurrence is something that happened to an object.
type occurrence struct{ Kind, Reason, Message string }

// emit tells what happened, on the VerifiedChart and on the ExternalArtifact,
// since a Flux Alert cannot name our kind. Nothing happened, nothing is told.
func (r *VerifiedChartReconciler) emit(ctx context.Context, before, after *v1alpha1.VerifiedChart, found findings) {
	events := happened(before, after)
	if found.warnsOfMutation {
		events = append(events, mutations(before, after)...)
	}
	for _, e := range events {
		annotations := map[string]string{}
		if a := after.Status.Artifact; a != nil {
			annotations[v1alpha1.GroupVersion.Group+"/"+eventv1.MetaRevisionKey] = a.Revision
			annotations[v1alpha1.GroupVersion.Group+"/"+eventv1.MetaDigestKey] = a.Digest
		}
		r.AnnotatedEventf(after, annotations, e.Kind, e.Reason, "%s", e.Message)
		if ea := r.announcedAs(ctx, after); ea != nil {
			r.AnnotatedEventf(ea, annotations, e.Kind, e.Reason, "%s", e.Message)
		}
	}
}

// announcedAs returns the ExternalArtifact of obj, or nil where there is none.
func (r *VerifiedChartReconciler) announcedAs(ctx context.Context, obj *v1alpha1.VerifiedChart) runtime.Object {
	if !r.externalArtifacts.served.Load() {
		return nil
	}
	var ea sourcev1.ExternalArtifact
	if r.Get(ctx, client.ObjectKeyFromObject(obj), &ea) != nil {
		// The first artifact's announcement is not in the cache yet.
		if obj.Status.Artifact == nil {
			return nil
		}
		ea.Name, ea.Namespace = obj.Name, obj.Namespace
	}
	ea.SetGroupVersionKind(sourcev1.GroupVersion.WithKind(sourcev1.ExternalArtifactKind))
	return &ea
}

// happened lists what changed from one status to the next: a new artifact, the
// end of one, a failure that was not there, its end. A retry is no change.
func happened(before, after *v1alpha1.VerifiedChart) []occurrence {
	verified := conditions.Get(after, v1alpha1.SourceVerifiedCondition)
	if was := before.Status.Artifact; was != nil && after.Status.Artifact == nil && verified != nil && verified.Status != metav1.ConditionTrue {
		return []occurrence{{corev1.EventTypeWarning, v1alpha1.ArtifactWithdrawnReason,
			"withdrew the artifact of revision " + was.Revision + ", which is no longer proven: " + verified.Message}}
	}
	switch ready := conditions.Get(after, meta.ReadyCondition); {
	case ready == nil:
	case ready.Status == metav1.ConditionTrue:
		return succeeded(before, after)
	case isNews(before, ready):
		return []occurrence{{corev1.EventTypeWarning, ready.Reason, ready.Message}}
	}
	return nil
}

// succeeded tells of a new artifact, or of the end of a failure; and of one that is
// published by a rule, and not by proof, whenever what is wrong with it changes.
func succeeded(before, after *v1alpha1.VerifiedChart) []occurrence {
	verified := conditions.Get(after, v1alpha1.SourceVerifiedCondition)
	if verified == nil {
		return nil
	}
	fresh := !sameArtifact(before.Status.Artifact, after.Status.Artifact)
	if verified.Status != metav1.ConditionTrue {
		was := conditions.Get(before, v1alpha1.SourceVerifiedCondition)
		if !fresh && was != nil && was.Status == verified.Status && was.Reason == verified.Reason && was.Message == verified.Message {
			return nil
		}
		return []occurrence{{corev1.EventTypeWarning, verified.Reason, verified.Message}}
	}
	switch {
	case fresh:
		return []occurrence{{corev1.EventTypeNormal, "NewArtifact", verified.Message}}
	case !conditions.IsTrue(before, meta.ReadyCondition):
		return []occurrence{{corev1.EventTypeNormal, meta.SucceededReason, verified.Message}}
	}
	return nil
}

// mutations tells of versions that have become another digest.
func mutations(before, after *v1alpha1.VerifiedChart) []occurrence {
	var events []occurrence
	for _, now := range after.Status.History {
		if was := provenAs(before, now.Repository, now.Version); was != nil && was.Digest != now.Digest {
			events = append(events, occurrence{corev1.EventTypeWarning, v1alpha1.VersionMutatedReason,
				"version " + now.Version + " was proven as " + was.Digest + ", and is " + now.Digest + " now"})
		}
	}
	return events
}

// isNews says whether a failure was not there before. The text of a failure to
// find out may differ from try to try; that of a verdict differs with what was found.
func isNews(before *v1alpha1.VerifiedChart, ready *metav1.Condition) bool {
	was := conditions.Get(before, meta.ReadyCondition)
	if was == nil || was.Status != ready.Status || was.Reason != ready.Reason {
		return true
	}
	return ready.Reason == v1alpha1.VerificationErrorReason && was.Message != ready.Message
}
