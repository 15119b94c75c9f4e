// SPDX-License-Identifier: Apache-2.0

// Package controller reconciles VerifiedCharts. It gathers facts, lets
// internal/lifecycle decide, and carries out the decision.
//
// Two reconcilers share the facts of each object:
//
//	Guard                    decides whether the published chart may still be served, by local
//	                         facts, and changes only what this process serves. No registry and no
//	                         write to the API server can block it.
//	VerifiedChartReconciler  resolves the reference, and stores, publishes, withdraws and reports.
//
// No reconcile reads a registry: an errand does (errands.go), and its result is a fact of the next reconcile.
//
// It is the only package that knows controller-runtime. It does not know
// signature formats, archives or registry protocols.
package controller

import (
	"context"
	"sync/atomic"
	"time"

	helper "github.com/fluxcd/pkg/runtime/controller"
	"k8s.io/apimachinery/pkg/types"
	kuberecorder "k8s.io/client-go/tools/record"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/internal/chartrepo"
	"github.com/verifiedchart/verifiedchart/internal/lifecycle"
	"github.com/verifiedchart/verifiedchart/internal/material"
	"github.com/verifiedchart/verifiedchart/internal/registry"
	"github.com/verifiedchart/verifiedchart/internal/server"
	"github.com/verifiedchart/verifiedchart/internal/storage"
)

// +kubebuilder:rbac:groups=source.verifiedchart.dev,resources=verifiedcharts,verbs=get;list;watch;patch
// +kubebuilder:rbac:groups=source.verifiedchart.dev,resources=verifiedcharts/status,verbs=patch
// +kubebuilder:rbac:groups=source.verifiedchart.dev,resources=clusterchartpolicies,verbs=get;list;watch
// +kubebuilder:rbac:groups=source.toolkit.fluxcd.io,resources=externalartifacts,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups=source.toolkit.fluxcd.io,resources=externalartifacts/status,verbs=patch
// +kubebuilder:rbac:groups=apiextensions.k8s.io,resources=customresourcedefinitions,resourceNames=externalartifacts.source.toolkit.fluxcd.io,verbs=get;list;watch
// +kubebuilder:rbac:groups="",resources=secrets;configmaps,verbs=get;list;watch
// +kubebuilder:rbac:groups="",resources=serviceaccounts,verbs=get;list;watch
// +kubebuilder:rbac:groups="",resources=events,verbs=create;patch

// VerifiedChartReconciler reconciles VerifiedCharts. Every field is required unless it says otherwise.
type VerifiedChartReconciler struct {
	client.Client
	helper.Metrics
	// EventRecorder records events of VerifiedCharts.
	kuberecorder.EventRecorder

	// APIReader reads from the API server, without a cache.
	APIReader client.Reader
	// Announcer forwards events of ExternalArtifacts, since a Flux Alert cannot name our kind. Optional.
	Announcer kuberecorder.EventRecorder
	// Material loads the keys, roots and credentials that specs refer to.
	Material *material.Loader
	// Revocations is the revocation list of the whole cluster. Optional.
	Revocations *material.RevocationSource
	// Registries reads registries.
	Registries *registry.Client
	// Charts reads classic repositories.
	Charts *chartrepo.Client
	// Cache keeps answers of registries, so that attempts do not request them again.
	Cache *registry.Cache
	// RevocationsName is the ConfigMap of the revocations, on which events about it are recorded.
	RevocationsName types.NamespacedName
	// Storage keeps artifacts, and the signature material of published charts.
	Storage *storage.Storage
	// Paths are the exact paths that the server may serve.
	Paths *server.Paths
	// Namespace is the controller's namespace. It holds the Secrets and ConfigMaps that ClusterChartPolicies name.
	Namespace string
	// Name is the field manager and event source.
	Name string
	// Verifications count verdicts and withdrawals. Optional.
	Verifications *VerificationMetrics
	// DefaultServiceAccount is used by specs with the provider of a cloud and without a ServiceAccount. Optional.
	DefaultServiceAccount string
	// AllowHTTP allows specs with insecure: true. Optional.
	AllowHTTP bool
	// MaxTimeout shortens longer timeouts of specs, MinInterval raises shorter intervals; zero for neither.
	MaxTimeout, MinInterval time.Duration
	// Now is the clock; time.Now by default.
	Now func() time.Time

	gatherer          gatherer
	errands           *errands
	sessions          sessions
	externalArtifacts externalArtifacts
	retries           workqueue.TypedRateLimiter[ctrl.Request]
	warmup            warmup
	shares            *shares      // of the workers of Guard
	listFault         atomic.Value // the last reported fault of the revocation list, as text
}

