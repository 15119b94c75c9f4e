// SPDX-License-Identifier: Apache-2.0

// Package controller reconciles VerifiedCharts: it gathers what a spec needs,
// sends the chart down the pipeline, stores and publishes what comes out proven,
// withdraws what is proven no longer, and says so in the status.
//
// It is the only package that knows controller-runtime. It does not know
// signature formats, archives or registry protocols.
package controller

import (
	"context"
	"sync"
	"time"

	helper "github.com/fluxcd/pkg/runtime/controller"
	"github.com/fluxcd/pkg/runtime/jitter"
	kuberecorder "k8s.io/client-go/tools/record"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/internal/download"
	"github.com/verifiedchart/verifiedchart/internal/pipeline"
	"github.com/verifiedchart/verifiedchart/internal/registry"
	"github.com/verifiedchart/verifiedchart/internal/storage"
	"github.com/verifiedchart/verifiedchart/internal/trustroot"
	"github.com/verifiedchart/verifiedchart/internal/verify"
	"github.com/verifiedchart/verifiedchart/internal/verify/openpgp"
)

// +kubebuilder:rbac:groups=source.verifiedchart.dev,resources=verifiedcharts,verbs=get;list;watch;update;patch
// +kubebuilder:rbac:groups=source.verifiedchart.dev,resources=verifiedcharts/status,verbs=get;update;patch
// +kubebuilder:rbac:groups=source.verifiedchart.dev,resources=verifiedcharts/finalizers,verbs=update
// +kubebuilder:rbac:groups=source.verifiedchart.dev,resources=clusterchartpolicies,verbs=get;list;watch
// +kubebuilder:rbac:groups=source.toolkit.fluxcd.io,resources=externalartifacts,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups=source.toolkit.fluxcd.io,resources=externalartifacts/status,verbs=get;update;patch
// +kubebuilder:rbac:groups=apiextensions.k8s.io,resources=customresourcedefinitions,resourceNames=externalartifacts.source.toolkit.fluxcd.io,verbs=get;list;watch
// +kubebuilder:rbac:groups="",resources=secrets;configmaps,verbs=get;list;watch
// +kubebuilder:rbac:groups="",resources=events,verbs=create;patch

// VerifiedChartReconciler reconciles VerifiedCharts. Every field is required unless it says otherwise.
type VerifiedChartReconciler struct {
	client.Client
	helper.Metrics
	kuberecorder.EventRecorder

	// Objects reads Secrets and ConfigMaps.
	Objects *Objects
	// Keyrings keeps the keyrings of Secrets parsed.
	Keyrings *openpgp.Cache
	// TrustedRoots keeps the trusted roots of Secrets parsed.
	TrustedRoots *trustroot.Cache
	// PublicRoot is the trusted root of the public Sigstore. Optional: without it what needs it cannot be judged.
	PublicRoot PublicRoot
	// Registries reads registries.
	Registries *registry.Client
	// Downloads reads provenance files from web servers.
	Downloads *download.Client
	// Cache keeps signature material, so that it is judged again without being fetched again.
	Memory *registry.Cache
	// Storage keeps artifacts.
	Storage *storage.Storage
	// Served says which artifacts the server may hand out.
	Served *Served
	// Namespace is that of the controller, in which ClusterChartPolicies name Secrets and ConfigMaps.
	Namespace string
	// Name is the field manager and event source.
	Name string
	// Revocations are what is revoked for the whole cluster. Optional.
	Revocations *Revocations
	// Verifications tell what came of judging. Optional.
	Verifications *VerificationMetrics
	// AllowHTTP allows specs with insecure: true. Optional.
	AllowHTTP bool

	externalArtifacts externalArtifacts
	resolutions       resolutions
	lanes             *lanes
	retries           workqueue.TypedRateLimiter[ctrl.Request]
}

// Reconcile brings one VerifiedChart up to date.
func (r *VerifiedChartReconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	obj := &v1alpha1.VerifiedChart{}
	if err := r.Get(ctx, req.NamespacedName, obj); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if obj.DeletionTimestamp.IsZero() { // to delete one needs no registry
		leave, ok := r.lanes.enter(ctx, req.Namespace)
		if !ok {
			return ctrl.Result{RequeueAfter: slowAfter}, nil
		}
		defer leave()
	}
	return r.reconcileNow(ctx, req)
}

// reconcileNow brings an object up to date as it is after it has waited for a lane.
func (r *VerifiedChartReconciler) reconcileNow(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	start := time.Now()
	obj := &v1alpha1.VerifiedChart{}
	if err := r.Get(ctx, req.NamespacedName, obj); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	defer func() {
		r.RecordDuration(ctx, obj, start)
		r.RecordSuspend(ctx, obj, obj.Spec.Suspend)
	}()
	switch {
	case !obj.DeletionTimestamp.IsZero():
		return ctrl.Result{}, r.finalize(ctx, obj)
	case obj.Spec.Suspend:
		return ctrl.Result{}, r.suspended(ctx, obj)
	}
	finalized := r.addFinalizer(ctx, obj)
	before := obj.DeepCopy()
	found, err := r.reconcile(ctx, obj, finalized)
	if err := finalized(); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if enqueued, _ := helper.IsObjectEnqueued(ctx); enqueued && err != nil && !found.unfinished {
		// What was interrupted says nothing of the object, which is due again, but that something is revoked.
		return ctrl.Result{Requeue: true}, nil //nolint:staticcheck // due now, not after a delay
	}
	return r.conclude(ctx, before, obj, found, err)
}

