// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/handler"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/internal/lifecycle"
	"github.com/verifiedchart/verifiedchart/internal/material"
	"github.com/verifiedchart/verifiedchart/internal/registry"
)

const (
	// secretIndex and configMapIndex index VerifiedCharts by the names of the Secrets and ConfigMaps to which they refer.
	secretIndex, configMapIndex = ".spec.secrets", ".spec.configMaps"
	// publicRootIndex indexes VerifiedCharts by whether they need the trusted root of the public Sigstore.
	publicRootIndex = ".spec.publicRoot"
)

// index indexes VerifiedCharts by the Secrets and ConfigMaps that they use, and by whether they need the public trusted root.
func index(ctx context.Context, mgr ctrl.Manager) error {
	for field, values := range map[string]func(*v1alpha1.VerifiedChart) []string{
		secretIndex: secretNames, configMapIndex: func(obj *v1alpha1.VerifiedChart) []string { return material.ConfigMapNames(obj.Spec.Verify) },
		publicRootIndex: func(obj *v1alpha1.VerifiedChart) []string {
			return []string{strconv.FormatBool(needsPublicRoot(obj.Spec.Verify))}
		},
	} {
		if err := mgr.GetFieldIndexer().IndexField(ctx, &v1alpha1.VerifiedChart{}, field, func(obj client.Object) []string {
			return values(obj.(*v1alpha1.VerifiedChart))
		}); err != nil {
			return fmt.Errorf("index VerifiedCharts by %s: %w", field, err)
		}
	}
	return nil
}

// secretNames returns the names of the Secrets to which a spec refers.
func secretNames(obj *v1alpha1.VerifiedChart) []string {
	names := material.SecretNames(obj.Spec.Verify)
	if ref := obj.Spec.SecretRef; ref != nil {
		names = append(names, ref.Name)
	}
	return names
}

func needsPublicRoot(v v1alpha1.Verification) bool {
	return slices.ContainsFunc(v.Authorities, v1alpha1.Authority.NeedsPublicRoot)
}

// users finds the VerifiedCharts that an edit concerns.
type users struct {
	client      client.Client
	sessions    *sessions
	revocations *material.RevocationSource
	namespace   string // of the controller
}

// ofPublicRoot returns the VerifiedCharts whose authorities need the trusted root of the public Sigstore.
func (u users) ofPublicRoot(ctx context.Context, _ client.Object) []ctrl.Request {
	return append(u.list(ctx, client.MatchingFields{publicRootIndex: "true"}), u.matched(ctx, needsPublicRoot)...)
}

// of returns the VerifiedCharts that refer to an object, or that match a ClusterChartPolicy that refers to it.
func (u users) of(index string, namesOf func(v1alpha1.Verification) []string) handler.MapFunc {
	return func(ctx context.Context, named client.Object) []ctrl.Request {
		if index == configMapIndex && u.revocations.Named(client.ObjectKeyFromObject(named)) {
			return u.all(ctx, named)
		}
		requests := u.list(ctx, client.InNamespace(named.GetNamespace()), client.MatchingFields{index: named.GetName()})
		if named.GetNamespace() != u.namespace {
			return requests
		}
		return append(requests, u.matched(ctx, func(v v1alpha1.Verification) bool { return slices.Contains(namesOf(v), named.GetName()) })...)
	}
}

// all returns every VerifiedChart.
func (u users) all(ctx context.Context, _ client.Object) []ctrl.Request { return u.list(ctx) }

// list returns requests for the VerifiedCharts that the options select, and for those that have left the selector, since no list
// contains them.
func (u users) list(ctx context.Context, o ...client.ListOption) []ctrl.Request {
	return u.filter(ctx, func(*v1alpha1.VerifiedChart) bool { return true }, o...)
}

func (u users) filter(ctx context.Context, isUser func(*v1alpha1.VerifiedChart) bool, o ...client.ListOption) []ctrl.Request {
	var list v1alpha1.VerifiedChartList
	if err := u.client.List(ctx, &list, append(o, client.UnsafeDisableDeepCopy)...); err != nil {
		ctrl.LoggerFrom(ctx).Error(err, "cannot list VerifiedCharts")
		return nil
	}
	requests := make([]ctrl.Request, 0, len(list.Items))
	for i := range list.Items {
		if isUser(&list.Items[i]) {
			requests = append(requests, ctrl.Request{NamespacedName: client.ObjectKeyFromObject(&list.Items[i])})
		}
	}
	for _, name := range u.sessions.left() {
		requests = append(requests, ctrl.Request{NamespacedName: name})
	}
	return requests
}

// matched returns the VerifiedCharts that match a ClusterChartPolicy for which uses is true, by the repository in the spec or by
// the published chart's.
func (u users) matched(ctx context.Context, uses func(v1alpha1.Verification) bool) []ctrl.Request {
	var policies v1alpha1.ClusterChartPolicyList
	if err := u.client.List(ctx, &policies, client.UnsafeDisableDeepCopy); err != nil {
		ctrl.LoggerFrom(ctx).Error(err, "cannot list ClusterChartPolicies")
		return nil
	}
	policies.Items = slices.DeleteFunc(policies.Items, func(p v1alpha1.ClusterChartPolicy) bool { return !uses(p.Spec.Verify) })
	if len(policies.Items) == 0 {
		return nil
	}
	return u.filter(ctx, func(c *v1alpha1.VerifiedChart) bool {
		published, isPublished := lifecycle.PublishedChart(c.Status, registry.Canonical)
		return slices.ContainsFunc(policies.Items, func(p v1alpha1.ClusterChartPolicy) bool {
			return matches(p, c.Spec.URL, c.Namespace) || (isPublished && matches(p, published.Repository, c.Namespace))
		})
	})
}

// requestOf returns the request to reconcile an object.
func requestOf(name types.NamespacedName) ctrl.Request { return ctrl.Request{NamespacedName: name} }