// Reconcile implements reconcile.Reconciler: it decides by the facts that are known now, carries out the decision, and starts the
// errands that it asks for.
func (r *VerifiedChartReconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	start := r.Now()
	obj, presence, err := r.read(ctx, req.NamespacedName)
	switch {
	case err != nil:
		return ctrl.Result{}, err
	case presence == gone:
		return ctrl.Result{}, r.remove(ctx, req.NamespacedName, obj)
	case presence == left:
		return ctrl.Result{}, nil // Guard verifies it until another controller serves it
	}
	defer func() {
		r.RecordDuration(ctx, obj, start)
		r.RecordSuspend(ctx, obj, obj.Spec.Suspend)
	}()
	r.gatherer.readAhead(ctx, obj)
	s := r.sessions.of(obj)
	c, ok := r.decide(ctx, obj, s)
	if !ok {
		return ctrl.Result{RequeueAfter: cacheLag}, nil
	}
	after, err := r.publishDecision(ctx, s, &c)
	if err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if dropped, err := r.dropFinalizer(ctx, after); dropped || err != nil {
		return ctrl.Result{RequeueAfter: cacheLag}, client.IgnoreNotFound(err)
	}
	return r.result(req, c.decision), nil
}

// pass is one reconcile up to its decision, with the inputs: the object as it is stored, the object with the status that was decided last, and
// the local facts.
type pass struct {
	stored, obj *v1alpha1.VerifiedChart
	now         local
	decision    lifecycle.Decision
}

// cacheLag is roughly how long it takes until this controller's own writes reach the cache.
const cacheLag = 50 * time.Millisecond

// decide decides under the session's lock, carries out the part of the decision that concerns only this process, and starts the
// errands. ok is false if the object is gone, or a new object has its name.
func (r *VerifiedChartReconciler) decide(ctx context.Context, cached *v1alpha1.VerifiedChart, s *session) (c pass, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	cached, ok = r.reread(ctx, cached)
	if !ok || s.ended {
		return c, false
	}
	stored, obj := s.latest(cached)
	obj = s.restoreSince(obj)
	now := r.gatherer.gather(ctx, obj, s)
	r.reportListFault(now.listFault)
	attempt := s.takeAttempt(now.request, now.facts.Now)
	defer attempt.discard()
	var d lifecycle.Decision
	if attempt == nil {
		d = lifecycle.DecideLocal(now.facts)
	} else {
		d = r.decideAttempt(obj, &now, attempt)
	}
	if d.Action == lifecycle.Publish {
		s.published(now, attempt)
	}
	if d.Action == lifecycle.Withdraw {
		s.errand.cancel() // its facts about the published chart are outdated
		s.errand = nil
	}
	r.serve(obj, s, now, d)
	if err := r.keepFiles(obj, d); err != nil {
		d = lifecycle.Failing(now.facts, d, storageFailure(err))
	}
	if p := now.facts.Published; d.Action == lifecycle.Withdraw && (p.Revoked != "" || p.SignerRevoked != "") {
		s.resolution = resolution{} // resolve again at once, to find a replacement
	}
	s.decided(d.Status)
	s.saveSince(d.Status)
	r.errands.send(obj, s, now, d.Ask)
	return pass{stored: stored, obj: obj, now: now, decision: d}, true
}

// decideAttempt decides with the result of an attempt, and stores the chart that is to be published. A chart that cannot be
// stored is not published.
func (r *VerifiedChartReconciler) decideAttempt(obj *v1alpha1.VerifiedChart, now *local, a *attempt) lifecycle.Decision {
	now.facts.Attempt = &a.value
	d := lifecycle.Decide(now.facts)
	if err := r.store(obj, now, d, a); err != nil {
		a.value.Artifact, a.value.Failure = nil, storageFailure(err)
		return lifecycle.Decide(now.facts)
	}
	if d.Action == lifecycle.Publish {
		d = lifecycle.Decide(now.facts) // with the time and the URL of the stored artifact
		now.layer = a.layer
	}
	return d
}
