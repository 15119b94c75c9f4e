package controller

import (
	"context"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
)

// suspended leaves obj as it is, and served, unless what is published is revoked:
// that holds everywhere, and needs neither the registry nor any Secret.
func (r *VerifiedChartReconciler) suspended(ctx context.Context, obj *v1alpha1.VerifiedChart) error {
	if obj.Status.Artifact == nil || obj.Status.Verification == nil || !r.Storage.Owns(obj, *obj.Status.Artifact) {
		return nil
	}
	before := obj.DeepCopy()
	in := inputs{policies: r.policies(ctx, obj, noMaterial)}
	revoked := r.dropRevoked(ctx, obj, in)
	if revoked == nil {
		r.Served.Admit(obj.Status.Artifact)
		return nil
	}
	_, err := r.conclude(ctx, before, obj, findings{judged: true}, revoked)
	return err
}
