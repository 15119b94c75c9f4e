// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/fluxcd/pkg/apis/meta"
	"github.com/opencontainers/go-digest"
	"k8s.io/apimachinery/pkg/types"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/internal/pipeline"
	"github.com/verifiedchart/verifiedchart/internal/verify"
)

// resolve returns what the reference of the spec names. The registry is asked for
// that once an interval: between two of them, as when a Secret is edited that a
// thousand objects use, what it said last is judged again.
func (r *VerifiedChartReconciler) resolve(ctx context.Context, obj *v1alpha1.VerifiedChart, in inputs) (pipeline.Resolved, error) {
	asked := askedOf(obj, in)
	if last, ok := r.resolutions.get(obj.UID); ok && last.asked == asked && time.Since(last.at) < obj.GetRequeueAfter()/2 {
		wanted := in.wanted
		wanted.Digest = last.digest
		resolved, err := pipeline.Resolve(ctx, in.reader, wanted)
		resolved.Tag = last.tag
		return resolved, err
	}
	resolved, err := pipeline.Resolve(ctx, in.reader, in.wanted)
	if err == nil {
		r.resolutions.set(obj.UID, resolution{asked: asked, at: time.Now(), tag: resolved.Tag, digest: resolved.Manifest.Descriptor.Digest})
	}
	return resolved, err
}

// resolution is what a reference named when the registry was asked.
type resolution struct {
	asked  asked
	at     time.Time
	tag    string
	digest digest.Digest
}

// asked is what an answer of the registry is an answer to: once it differs, the registry is asked anew.
type asked struct {
	generation int64
	// request is the value of the annotation by which a reconcile is asked for.
	request string
	// scope is that of the credentials.
	scope string
}

func askedOf(obj *v1alpha1.VerifiedChart, in inputs) asked {
	request, _ := meta.ReconcileAnnotationValue(obj.Annotations)
	return asked{generation: obj.Generation, request: request, scope: in.target.Scope}
}

// resolutions are the last one of each object. The zero value is empty.
type resolutions struct {
	mu   sync.Mutex
	last map[types.UID]resolution
}

func (r *resolutions) get(uid types.UID) (resolution, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	last, ok := r.last[uid]
	return last, ok
}

func (r *resolutions) set(uid types.UID, last resolution) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.last == nil {
		r.last = map[types.UID]resolution{}
	}
	r.last[uid] = last
}

// settle forgets a resolution that came to no verdict, so that what is tried again is asked for again.
func (r *resolutions) settle(obj *v1alpha1.VerifiedChart, err error) {
	if err != nil && !errors.Is(err, verify.ErrRejected) {
		r.forget(obj)
	}
}

func (r *resolutions) forget(obj *v1alpha1.VerifiedChart) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.last, obj.UID)
}
