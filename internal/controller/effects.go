// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"errors"

	"github.com/fluxcd/pkg/apis/meta"
	"github.com/opencontainers/go-digest"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/internal/lifecycle"
	"github.com/verifiedchart/verifiedchart/internal/server"
)

// The effects of a decision come in fail-safe order: stop serving → file → ExternalArtifact → status → events. The order of a
// publication is: file → serve → ExternalArtifact → status → events → stop serving the old file. serve, store and keepFiles change
// this process and its disk, publishDecision changes the state that all replicas share.

// serve allows exactly the paths of an object that the decision allows.
func (r *VerifiedChartReconciler) serve(obj *v1alpha1.VerifiedChart, s *session, now local, d lifecycle.Decision) {
	owner := ownerOf(obj)
	if d.Action == lifecycle.Publish {
		s.servedBy = now.key
	} else if now.key != s.servedBy {
		r.Paths.DropOld(owner) // no reconcile re-verifies the old chart by the new policies
	}
	switch d.Serving {
	case lifecycle.ServeNothing:
		r.Paths.Drop(obj.Namespace, obj.Name)
	case lifecycle.Serve:
		r.Paths.AllowUntil(owner, d.Status.Artifact.Path, now.layer, d.Ends)
	case lifecycle.ServeLater:
		r.Paths.Expect(owner, d.Status.Artifact.Path)
	case lifecycle.ServeAsBefore:
		if current, path, _, ok := r.Paths.Current(obj.Namespace, obj.Name); !ok || current != owner || path != d.Status.Artifact.Path {
			r.Paths.Expect(owner, d.Status.Artifact.Path)
		}
	}
	if d.DropOld {
		r.Paths.DropOld(owner)
	}
}

func ownerOf(obj *v1alpha1.VerifiedChart) server.Owner {
	return server.Owner{Namespace: obj.Namespace, Name: obj.Name, UID: string(obj.UID)}
}

// store stores a chart that is to be published, or else new signature material of the published chart.
func (r *VerifiedChartReconciler) store(obj *v1alpha1.VerifiedChart, now *local, d lifecycle.Decision, a *attempt) error {
	if d.Action != lifecycle.Publish {
		if a.proof != nil && d.Status.Artifact != nil && now.facts.Published != nil && a.value.Chart == now.facts.Published.Chart {
			r.errands.keep(obj, a.value.Chart, *a.proof)
		}
		return nil
	}
	if a.proof == nil || a.staged == nil {
		return errors.New("a chart to be published has no proof or no bytes")
	}
	raw, err := a.proof.marshal()
	if err != nil {
		return err
	}
	if err := r.Storage.WriteMaterial(obj, a.value.Chart.Digest, raw); err != nil {
		return err
	}
	if err := r.Storage.Commit(a.staged, a.value.Artifact); err != nil {
		return err
	}
	r.errands.downloads.keep(a.download, *a.value.Artifact)
	return r.Storage.ForgetRetired(obj)
}

// keepFiles moves the file of a withdrawn chart out of the served tree. The file is kept there in case the chart is proven again.
func (r *VerifiedChartReconciler) keepFiles(obj *v1alpha1.VerifiedChart, d lifecycle.Decision) error {
	switch {
	case d.Action == lifecycle.Withdraw && obj.Status.Artifact != nil:
		return r.Storage.Retire(obj, *obj.Status.Artifact)
	case d.Status.Artifact == nil:
		return r.Storage.Clear(obj) // there may be a file whose artifact never reached the status
	}
	return nil
}

// publishDecision writes the state that all replicas share: the ExternalArtifact, the status in one patch (none if nothing
// changed), and the events. A failed write is tried again.
func (r *VerifiedChartReconciler) publishDecision(ctx context.Context, s *session, c *pass) (after *v1alpha1.VerifiedChart, err error) {
	after = c.obj.DeepCopy()
	after.Status = c.decision.Status
	unsynced := r.syncExternalArtifact(ctx, after)
	if unsynced != nil {
		c.decision = lifecycle.Failing(c.now.facts, c.decision, classify(unsynced))
		after.Status = c.decision.Status
	}
	r.RecordReadiness(ctx, after)
	if err := r.writeStatus(ctx, c.stored, after, s); err != nil {
		return after, err
	}
	r.Verifications.record(c.obj, after, c.decision.Verified, c.now.facts.Now)
	r.recordEvents(ctx, after, c.decision.Events)
	if unsynced == nil || errors.Is(unsynced, errTaken) {
		return after, r.dropOld(ctx, c.obj, after)
	}
	return after, nil
}

// writeStatus writes the difference between the stored status and the decided one.
func (r *VerifiedChartReconciler) writeStatus(ctx context.Context, stored, after *v1alpha1.VerifiedChart, s *session) error {
	if equality.Semantic.DeepEqual(stored.Status, after.Status) {
		return nil
	}
	patch, err := statusPatch(stored, after.Status)
	if err != nil {
		return err
	}
	answer := metadataOf(v1alpha1.GroupVersion.WithKind(v1alpha1.VerifiedChartKind), stored)
	if err := r.Status().Patch(ctx, answer, patch, client.FieldOwner(r.Name)); err != nil {
		return err
	}
	written := stored.DeepCopy()
	written.Status, written.ResourceVersion = *after.Status.DeepCopy(), answer.ResourceVersion
	after.ResourceVersion = answer.ResourceVersion
	s.wrote(written)
	return nil
}

// statusPatch returns the patch from one status to another. It applies only to the stored version of the object.
func statusPatch(stored *v1alpha1.VerifiedChart, next v1alpha1.VerifiedChartStatus) (client.Patch, error) {
	bare := func(status v1alpha1.VerifiedChartStatus) *v1alpha1.VerifiedChart {
		return &v1alpha1.VerifiedChart{ObjectMeta: metav1.ObjectMeta{ResourceVersion: stored.ResourceVersion}, Status: status}
	}
	merge := client.MergeFromWithOptions(bare(stored.Status), client.MergeFromWithOptimisticLock{})
	data, err := merge.Data(bare(next))
	return client.RawPatch(merge.Type(), data), err
}

// metadataOf returns the metadata that name an object. A write with it is answered with metadata only, which saves the cost of
// encoding and decoding the rest.
func metadataOf(kind schema.GroupVersionKind, obj client.Object) *metav1.PartialObjectMetadata {
	m := &metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{Namespace: obj.GetNamespace(), Name: obj.GetName()}}
	m.SetGroupVersionKind(kind)
	return m
}

// dropOld ends the serving of the chart that was published before: no status names it any longer, and no reconcile verifies it.
func (r *VerifiedChartReconciler) dropOld(ctx context.Context, before, after *v1alpha1.VerifiedChart) error {
	a := after.Status.Artifact
	if a == nil || before.Status.Artifact == nil || samePath(before.Status.Artifact, a) {
		return nil
	}
	r.Paths.DropOld(ownerOf(after))
	if err := r.Storage.KeepOnly(ctx, *a); err != nil {
		return err
	}
	return r.Storage.KeepOnlyMaterial(after, digest.Digest(after.Status.Verification.Digest))
}

func samePath(a, b *meta.Artifact) bool { return a != nil && b != nil && a.Path == b.Path }
