// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	helper "github.com/fluxcd/pkg/runtime/controller"
	"github.com/fluxcd/pkg/runtime/predicates"
	sourcev1 "github.com/fluxcd/source-controller/api/v1"
	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/utils/ptr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
)

const (
	// secretIndex indexes VerifiedCharts by the names of the Secrets they refer to.
	secretIndex = ".spec.secrets"

	// configMapIndex indexes VerifiedCharts by the names of the ConfigMaps they refer to.
	configMapIndex = ".spec.configMaps"

	// publicRootIndex indexes VerifiedCharts by whether they need the trusted root of the public Sigstore.
	publicRootIndex = ".spec.publicRoot"

	// ExternalArtifactCRD is the name of the CustomResourceDefinition of Flux's ExternalArtifact.
	ExternalArtifactCRD = "externalartifacts.source.toolkit.fluxcd.io"
)

// Options of the controller.
type Options struct {
	// RateLimiter returns a new one that spaces out retries.
	RateLimiter func() workqueue.TypedRateLimiter[reconcile.Request]
	// Concurrent is how many objects are reconciled at a time, besides those that wait for a slow registry.
	Concurrent int
	// PublicRootChanged tells that the trusted root of the public Sigstore is another. Optional.
	PublicRootChanged <-chan event.GenericEvent
	// SkipNameValidation allows several controllers of one name in one process, as in tests.
	SkipNameValidation bool
}

