// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/fluxcd/pkg/apis/meta"
	sourcev1 "github.com/fluxcd/source-controller/api/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/internal/pipeline"
)

// externalArtifacts knows whether the cluster has Flux's ExternalArtifact, and
// what was announced by which, so that this controller's own writing is told from others'.
type externalArtifacts struct {
	served    atomic.Bool
	announced sync.Map // types.NamespacedName → *meta.Artifact
}

// changed says whether ea does not say what was announced by it.
func (e *externalArtifacts) changed(ea *sourcev1.ExternalArtifact) bool {
	announced, ok := e.announced.Load(client.ObjectKeyFromObject(ea))
	if !ok {
		return false
	}
	artifact, _ := announced.(*meta.Artifact)
	return !sameArtifact(artifact, ea.Status.Artifact)
}

// errTaken is matched by the error for an ExternalArtifact that is another's, which so
// names nothing of ours.
var errTaken = errors.New("rename one of the two")

// unannounced says whether announce ended with an ExternalArtifact that may name what it should not any more.
func unannounced(err error) bool { return err != nil && !errors.Is(err, errTaken) }

// announce brings the ExternalArtifact of obj's name in line with obj.Status:
// it carries the published artifact, and none where none is published. It is
// not created before there is a first artifact. Nothing is written where nothing changes.
func (r *VerifiedChartReconciler) announce(ctx context.Context, obj *v1alpha1.VerifiedChart) error {
	if !r.externalArtifacts.served.Load() {
		return nil
	}
	var current sourcev1.ExternalArtifact
	err := r.Get(ctx, client.ObjectKeyFromObject(obj), &current)
	if apierrors.IsNotFound(err) && obj.Status.Artifact == nil {
		return nil
	}
	if client.IgnoreNotFound(err) != nil {
		return published(err)
	}
	if other := ownerOf(&current, obj); other != "" {
		return published(fmt.Errorf("ExternalArtifact %q belongs to %s: %w", obj.Name, other, errTaken))
	}
	return published(r.align(ctx, obj, &current))
}

// ownerOf names what the ExternalArtifact belongs to, unless that is obj or nothing.
func ownerOf(ea *sourcev1.ExternalArtifact, obj *v1alpha1.VerifiedChart) string {
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

// align writes what differs between the ExternalArtifact that is there and the one there should be.
func (r *VerifiedChartReconciler) align(ctx context.Context, obj *v1alpha1.VerifiedChart, current *sourcev1.ExternalArtifact) error {
	desired := externalArtifactOf(obj, current)
	r.externalArtifacts.announced.Store(client.ObjectKeyFromObject(obj), desired.Status.Artifact)
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

// externalArtifactOf is the ExternalArtifact that announces obj.Status, in place
// of the current one, whose conditions keep their times.
func externalArtifactOf(obj *v1alpha1.VerifiedChart, current *sourcev1.ExternalArtifact) *sourcev1.ExternalArtifact {
	ready := metav1.Condition{
		Type: meta.ReadyCondition, Status: metav1.ConditionFalse, ObservedGeneration: max(1, current.Generation),
		Reason: v1alpha1.ArtifactWithdrawnReason, Message: "no artifact is published: see VerifiedChart " + obj.Name,
	}
	if a := obj.Status.Artifact; a != nil {
		ready.Status, ready.Reason, ready.Message = metav1.ConditionTrue, meta.SucceededReason, "published revision "+a.Revision
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

// apply writes ea server-side, its status or all but its status.
func (r *VerifiedChartReconciler) apply(ctx context.Context, ea *sourcev1.ExternalArtifact, status bool) error {
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(ea)
	if err != nil {
		return err
	}
	u := &unstructured.Unstructured{Object: content}
	unstructured.RemoveNestedField(u.Object, "metadata", "creationTimestamp")
	if !status {
		unstructured.RemoveNestedField(u.Object, "status")
		return r.Apply(ctx, client.ApplyConfigurationFromUnstructured(u), client.FieldOwner(r.Name), client.ForceOwnership)
	}
	unstructured.RemoveNestedField(u.Object, "spec")
	unstructured.RemoveNestedField(u.Object, "metadata", "ownerReferences")
	return r.Status().Apply(ctx, client.ApplyConfigurationFromUnstructured(u), client.FieldOwner(r.Name), client.ForceOwnership)
}

// retract deletes the ExternalArtifact of an object that goes away.
func (r *VerifiedChartReconciler) retract(ctx context.Context, obj *v1alpha1.VerifiedChart) error {
	if !r.externalArtifacts.served.Load() {
		return nil
	}
	r.externalArtifacts.announced.Delete(client.ObjectKeyFromObject(obj))
	var ea sourcev1.ExternalArtifact
	if err := r.Get(ctx, client.ObjectKeyFromObject(obj), &ea); err != nil {
		return client.IgnoreNotFound(err)
	}
	if !metav1.IsControlledBy(&ea, obj) {
		return nil
	}
	return client.IgnoreNotFound(r.Delete(ctx, &ea))
}

func published(err error) error {
	if err == nil {
		return nil
	}
	return &pipeline.Failure{Step: pipeline.StepPublish, Err: err}
}

// sameArtifact says whether two artifacts are the same revision and bytes under the same URL.
func sameArtifact(a, b *meta.Artifact) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.URL == b.URL && a.Revision == b.Revision && a.Digest == b.Digest
}
