// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/opencontainers/go-digest"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/internal/chart"
	"github.com/verifiedchart/verifiedchart/internal/chartrepo"
	"github.com/verifiedchart/verifiedchart/internal/fairlru"
	"github.com/verifiedchart/verifiedchart/internal/lifecycle"
	"github.com/verifiedchart/verifiedchart/internal/material"
	"github.com/verifiedchart/verifiedchart/internal/outbound"
	"github.com/verifiedchart/verifiedchart/internal/registry"
	"github.com/verifiedchart/verifiedchart/internal/storage"
)

// errands read registries outside of the reconciles. An errand puts its result into the session of its object and
// requeues the object.
type errands struct {
	gatherer   gatherer
	material   *material.Loader
	registries *registry.Client
	charts     *chartrepo.Client
	cache      *registry.Cache
	storage    *storage.Storage
	downloads  *downloads
	allowHTTP  bool
	maxTimeout time.Duration
	// questions limits questions about published charts, attempts limits attempts and recoveries.
	questions, attempts *limiter
	// inspections bounds how many archives are unpacked at a time, since that takes memory. inspected holds the metadata of the archives
	// that were unpacked lately, by digest: many objects may name one chart.
	inspections chan struct{}
	inspected   *fairlru.Cache[digest.Digest, chart.Metadata]
	// requeue makes both reconcilers reconcile an object again.
	requeue func(types.NamespacedName)
	// ctx ends with the process.
	ctx context.Context
}

// errand is an errand that runs or waits to run.
type errand struct {
	key  string
	stop context.CancelFunc
}

func (e *errand) cancel() {
	if e != nil {
		e.stop()
	}
}

// cancelUnless returns the errand if it was sent with that key. Otherwise it cancels the errand and returns nil.
func (e *errand) cancelUnless(key string) *errand {
	if e == nil || e.key == key {
		return e
	}
	e.cancel()
	return nil
}

// questionPlaces is how many questions about published charts run at a time. Each takes a few seconds at most.
const questionPlaces = 64

// send starts the errands that the decision asks for and that do not run yet. It is called under the session's lock.
func (e *errands) send(obj *v1alpha1.VerifiedChart, s *session, now local, a lifecycle.Ask) {
	key := now.request
	s.errand = s.errand.cancelUnless(key)
	switch {
	case s.ended, s.errand != nil:
	case a.Bytes && s.answer == nil:
		s.errand = e.startRecovery(obj, s, now, key)
	case a.Reference:
		s.errand = e.startAttempt(obj, s, now, key)
	}
	e.sendQuestion(obj, s, now, a)
}

// sendQuestion asks the registry about the published chart if the decision asks for that and there is no answer yet. It cancels a
// running question only if that question is about another chart or was sent by other policies. It is called under the session's lock.
func (e *errands) sendQuestion(obj *v1alpha1.VerifiedChart, s *session, now local, a lifecycle.Ask) {
	s.question = s.question.cancelUnless(now.aboutPublished())
	if a.Signatures && !a.Bytes && s.answer == nil && s.question == nil && !s.ended {
		s.question = e.startQuestion(obj, s, now, a.Until)
	}
}

// inspectedBytes bounds the cached metadata of unpacked archives.
const inspectedBytes = 1 << 20

// bytesPerPlace is how many bytes of Secrets an errand may hold for each place that it takes.
const bytesPerPlace = 128 << 10

// withPolicies returns the local facts of an errand with the policies. It loads them when the errand begins to run, so that a waiting
// errand holds no keys. ok is false if the policies have changed since the errand was sent.
func (e *errands) withPolicies(ctx context.Context, obj *v1alpha1.VerifiedChart, now local) (_ local, ok bool) {
	e.gatherer.readAhead(ctx, obj)
	var repository string
	if p := now.facts.Published; p != nil {
		repository = p.Repository
	}
	rules := e.gatherer.rules(ctx, obj, repository)
	now.requestedPolicies, now.publishedPolicies = rules.requested, rules.published
	return now, keyOf(rules.key, requestToken(obj)) == now.request
}

// reads bounds the errands of the process that have read much into memory.
var reads = outbound.NewPool(16)

// run runs an errand in a limiter, and requeues the object when the errand is over.
func (e *errands) run(in *limiter, obj *v1alpha1.VerifiedChart, now local, timeout time.Duration, do func(context.Context)) context.CancelFunc {
	name := client.ObjectKeyFromObject(obj)
	cancel := in.start(e.ctx, obj.Namespace, 1+now.bytes/bytesPerPlace, func(ctx context.Context) {
		meter := reads.Meter(obj.Namespace)
		defer meter.Release() // runs last: nothing reads once ctx has ended
		ctx, cancel := context.WithTimeout(outbound.WithMeter(ctx, meter), timeout)
		defer cancel()
		defer e.requeue(name)
		defer func() {
			if p := recover(); p != nil {
				ctrl.Log.Error(fmt.Errorf("panic: %v", p), "reading the registry ended unexpectedly", "namespace", name.Namespace, "name", name.Name, "stack", string(debug.Stack()))
			}
		}()
		do(e.withRoute(ctx, obj))
	})
	return func() {
		if waited := cancel(); waited {
			e.requeue(name) // the errand never runs, so it does not requeue the object itself
		}
	}
}

// timeout returns the timeout of an errand for an object.
func (e *errands) timeout(obj *v1alpha1.VerifiedChart) time.Duration {
	if e.maxTimeout > 0 {
		return min(obj.GetTimeout(), e.maxTimeout)
	}
	return obj.GetTimeout()
}

// route is the route of an errand's requests, or the reason why there is none.
type route struct {
	route outbound.Route
	err   error
}

type routeKey struct{}

// withRoute loads the certificates and the proxy of an object into the context of its errand.
func (e *errands) withRoute(ctx context.Context, obj *v1alpha1.VerifiedChart) context.Context {
	if obj.Spec.CertSecretRef == nil && obj.Spec.ProxySecretRef == nil {
		return ctx
	}
	var r route
	r.route, r.err = e.material.Route(ctx, obj.Namespace, obj.Spec)
	return context.WithValue(outbound.WithProxy(ctx, r.route.Proxy), routeKey{}, r)
}

func routeIn(ctx context.Context) route {
	r, _ := ctx.Value(routeKey{}).(route)
	return r
}
