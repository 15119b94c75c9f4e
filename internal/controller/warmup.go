// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"errors"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
)

// warmupTime is how long readiness waits at most until every published chart is verified once.
const warmupTime = 60 * time.Second

// warmup is the first round of verifications after a start: every path that a status publishes is expected, and answers 503 until
// its chart has been verified. The zero value has not begun.
type warmup struct {
	once sync.Once

	mu      sync.Mutex
	begun   time.Time
	waiting map[types.NamespacedName]bool
}

// begin expects the path of every published chart in the cache. The cache must be synced. Only the first call has an effect.
func (w *warmup) begin(ctx context.Context, r *VerifiedChartReconciler) {
	w.once.Do(func() {
		var list v1alpha1.VerifiedChartList
		if err := r.List(ctx, &list, client.UnsafeDisableDeepCopy); err != nil {
			ctrl.Log.Error(err, "cannot list VerifiedCharts after the start: every path that is not verified yet answers 503")
			return
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		w.begun, w.waiting = r.Now(), map[types.NamespacedName]bool{}
		for i := range list.Items {
			obj := &list.Items[i]
			if a := obj.Status.Artifact; a != nil && r.Storage.Owns(obj, *a) && obj.DeletionTimestamp.IsZero() {
				r.Paths.Expect(ownerOf(obj), a.Path)
				w.waiting[client.ObjectKeyFromObject(obj)] = true
			}
		}
		r.Paths.Known()
	})
}

// verified records that an object has been verified.
func (w *warmup) verified(name types.NamespacedName) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.waiting, name)
}

// errWarmup is the error of a controller that is not warm yet.
var errWarmup = errors.New("published charts are being verified after the start")

// Warm returns nil once every published chart has been verified after the start, or warmupTime is over.
func (r *VerifiedChartReconciler) Warm() error {
	w := &r.warmup
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.begun.IsZero() || (len(w.waiting) > 0 && r.Now().Sub(w.begun) < warmupTime) {
		return errWarmup
	}
	return nil
}
