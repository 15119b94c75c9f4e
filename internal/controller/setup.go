// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"sync"
	"time"

	"github.com/fluxcd/pkg/runtime/jitter"
	"github.com/fluxcd/pkg/runtime/predicates"
	sourcev1 "github.com/fluxcd/source-controller/api/v1"
	"github.com/opencontainers/go-digest"
	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/utils/ptr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/internal/chart"
	"github.com/verifiedchart/verifiedchart/internal/fairlru"
	"github.com/verifiedchart/verifiedchart/internal/lifecycle"
	"github.com/verifiedchart/verifiedchart/internal/material"
)

// ExternalArtifactCRD is the name of the CustomResourceDefinition of Flux's ExternalArtifact.
const ExternalArtifactCRD = "externalartifacts.source.toolkit.fluxcd.io"

const (
	// attemptsEach is how many attempts may wait for registries, for each attempt that may unpack an archive.
	attemptsEach = 8
	// guards is how many objects the Guard verifies at a time.
	guards = 8
)

// Options of the controller.
type Options struct {
	// RateLimiter returns a new limiter that spaces out retries.
	RateLimiter func() workqueue.TypedRateLimiter[reconcile.Request]
	// Concurrent is how many objects are reconciled, and how many archives unpacked, at a time. Eight times as
	// many may wait for registries.
	Concurrent int
	// PublicRootChanged receives an event when the trusted root of the public Sigstore changes. Optional.
	PublicRootChanged <-chan event.GenericEvent
	// SkipNameValidation allows several controllers with one name in one process, for example in tests.
	SkipNameValidation bool
}

// SetupWithManager registers both reconcilers and their watches: VerifiedCharts, ClusterChartPolicies, the metadata of Secrets and
// ConfigMaps, ServiceAccounts, and ExternalArtifacts once the cluster has them.
func (r *VerifiedChartReconciler) SetupWithManager(ctx context.Context, mgr ctrl.Manager, o Options) error {
	if err := r.index(ctx, mgr); err != nil {
		return err
	}
	queues := &queues{}
	r.prepare(o.RateLimiter(), o.Concurrent, queues.add)
	r.errands.ctx = ctx
	changes := fanOut(ctx, o.PublicRootChanged)
	main, err := r.watch(mgr, "verifiedchart", r, o, o.Concurrent*2, queues, changes[0])
	if err != nil {
		return err
	}
	if _, err := r.watch(mgr, "verifiedchart-guard", Guard{r}, o, guards, queues, changes[1]); err != nil {
		return err
	}
	if err := mgr.Add(r.background(mgr)); err != nil {
		return err
	}
	return r.watchExternalArtifacts(mgr, main)
}

// prepare sets the unexported fields of the reconciler.
func (r *VerifiedChartReconciler) prepare(retries workqueue.TypedRateLimiter[ctrl.Request], concurrent int, requeue func(types.NamespacedName)) {
	if r.Now == nil {
		r.Now = time.Now
	}
	r.retries, r.shares = retries, newShares(guards, r.Now)
	r.gatherer = gatherer{
		client: r.Client, material: r.Material, revocations: r.Revocations, storage: r.Storage, namespace: r.Namespace,
		observe: r.Verifications.observe, now: r.Now, minInterval: r.MinInterval,
	}
	r.errands = &errands{
		gatherer: r.gatherer, material: r.Material, registries: r.Registries, charts: r.Charts, cache: r.Cache, storage: r.Storage, downloads: newDownloads(), allowHTTP: r.AllowHTTP, maxTimeout: r.MaxTimeout,
		questions: newLimiter(questionPlaces, r.Now), attempts: newLimiter(concurrent*attemptsEach, r.Now),
		inspections: make(chan struct{}, max(concurrent, 1)), inspected: fairlru.New[digest.Digest, chart.Metadata](inspectedBytes), requeue: requeue, ctx: context.Background(),
	}
}

