// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	sourcev1 "github.com/fluxcd/source-controller/api/v1"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
)

// remove removes everything that belongs to an object that is deleted (obj is nil) or is being deleted. It needs no registry, no
// Secret and no valid spec.
func (r *VerifiedChartReconciler) remove(ctx context.Context, name types.NamespacedName, obj *v1alpha1.VerifiedChart) error {
	r.Paths.Drop(name.Namespace, name.Name)
	uid := types.UID("")
	if s := r.sessions.find(name); s != nil {
		uid = s.uid
	}
	r.sessions.end(name)
	if obj == nil {
		obj = &v1alpha1.VerifiedChart{ObjectMeta: metav1.ObjectMeta{Namespace: name.Namespace, Name: name.Name}}
	} else {
		uid = obj.UID
	}
	r.removeMetrics(ctx, obj)
	r.retries.Forget(ctrl.Request{NamespacedName: name})
	if _, err := r.dropFinalizer(ctx, obj); client.IgnoreNotFound(err) != nil {
		return err
	}
	if err := r.Storage.RemoveAll(obj); err != nil {
		return err
	}
	return r.deleteExternalArtifact(ctx, name, uid)
}

// removeMetrics removes the metrics of an object that is gone.
func (r *VerifiedChartReconciler) removeMetrics(ctx context.Context, obj *v1alpha1.VerifiedChart) {
	r.Verifications.remove(obj)
	deleted := obj.DeepCopy()
	now := metav1.NewTime(r.Now())
	deleted.DeletionTimestamp, deleted.Finalizers = &now, nil
	r.RecordReadiness(ctx, deleted)
	r.RecordDuration(ctx, deleted, r.Now())
	r.RecordSuspend(ctx, deleted, false)
}

const (
	// sweepEvery is the pause between two searches for files and ExternalArtifacts whose object is gone.
	sweepEvery = 10 * time.Minute
	// sweepAge is the minimum age of files that are swept.
	sweepAge = 10 * time.Minute
)

// sweep removes our files and ExternalArtifacts if the API server itself reports that their VerifiedChart is gone. If the API
// server does not answer, or does not know the kind, sweep removes nothing.
func (r *VerifiedChartReconciler) sweep(ctx context.Context) {
	r.sweepFiles(ctx)
	r.sweepExternalArtifacts(ctx)
}

func (r *VerifiedChartReconciler) sweepFiles(ctx context.Context) {
	stored, err := r.Storage.Stored()
	if err != nil {
		ctrl.Log.Error(err, "cannot list stored files")
		return
	}
	for _, o := range stored {
		before := r.Now().Add(-sweepAge)
		if o.Newest.After(before) || ctx.Err() != nil {
			continue
		}
		if gone, err := r.isGoneFor(ctx, types.NamespacedName{Namespace: o.Namespace, Name: o.Name}, ""); err != nil || !gone {
			continue
		}
		if err := r.Storage.RemoveStored(o, before); err != nil {
			ctrl.Log.Error(err, "cannot sweep files", "namespace", o.Namespace, "name", o.Name)
			continue
		}
		r.Verifications.swept("files")
	}
}

func (r *VerifiedChartReconciler) sweepExternalArtifacts(ctx context.Context) {
	if !r.externalArtifacts.served.Load() {
		return
	}
	var list sourcev1.ExternalArtifactList
	if err := r.List(ctx, &list, client.UnsafeDisableDeepCopy); err != nil {
		ctrl.Log.Error(err, "cannot list ExternalArtifacts")
		return
	}
	for i := range list.Items {
		ea := &list.Items[i]
		uid := types.UID("")
		if owner := metav1.GetControllerOf(ea); owner != nil {
			uid = owner.UID
		}
		if !r.isOrphan(ea, uid) {
			continue
		}
		name := client.ObjectKeyFromObject(ea)
		if gone, err := r.isGoneFor(ctx, name, uid); err != nil || !gone {
			continue
		}
		if err := r.deleteExternalArtifact(ctx, name, uid); err != nil {
			ctrl.Log.Error(err, "cannot sweep an ExternalArtifact", "namespace", name.Namespace, "name", name.Name)
			continue
		}
		r.Verifications.swept("ExternalArtifact")
	}
}
