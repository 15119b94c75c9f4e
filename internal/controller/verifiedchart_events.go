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
func (r *VerifiedChartReconciler) emit(ctx context.Context, before, after *v1alpha1.VerifiedChart) {
	for _, e := range happened(before, after) {
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
	var events []occurrence
	if was := before.Status.Artifact; was != nil && after.Status.Artifact == nil && conditions.IsFalse(after, v1alpha1.SourceVerifiedCondition) {
		events = append(events, occurrence{corev1.EventTypeWarning, v1alpha1.ArtifactWithdrawnReason,
			"withdrew the artifact of revision " + was.Revision + ", which is no longer trusted: " + conditions.GetMessage(after, v1alpha1.SourceVerifiedCondition)})
	}
	switch ready := conditions.Get(after, meta.ReadyCondition); {
	case ready == nil:
	case ready.Status == metav1.ConditionTrue:
		events = append(events, succeeded(before, after)...)
	case isNews(before, ready):
		events = append(events, occurrence{corev1.EventTypeWarning, ready.Reason, ready.Message})
	}
	return events
}

// succeeded tells of a new artifact, or of the end of a failure.
func succeeded(before, after *v1alpha1.VerifiedChart) []occurrence {
	proof := conditions.GetMessage(after, v1alpha1.SourceVerifiedCondition)
	switch {
	case !sameArtifact(before.Status.Artifact, after.Status.Artifact):
		return []occurrence{{corev1.EventTypeNormal, "NewArtifact", proof}}
	case !conditions.IsTrue(before, meta.ReadyCondition):
		return []occurrence{{corev1.EventTypeNormal, meta.SucceededReason, proof}}
	}
	return nil
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
