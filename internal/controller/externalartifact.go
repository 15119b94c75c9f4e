// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/fluxcd/pkg/apis/meta"
	sourcev1 "github.com/fluxcd/source-controller/api/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/internal/lifecycle"
	"github.com/verifiedchart/verifiedchart/internal/pipeline"
	"github.com/verifiedchart/verifiedchart/internal/problem"
)

// externalArtifacts knows whether the cluster has Flux's ExternalArtifact, and which artifact this controller wrote
// to each, so that it recognizes its own writes.
type externalArtifacts struct {
	served  atomic.Bool
	written sync.Map // types.NamespacedName → *meta.Artifact
}

// changed reports whether ea no longer carries the artifact that this controller wrote to it.
func (e *externalArtifacts) changed(ea *sourcev1.ExternalArtifact) bool {
	written, ok := e.written.Load(client.ObjectKeyFromObject(ea))
	if !ok {
		return false
	}
	artifact, _ := written.(*meta.Artifact)
	return !lifecycle.SameArtifact(artifact, ea.Status.Artifact)
}

// errTaken is matched by the error for an ExternalArtifact that belongs to another source, so that it
// names none of our charts.
var errTaken = errors.New("the name is taken")

// syncExternalArtifact makes the ExternalArtifact of obj's name carry the published artifact, or no artifact if none is
// published. It creates the ExternalArtifact with the first artifact, and writes nothing if nothing changes.
func (r *VerifiedChartReconciler) syncExternalArtifact(ctx context.Context, obj *v1alpha1.VerifiedChart) error {
	if !r.externalArtifacts.served.Load() {
		return nil
	}
	var current sourcev1.ExternalArtifact
	err := r.Get(ctx, client.ObjectKeyFromObject(obj), &current)
	if apierrors.IsNotFound(err) && obj.Status.Artifact == nil {
		return nil
	}
	if client.IgnoreNotFound(err) != nil {
		return unpublished(err)
	}
	if other := otherOwner(&current, obj); other != "" {
		return unpublished(problem.New(errTaken, "ExternalArtifact %q belongs to %s", obj.Name, other).Fix("rename one of the two"))
	}
	return unpublished(r.writeExternalArtifact(ctx, obj, &current))
}

// otherOwner returns the name of the ExternalArtifact's owner or source if that is not obj, else an empty string.
func otherOwner(ea *sourcev1.ExternalArtifact, obj *v1alpha1.VerifiedChart) string {
	if metav1.IsControlledBy(ea, obj) {
		return ""
	}
	if len(ea.OwnerReferences) > 0 {
		return fmt.Sprintf("%s %q", ea.OwnerReferences[0].Kind, ea.OwnerReferences[0].Name)
	}
	if source := ea.Spec.SourceRef; source != nil && (source.Kind != v1alpha1.VerifiedChartKind || source.Name != obj.Name) {
		return fmt.Sprintf("%s %q", source.Kind, source.Name)
	}
	return ""
}

// writeExternalArtifact writes the difference between the current and the desired ExternalArtifact.
func (r *VerifiedChartReconciler) writeExternalArtifact(ctx context.Context, obj *v1alpha1.VerifiedChart, current *sourcev1.ExternalArtifact) error {
	desired := externalArtifactOf(obj, current)
	r.externalArtifacts.written.Store(client.ObjectKeyFromObject(obj), desired.Status.Artifact)
	if !equality.Semantic.DeepEqual(desired.Spec, current.Spec) || !metav1.IsControlledBy(current, obj) {
		if err := r.apply(ctx, desired, false); err != nil {
			return err
		}
	}
	if equality.Semantic.DeepEqual(desired.Status, current.Status) {
		return nil
	}
	return r.apply(ctx, desired, true)
}