// watch registers a reconciler with the watches that both reconcilers share.
func (r *VerifiedChartReconciler) watch(mgr ctrl.Manager, name string, reconciler reconcile.Reconciler, o Options, workers int, queues *queues, publicRoot <-chan event.GenericEvent) (controller.Controller, error) {
	u := users{client: r.Client, sessions: &r.sessions, revocations: r.Revocations, namespace: r.Namespace}
	changed := builder.WithPredicates(predicate.ResourceVersionChangedPredicate{})
	c, err := ctrl.NewControllerManagedBy(mgr).Named(name).
		For(&v1alpha1.VerifiedChart{}, builder.WithPredicates(predicate.Or(predicate.GenerationChangedPredicate{}, predicates.ReconcileRequestedPredicate{}, leavingPredicate{}))).
		WatchesMetadata(&corev1.Secret{}, handler.EnqueueRequestsFromMapFunc(u.ofSecret), changed).
		WatchesMetadata(&corev1.ConfigMap{}, handler.EnqueueRequestsFromMapFunc(u.of(configMapIndex, material.ConfigMapNames)), changed).
		Watches(&corev1.ServiceAccount{}, handler.EnqueueRequestsFromMapFunc(u.ofAccount), changed).
		Watches(&v1alpha1.ClusterChartPolicy{}, handler.EnqueueRequestsFromMapFunc(u.all), builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		WatchesRawSource(queues.source()).
		WithOptions(controller.Options{
			RateLimiter: o.RateLimiter(), NewQueue: newFairQueue, MaxConcurrentReconciles: workers, SkipNameValidation: &o.SkipNameValidation,
			// The priority queue may lock up when the manager stops (kubernetes-sigs/controller-runtime#3538), so that the
			// process would run until the end of its grace period.
			UsePriorityQueue: ptr.To(false),
		}).
		Build(reconciler)
	if err != nil || publicRoot == nil {
		return c, err
	}
	return c, c.Watch(source.Channel(publicRoot, handler.EnqueueRequestsFromMapFunc(u.ofPublicRoot)))
}

// leavingPredicate passes the update that marks an object as being deleted, even if finalizers keep the object, and the update
// that replaces an object by a new one with its name.
type leavingPredicate struct{ predicate.Funcs }

// Update implements predicate.Predicate.
func (leavingPredicate) Update(e event.UpdateEvent) bool {
	return e.ObjectOld.GetDeletionTimestamp().IsZero() != e.ObjectNew.GetDeletionTimestamp().IsZero() || e.ObjectOld.GetUID() != e.ObjectNew.GetUID()
}

// queues are the work queues of both reconcilers.
type queues struct {
	mu  sync.Mutex
	all []workqueue.TypedRateLimitingInterface[reconcile.Request]
}

// source returns a source of events that adds its queue to the queues.
func (q *queues) source() source.Source {
	return source.Func(func(_ context.Context, queue workqueue.TypedRateLimitingInterface[reconcile.Request]) error {
		q.mu.Lock()
		defer q.mu.Unlock()
		q.all = append(q.all, queue)
		return nil
	})
}

// add makes both reconcilers reconcile an object.
func (q *queues) add(name types.NamespacedName) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, queue := range q.all {
		queue.Add(requestOf(name))
	}
}

// fanOut returns two channels that receive every event of a channel until ctx ends. For a nil channel they are nil.
func fanOut(ctx context.Context, in <-chan event.GenericEvent) (out [2]chan event.GenericEvent) {
	if in == nil {
		return out
	}
	for i := range out {
		out[i] = make(chan event.GenericEvent, 1)
	}
	go func() {
		for {
			select {
			case <-ctx.Done():
				return
			case e := <-in:
				for _, each := range out {
					select {
					case each <- e:
					case <-ctx.Done():
						return
					}
				}
			}
		}
	}()
	return out
}

// background begins the warmup as soon as the caches are synced, and then sweeps regularly.
func (r *VerifiedChartReconciler) background(mgr ctrl.Manager) manager.Runnable {
	return manager.RunnableFunc(func(ctx context.Context) error {
		if !mgr.GetCache().WaitForCacheSync(ctx) {
			return nil
		}
		r.warmup.begin(ctx, r)
		ticker := time.NewTicker(sweepEvery)
		defer ticker.Stop()
		for {
			r.sweep(ctx)
			select {
			case <-ctx.Done():
				return nil
			case <-ticker.C:
			}
		}
	})
}

