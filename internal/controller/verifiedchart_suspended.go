// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"errors"

	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/internal/storage"
)

// suspended leaves obj as it is, and served, unless what is published is revoked:
// that holds everywhere, and needs neither the registry nor any Secret. A file that is
// not what was stored is not served.
func (r *VerifiedChartReconciler) suspended(ctx context.Context, obj *v1alpha1.VerifiedChart) error {
	if obj.Status.Artifact == nil {
		// Its withdrawal may not be announced yet.
		if err := r.announce(ctx, obj); unannounced(err) {
			return err
		}
		return nil
	}
	if obj.Status.Verification == nil || !r.Storage.Owns(obj, *obj.Status.Artifact) {
		return nil
	}
	before := obj.DeepCopy()
	in := inputs{policies: r.policies(ctx, obj, noMaterial)}
	if revoked := r.dropRevoked(ctx, obj, in); revoked != nil {
		_, err := r.conclude(ctx, before, obj, findings{judged: true}, revoked)
		return err
	}
	switch err := r.Storage.Check(*obj.Status.Artifact); {
	case errors.Is(err, storage.ErrMissing), errors.Is(err, storage.ErrDamaged):
		r.Served.Revoke(obj.Status.Artifact)
		ctrl.LoggerFrom(ctx).Info("not served while suspended", "cause", err.Error())
		return nil
	case err != nil:
		return err
	}
	r.Served.Admit(obj.Status.Artifact)
	return nil
}