// SetupWithManager registers the reconciler and its watches: VerifiedCharts, the
// metadata of Secrets and ConfigMaps, and ExternalArtifacts once the cluster has them.
func (r *VerifiedChartReconciler) SetupWithManager(ctx context.Context, mgr ctrl.Manager, o Options) error {
	if err := index(ctx, mgr); err != nil {
		return err
	}
	r.retries, r.lanes = o.RateLimiter(), newLanes(o.Concurrent)
	wrapped := helper.WrapReconciler(r)
	c, err := helper.NewControllerManagedBy(mgr, wrapped).
		For(&v1alpha1.VerifiedChart{}, predicate.Or(predicate.GenerationChangedPredicate{}, predicates.ReconcileRequestedPredicate{})).
		WatchesMetadata(&corev1.Secret{}, wrapped.EnqueueRequestsFromMapFunc(secretKind, r.usersOf(secretIndex, secretsOf)),
			builder.WithPredicates(predicate.ResourceVersionChangedPredicate{})).
		WatchesMetadata(&corev1.ConfigMap{}, wrapped.EnqueueRequestsFromMapFunc(configMapKind, r.usersOf(configMapIndex, configMapsOf)),
			builder.WithPredicates(predicate.ResourceVersionChangedPredicate{})).
		Watches(&v1alpha1.ClusterChartPolicy{}, wrapped.EnqueueRequestsFromMapFunc(v1alpha1.ClusterChartPolicyKind, r.everybody),
			builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		WithOptions(controller.Options{
			RateLimiter:             o.RateLimiter(),
			MaxConcurrentReconciles: r.lanes.size(),
			SkipNameValidation:      &o.SkipNameValidation,
			// It may lock up when the manager stops (kubernetes-sigs/controller-runtime#3538),
			// so that the process is killed only after its grace period.
			UsePriorityQueue: ptr.To(false),
		}).
		Build(wrapped)
	if err != nil {
		return err
	}
	if o.PublicRootChanged != nil {
		changed := handler.EnqueueRequestsFromMapFunc(r.usersOfPublicRoot)
		if err := c.Watch(source.Channel(o.PublicRootChanged, changed)); err != nil {
			return err
		}
	}
	return r.watchExternalArtifacts(mgr, c)
}

// index lets the users of a Secret, a ConfigMap, and of the public trusted root, be found.
func index(ctx context.Context, mgr ctrl.Manager) error {
	for field, values := range map[string]func(*v1alpha1.VerifiedChart) []string{
		secretIndex: secretNames, configMapIndex: configMapNames, publicRootIndex: needsPublicRoot,
	} {
		if err := mgr.GetFieldIndexer().IndexField(ctx, &v1alpha1.VerifiedChart{}, field, func(obj client.Object) []string {
			return values(obj.(*v1alpha1.VerifiedChart))
		}); err != nil {
			return fmt.Errorf("index VerifiedCharts by %s: %w", field, err)
		}
	}
	return nil
}

// needsPublicRoot returns the index value of whether an object needs the trusted root of the public Sigstore.
func needsPublicRoot(obj *v1alpha1.VerifiedChart) []string {
	return []string{strconv.FormatBool(usesPublicRoot(obj.Spec.Verify))}
}

func usesPublicRoot(v v1alpha1.Verification) bool {
	return slices.ContainsFunc(v.Authorities, v1alpha1.Authority.NeedsPublicRoot)
}

// usersOfPublicRoot returns the VerifiedCharts that need the trusted root of the public Sigstore.
func (r *VerifiedChartReconciler) usersOfPublicRoot(ctx context.Context, _ client.Object) []ctrl.Request {
	return append(r.requests(ctx, client.MatchingFields{publicRootIndex: "true"}), r.governed(ctx, usesPublicRoot)...)
}

// usersOf returns the VerifiedCharts that refer to an object, or that a policy matches which does.
func (r *VerifiedChartReconciler) usersOf(index string, namesOf func(v1alpha1.Verification) []string) handler.MapFunc {
	return func(ctx context.Context, named client.Object) []ctrl.Request {
		if index == configMapIndex && r.Revocations.is(client.ObjectKeyFromObject(named)) {
			return r.requests(ctx)
		}
		users := r.requests(ctx, client.InNamespace(named.GetNamespace()), client.MatchingFields{index: named.GetName()})
		if named.GetNamespace() != r.Namespace {
			return users
		}
		return append(users, r.governed(ctx, func(v v1alpha1.Verification) bool { return slices.Contains(namesOf(v), named.GetName()) })...)
	}
}

// everybody returns every VerifiedChart: what a policy matched before it changed is not known.
func (r *VerifiedChartReconciler) everybody(ctx context.Context, _ client.Object) []ctrl.Request {
	return r.requests(ctx)
}

// requests returns requests for the VerifiedCharts that are listed by the options.
func (r *VerifiedChartReconciler) requests(ctx context.Context, o ...client.ListOption) []ctrl.Request {
	return r.requestsWhere(ctx, func(*v1alpha1.VerifiedChart) bool { return true }, o...)
}

// requestsWhere returns requests for those of the listed VerifiedCharts of which is is true.
func (r *VerifiedChartReconciler) requestsWhere(ctx context.Context, is func(*v1alpha1.VerifiedChart) bool, o ...client.ListOption) []ctrl.Request {
	var list v1alpha1.VerifiedChartList
	if err := r.List(ctx, &list, append(o, client.UnsafeDisableDeepCopy)...); err != nil {
		ctrl.LoggerFrom(ctx).Error(err, "cannot list VerifiedCharts")
		return nil
	}
	requests := make([]ctrl.Request, 0, len(list.Items))
	for i := range list.Items {
		if is(&list.Items[i]) {
			requests = append(requests, ctrl.Request{NamespacedName: client.ObjectKeyFromObject(&list.Items[i])})
		}
	}
	return requests
}

// watchExternalArtifacts watches for the definition of ExternalArtifact, which
// may come with Flux after this controller was started, and then for
// ExternalArtifacts that somebody else changes or deletes.
func (r *VerifiedChartReconciler) watchExternalArtifacts(mgr ctrl.Manager, c controller.Controller) error {
	if _, err := mgr.GetRESTMapper().RESTMapping(sourcev1.GroupVersion.WithKind(sourcev1.ExternalArtifactKind).GroupKind(), sourcev1.GroupVersion.Version); err == nil {
		return r.watchOwned(mgr, c)
	}
	definition := &apiextensionsv1.CustomResourceDefinition{}
	return c.Watch(source.Kind(mgr.GetCache(), definition, handler.TypedFuncs[*apiextensionsv1.CustomResourceDefinition, reconcile.Request]{
		CreateFunc: func(ctx context.Context, e event.TypedCreateEvent[*apiextensionsv1.CustomResourceDefinition], q workqueue.TypedRateLimitingInterface[reconcile.Request]) {
			r.defined(ctx, mgr, c, e.Object, q)
		},
		UpdateFunc: func(ctx context.Context, e event.TypedUpdateEvent[*apiextensionsv1.CustomResourceDefinition], q workqueue.TypedRateLimitingInterface[reconcile.Request]) {
			r.defined(ctx, mgr, c, e.ObjectNew, q)
		},
	}))
}

// defined starts to announce artifacts once ExternalArtifact is established.
func (r *VerifiedChartReconciler) defined(ctx context.Context, mgr ctrl.Manager, c controller.Controller, crd *apiextensionsv1.CustomResourceDefinition, q workqueue.TypedRateLimitingInterface[reconcile.Request]) {
	if crd.Name != ExternalArtifactCRD || !established(crd) || r.externalArtifacts.served.Load() {
		return
	}
	if err := r.watchOwned(mgr, c); err != nil {
		mgr.GetLogger().Error(err, "cannot watch ExternalArtifacts")
		return
	}
	for _, request := range r.requests(ctx) {
		q.Add(request)
	}
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

// changedByOthers passes only what is not this controller's own writing: the
// ExternalArtifact no longer says what the VerifiedChart does.
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