// addFinalizer starts to add the finalizer where it is missing. Reading a
// registry need not wait for it; the function that is returned does, and has to
// be called before anything is stored.
func (r *VerifiedChartReconciler) addFinalizer(ctx context.Context, obj *v1alpha1.VerifiedChart) func() error {
	patched := obj.DeepCopy()
	if !controllerutil.AddFinalizer(patched, v1alpha1.VerifiedChartFinalizer) {
		return func() error { return nil }
	}
	patch := client.MergeFromWithOptions(obj.DeepCopy(), client.MergeFromWithOptimisticLock{})
	done := make(chan error, 1)
	go func() { done <- r.Patch(ctx, patched, patch, client.FieldOwner(r.Name)) }()
	return sync.OnceValue(func() error {
		if err := <-done; err != nil {
			return err
		}
		obj.Finalizers, obj.ResourceVersion = patched.Finalizers, patched.ResourceVersion
		return nil
	})
}

// findings are what a reconcile found out.
type findings struct {
	// accepted is what was accepted, if anything was.
	accepted verify.Accepted
	// judged says that there was a verdict on the published artifact.
	judged bool
	// unfinished says that the spec is not dealt with yet.
	unfinished bool
	// due is when something changes by the clock alone; zero where nothing does.
	due time.Time
	// warnsOfMutation says that the policies ask for a warning where a version changes.
	warnsOfMutation bool
}

// reconcile runs the pipeline and changes obj.Status to what is true afterwards.
// The error says why the chart that was asked for is not what is published, if it is not.
func (r *VerifiedChartReconciler) reconcile(ctx context.Context, obj *v1alpha1.VerifiedChart, finalized func() error) (findings, error) {
	ctx, cancel := context.WithTimeout(helper.GetInterruptContext(ctx), obj.GetTimeout())
	defer cancel()

	if err := r.dropDamaged(obj); err != nil {
		return findings{}, err
	}
	in, err := r.gather(ctx, obj)
	in.finalized = finalized
	found := findings{warnsOfMutation: in.policies.VersionMutation() == v1alpha1.VersionMutationWarn}
	if revoked := r.dropRevoked(ctx, obj, in); revoked != nil {
		// It is told at once; what may take its place is asked for in a reconcile of its own.
		r.resolutions.forget(obj)
		return r.age(obj, in, findings{judged: true, due: time.Now(), unfinished: true}, revoked)
	}
	var subject verify.Subject
	if err == nil {
		subject, found.accepted, err = r.advance(ctx, obj, in)
		r.resolutions.settle(obj, err)
	}
	if _, accepted := found.accepted.Subject(); err == nil || (accepted && isPublished(obj, subject)) {
		found.judged = true
	} else {
		found.judged, err = r.rejudge(ctx, obj, in, subject, err)
	}
	return r.age(obj, in, found, err)
}

// advance takes the chart from its reference to the published artifact, step by
// step. What it got to on the way is returned with any error: what was to be
// judged, and the proof of it.
func (r *VerifiedChartReconciler) advance(ctx context.Context, obj *v1alpha1.VerifiedChart, in inputs) (subject verify.Subject, accepted verify.Accepted, err error) {
	resolved, err := r.resolve(ctx, obj, in)
	if err != nil {
		return subject, accepted, err
	}
	if err := refuseDowngrade(obj, in, resolved); err != nil {
		return subject, accepted, err
	}
	if subject, err = pipeline.Manifest(in.wanted, resolved); err != nil {
		return subject, accepted, err
	}
	if subject.Chart.Version == "" && isPublished(obj, subject) {
		subject.Chart.Version = publishedMetadata(obj).Version
	}
	if accepted, err = pipeline.Verify(ctx, in.policies, subject, in.reader); err != nil {
		return subject, accepted, err
	}
	if err := refuseMutation(obj, in, subject, subject.Chart.Version); err != nil {
		return subject, accepted, err
	}
	artifact, err := r.store(ctx, obj, in, resolved, accepted)
	if err != nil {
		return subject, accepted, err
	}
	return subject, accepted, publish(obj, artifact, accepted)
}

// jittered spreads the reconciles of many objects with the same interval.
func jittered(obj *v1alpha1.VerifiedChart) ctrl.Result {
	return jitter.JitteredRequeueInterval(ctrl.Result{RequeueAfter: obj.GetRequeueAfter()})
}
