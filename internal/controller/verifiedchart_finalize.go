// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"

	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
)

// finalize removes everything of obj. It needs no registry, no Secret and no
// valid spec, so that an object can always be deleted.
func (r *VerifiedChartReconciler) finalize(ctx context.Context, obj *v1alpha1.VerifiedChart) error {
	if !controllerutil.ContainsFinalizer(obj, v1alpha1.VerifiedChartFinalizer) {
		return nil
	}
	before := obj.DeepCopy()
	if err := r.remove(obj); err != nil {
		return err
	}
	if err := r.retract(ctx, obj); err != nil {
		return err
	}
	r.Verifications.forget(obj)
	r.resolutions.forget(obj)
	r.retries.Forget(ctrl.Request{NamespacedName: client.ObjectKeyFromObject(obj)})
	controllerutil.RemoveFinalizer(obj, v1alpha1.VerifiedChartFinalizer)
	patch := client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})
	err := r.Patch(ctx, obj, patch, client.FieldOwner(r.Name))
	r.RecordReadiness(ctx, obj)
	return client.IgnoreNotFound(err)
}