// result returns when to reconcile again.
func (r *VerifiedChartReconciler) result(req ctrl.Request, d lifecycle.Decision) ctrl.Result {
	now := r.Now()
	after := time.Duration(0)
	sooner := func(pause time.Duration) {
		if pause = max(pause, time.Millisecond); after == 0 || pause < after {
			after = pause
		}
	}
	if !d.Next.At.IsZero() {
		sooner(d.Next.At.Sub(now))
	}
	if d.Next.Within > 0 {
		sooner(d.Next.Within)
	}
	switch {
	case d.Next.Interval > 0:
		r.retries.Forget(req)
		sooner(jitter.JitteredRequeueInterval(ctrl.Result{RequeueAfter: d.Next.Interval}).RequeueAfter)
	case d.Next.Backoff:
		sooner(r.retries.When(req))
	}
	return ctrl.Result{RequeueAfter: after}
}

// watchExternalArtifacts watches for the definition of ExternalArtifact, since Flux may be installed after this controller has
// started, and then for ExternalArtifacts that somebody else changes or deletes.
func (r *VerifiedChartReconciler) watchExternalArtifacts(mgr ctrl.Manager, c controller.Controller) error {
	if _, err := mgr.GetRESTMapper().RESTMapping(sourcev1.GroupVersion.WithKind(sourcev1.ExternalArtifactKind).GroupKind(), sourcev1.GroupVersion.Version); err == nil {
		return r.watchOwned(mgr, c)
	}
	u := users{client: r.Client, sessions: &r.sessions}
	definition := &apiextensionsv1.CustomResourceDefinition{}
	defined := func(ctx context.Context, crd *apiextensionsv1.CustomResourceDefinition, q workqueue.TypedRateLimitingInterface[reconcile.Request]) {
		if crd.Name != ExternalArtifactCRD || !established(crd) || r.externalArtifacts.served.Load() {
			return
		}
		if err := r.watchOwned(mgr, c); err != nil {
			mgr.GetLogger().Error(err, "cannot watch ExternalArtifacts")
			return
		}
		for _, request := range u.list(ctx) {
			q.Add(request)
		}
	}
	return c.Watch(source.Kind(mgr.GetCache(), definition, handler.TypedFuncs[*apiextensionsv1.CustomResourceDefinition, reconcile.Request]{
		CreateFunc: func(ctx context.Context, e event.TypedCreateEvent[*apiextensionsv1.CustomResourceDefinition], q workqueue.TypedRateLimitingInterface[reconcile.Request]) {
			defined(ctx, e.Object, q)
		},
		UpdateFunc: func(ctx context.Context, e event.TypedUpdateEvent[*apiextensionsv1.CustomResourceDefinition], q workqueue.TypedRateLimitingInterface[reconcile.Request]) {
			defined(ctx, e.ObjectNew, q)
		},
	}))
}

func established(crd *apiextensionsv1.CustomResourceDefinition) bool {
	for _, c := range crd.Status.Conditions {
		if c.Type == apiextensionsv1.Established {
			return c.Status == apiextensionsv1.ConditionTrue
		}
	}
	return false
}

func (r *VerifiedChartReconciler) watchOwned(mgr ctrl.Manager, c controller.Controller) error {
	if r.externalArtifacts.served.Swap(true) {
		return nil
	}
	return c.Watch(source.Kind[client.Object](mgr.GetCache(), &sourcev1.ExternalArtifact{},
		handler.EnqueueRequestForOwner(mgr.GetScheme(), mgr.GetRESTMapper(), &v1alpha1.VerifiedChart{}, handler.OnlyControllerOwner()),
		r.changedByOthers()))
}

// changedByOthers passes changes that this controller did not make: an ExternalArtifact that is deleted, or that no longer carries
// the artifact of its VerifiedChart.
func (r *VerifiedChartReconciler) changedByOthers() predicate.Predicate {
	return predicate.Funcs{
		CreateFunc:  func(event.CreateEvent) bool { return false },
		GenericFunc: func(event.GenericEvent) bool { return false },
		DeleteFunc:  func(event.DeleteEvent) bool { return true },
		UpdateFunc: func(e event.UpdateEvent) bool {
			ea, ok := e.ObjectNew.(*sourcev1.ExternalArtifact)
			return ok && r.externalArtifacts.changed(ea)
		},
	}
}

// Damaged requeues an object whose file differs from the stored one. It does not block.
func (r *VerifiedChartReconciler) Damaged(namespace, name string) {
	if key := (types.NamespacedName{Namespace: namespace, Name: name}); r.errands != nil {
		if s := r.sessions.find(key); s != nil {
			go func() {
				s.mu.Lock()
				s.verified = verification{}
				s.mu.Unlock()
				r.errands.requeue(key)
			}()
		}
	}
}