// externalArtifactOf returns the ExternalArtifact that carries the artifact of obj.Status. Conditions that do not change keep
// the times that they have in the current ExternalArtifact.
func externalArtifactOf(obj *v1alpha1.VerifiedChart, current *sourcev1.ExternalArtifact) *sourcev1.ExternalArtifact {
	ready := metav1.Condition{
		Type: meta.ReadyCondition, Status: metav1.ConditionFalse, ObservedGeneration: max(1, current.Generation),
		Reason: v1alpha1.ArtifactWithdrawnReason, Message: "no artifact is published: see VerifiedChart " + obj.Name,
	}
	if a := obj.Status.Artifact; a != nil {
		ready.Status, ready.Reason, ready.Message = metav1.ConditionTrue, meta.SucceededReason, lifecycle.ServingClause(obj.Status)
	}
	conditions := append([]metav1.Condition(nil), current.Status.Conditions...)
	apimeta.SetStatusCondition(&conditions, ready)
	controller := true
	return &sourcev1.ExternalArtifact{
		TypeMeta: metav1.TypeMeta{APIVersion: sourcev1.GroupVersion.String(), Kind: sourcev1.ExternalArtifactKind},
		ObjectMeta: metav1.ObjectMeta{
			Name: obj.Name, Namespace: obj.Namespace,
			OwnerReferences: []metav1.OwnerReference{{
				APIVersion: v1alpha1.GroupVersion.String(), Kind: v1alpha1.VerifiedChartKind, Name: obj.Name, UID: obj.UID, Controller: &controller,
			}},
		},
		Spec: sourcev1.ExternalArtifactSpec{SourceRef: &meta.NamespacedObjectKindReference{
			APIVersion: v1alpha1.GroupVersion.String(), Kind: v1alpha1.VerifiedChartKind, Name: obj.Name, Namespace: obj.Namespace,
		}},
		Status: sourcev1.ExternalArtifactStatus{Artifact: obj.Status.Artifact, Conditions: conditions},
	}
}

// apply applies ea server-side: its status, or everything except its status.
func (r *VerifiedChartReconciler) apply(ctx context.Context, ea *sourcev1.ExternalArtifact, status bool) error {
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(ea)
	if err != nil {
		return err
	}
	unstructured.RemoveNestedField(content, "metadata", "creationTimestamp")
	if status {
		unstructured.RemoveNestedField(content, "spec")
		unstructured.RemoveNestedField(content, "metadata", "ownerReferences")
	} else {
		unstructured.RemoveNestedField(content, "status")
	}
	data, err := json.Marshal(content)
	if err != nil {
		return err
	}
	answer, patch := metadataOf(ea.GroupVersionKind(), ea), client.RawPatch(types.ApplyPatchType, data)
	if status {
		return r.Status().Patch(ctx, answer, patch, client.FieldOwner(r.Name), client.ForceOwnership)
	}
	return r.Patch(ctx, answer, patch, client.FieldOwner(r.Name), client.ForceOwnership)
}

// deleteExternalArtifact deletes the ExternalArtifact of an object that the API server proves to be gone.
func (r *VerifiedChartReconciler) deleteExternalArtifact(ctx context.Context, name types.NamespacedName, uid types.UID) error {
	if !r.externalArtifacts.served.Load() {
		return nil
	}
	r.externalArtifacts.written.Delete(name)
	var ea sourcev1.ExternalArtifact
	if err := r.Get(ctx, name, &ea); err != nil {
		return client.IgnoreNotFound(err)
	}
	if !r.isOrphan(&ea, uid) {
		return nil
	}
	return client.IgnoreNotFound(r.Delete(ctx, &ea, client.Preconditions{UID: &ea.UID, ResourceVersion: &ea.ResourceVersion}))
}

// isOrphan reports whether an ExternalArtifact is ours and belongs to the VerifiedChart with that UID (any, if uid is empty): by
// its controller reference, or, if it has no owner, by its source.
func (r *VerifiedChartReconciler) isOrphan(ea *sourcev1.ExternalArtifact, uid types.UID) bool {
	if owner := metav1.GetControllerOf(ea); owner != nil {
		return owner.Kind == v1alpha1.VerifiedChartKind && owner.APIVersion == v1alpha1.GroupVersion.String() && (uid == "" || owner.UID == uid)
	}
	source := ea.Spec.SourceRef
	return len(ea.OwnerReferences) == 0 && source != nil && source.Kind == v1alpha1.VerifiedChartKind && source.Name == ea.Name
}

// unpublished returns the failure to write an ExternalArtifact; nil if the namespace is being deleted.
func unpublished(err error) error {
	if err == nil || apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause) {
		return nil
	}
	return &pipeline.Failure{Step: pipeline.StepPublish, Err: err}
}
