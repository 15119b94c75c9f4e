// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"time"

	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/internal/lifecycle"
)

// takeoverTime is how long the chart of an object that left the selector is served until another controller takes over,
// lookAgain is the pause between two checks.
const takeoverTime, lookAgain = 60 * time.Second, 5 * time.Second

// Guard decides whether the published chart of an object may still be served, and carries that out in this process. It waits for
// no registry (an errand asks its questions) and writes nothing to the API server. Its reads from the API server end after a few
// seconds.
type Guard struct{ *VerifiedChartReconciler }

// Reconcile implements reconcile.Reconciler: it decides by local facts.
func (g Guard) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	end := g.shares.begin(req.Namespace)
	if end == nil {
		return ctrl.Result{RequeueAfter: comeBack}, nil
	}
	defer end()
	g.warmup.begin(ctx, g.VerifiedChartReconciler)
	defer g.warmup.verified(req.NamespacedName)
	obj, presence, err := g.read(ctx, req.NamespacedName)
	switch {
	case err != nil:
		return ctrl.Result{RequeueAfter: time.Second}, nil // nothing is known: keep serving
	case presence == gone:
		g.Paths.Drop(req.Namespace, req.Name)
		g.sessions.end(req.NamespacedName)
		return ctrl.Result{}, nil
	case presence == left:
		return g.verifyLeft(ctx, obj), nil
	}
	d, ok := g.verifyNow(ctx, obj, g.sessions.of(obj))
	switch {
	case !ok:
		return ctrl.Result{RequeueAfter: cacheLag}, nil
	case !d.Next.At.IsZero():
		return ctrl.Result{RequeueAfter: max(d.Next.At.Sub(g.Now()), time.Millisecond)}, nil
	case d.Undecided():
		return ctrl.Result{RequeueAfter: lookAgain}, nil // material that could not be read may have become readable
	}
	return ctrl.Result{}, nil
}

// comeBack is the pause before an object is tried again if its namespace already uses its share of the workers.
const comeBack = 250 * time.Millisecond

// verifyNow decides by local facts, carries out the part of the decision that concerns only this process, and asks the registry for
// other signatures if they are needed. ok is false if the object is gone, or a new object has its name.
func (g Guard) verifyNow(ctx context.Context, cached *v1alpha1.VerifiedChart, s *session) (d lifecycle.Decision, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	cached, ok = g.reread(ctx, cached)
	if !ok || s.ended {
		return d, false
	}
	s.leave(time.Time{})
	return g.verifyLocked(ctx, s.peek(cached), s), true
}

// verifyLeft verifies an object that left the selector, until the controller to which the object moved serves its chart. It changes
// only what this process serves.
func (g Guard) verifyLeft(ctx context.Context, obj *v1alpha1.VerifiedChart) ctrl.Result {
	owner, path, _, ok := g.Paths.Current(obj.Namespace, obj.Name)
	if !ok || owner != ownerOf(obj) {
		g.Paths.Drop(obj.Namespace, obj.Name)
		g.sessions.end(ctrlKey(obj))
		return ctrl.Result{}
	}
	s := g.sessions.of(obj)
	now := g.Now()
	s.mu.Lock()
	if s.leftAt.IsZero() {
		s.leave(now)
		s.errand.cancel()
		s.errand = nil
	}
	over := now.Sub(s.leftAt) >= takeoverTime
	s.mu.Unlock()
	if a := obj.Status.Artifact; over || a == nil || a.Path != path || !g.isOurs(obj) {
		g.Paths.Drop(obj.Namespace, obj.Name)
		g.sessions.end(ctrlKey(obj))
		return ctrl.Result{}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	g.verifyLocked(ctx, obj, s)
	return ctrl.Result{RequeueAfter: lookAgain}
}

// verifyLocked verifies the published chart of an object. The caller holds the session's lock.
func (g Guard) verifyLocked(ctx context.Context, obj *v1alpha1.VerifiedChart, s *session) lifecycle.Decision {
	obj = s.restoreSince(obj)
	now := g.gatherer.gather(ctx, obj, s)
	d := lifecycle.DecideLocal(now.facts)
	s.saveSince(d.Status)
	g.serve(obj, s, now, d)
	g.errands.sendQuestion(obj, s, now, d.Ask)
	return d
}

// isOurs reports whether this process serves the artifact's URL.
func (g Guard) isOurs(obj *v1alpha1.VerifiedChart) bool {
	ours := *obj.Status.Artifact.DeepCopy()
	g.Storage.SetURL(&ours)
	return ours.URL == obj.Status.Artifact.URL
}
