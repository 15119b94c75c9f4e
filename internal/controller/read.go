// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
)

// presence is whether an object is in the cluster and belongs to this controller.
type presence int

const (
	// here: the object exists and belongs to this controller.
	here presence = iota
	// left: the object exists, but no longer in the selector or the namespaces of this controller.
	left
	// gone: the object is deleted, or is being deleted.
	gone
)

// reread reads the object from the cache again, since it may have changed during the wait for the lock of its session.
// It returns false if the object is gone, or if a new object has its name.
func (r *VerifiedChartReconciler) reread(ctx context.Context, was *v1alpha1.VerifiedChart) (*v1alpha1.VerifiedChart, bool) {
	obj := &v1alpha1.VerifiedChart{}
	err := r.Get(ctx, client.ObjectKeyFromObject(was), obj)
	return obj, err == nil && obj.UID == was.UID && obj.DeletionTimestamp.IsZero()
}

// liveTimeout bounds a read from the API server, without the cache.
const liveTimeout = 3 * time.Second

// read returns an object from the cache, or from the API server if the cache does not have it: the cache is filtered
// by labels and namespaces, so that absence from it proves nothing. An error means that nothing is known about the object.
func (r *VerifiedChartReconciler) read(ctx context.Context, name types.NamespacedName) (*v1alpha1.VerifiedChart, presence, error) {
	obj := &v1alpha1.VerifiedChart{}
	err := r.Get(ctx, name, obj)
	if apierrors.IsNotFound(err) {
		return r.readLive(ctx, name)
	}
	if err != nil {
		return nil, here, err
	}
	if !obj.DeletionTimestamp.IsZero() {
		return obj, gone, nil
	}
	return obj, here, nil
}

func (r *VerifiedChartReconciler) readLive(ctx context.Context, name types.NamespacedName) (*v1alpha1.VerifiedChart, presence, error) {
	ctx, cancel := context.WithTimeout(ctx, liveTimeout)
	defer cancel()
	obj := &v1alpha1.VerifiedChart{}
	err := r.APIReader.Get(ctx, name, obj)
	switch {
	case isGone(err):
		return nil, gone, nil
	case err != nil:
		return nil, left, err
	case !obj.DeletionTimestamp.IsZero():
		return obj, gone, nil
	}
	return obj, left, nil
}

// isGone reports whether an answer of the API server proves that an object is gone. The answer for a kind that
// does not exist is also a NotFound, and proves nothing about the object.
func isGone(err error) bool {
	return apierrors.IsNotFound(err) && !apierrors.HasStatusCause(err, metav1.CauseTypeUnexpectedServerResponse)
}

// isGoneFor reports whether the API server proves that no object of that name has that UID.
func (r *VerifiedChartReconciler) isGoneFor(ctx context.Context, name types.NamespacedName, uid types.UID) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, liveTimeout)
	defer cancel()
	obj := &v1alpha1.VerifiedChart{}
	err := r.APIReader.Get(ctx, name, obj)
	switch {
	case isGone(err):
		return true, nil
	case err != nil:
		return false, err
	}
	return uid != "" && obj.UID != uid, nil
}

// dropFinalizer removes the finalizer that older versions set. This version needs none.
func (r *VerifiedChartReconciler) dropFinalizer(ctx context.Context, obj *v1alpha1.VerifiedChart) (dropped bool, err error) {
	kept := make([]string, 0, len(obj.Finalizers))
	for _, f := range obj.Finalizers {
		if f != v1alpha1.VerifiedChartFinalizer {
			kept = append(kept, f)
		}
	}
	if len(kept) == len(obj.Finalizers) {
		return false, nil
	}
	before := obj.DeepCopy()
	obj.Finalizers = kept
	patch := client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})
	return true, r.Patch(ctx, obj.DeepCopy(), patch, client.FieldOwner(r.Name))
}
