// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/fluxcd/pkg/apis/meta"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/handler"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/internal/lifecycle"
	"github.com/verifiedchart/verifiedchart/internal/location"
	"github.com/verifiedchart/verifiedchart/internal/material"
)

const (
	// secretIndex and configMapIndex index VerifiedCharts by the names of the Secrets and ConfigMaps to which they refer.
	secretIndex, configMapIndex = ".spec.secrets", ".spec.configMaps"
	// accountIndex indexes VerifiedCharts by the name of the ServiceAccount that they use.
	accountIndex = ".spec.serviceAccountName"
	// pullSecretIndex indexes ServiceAccounts by the names of their pull Secrets.
	pullSecretIndex = ".imagePullSecrets"
	// publicRootIndex indexes VerifiedCharts by whether they need the trusted root of the public Sigstore.
	publicRootIndex = ".spec.publicRoot"
)

// index indexes VerifiedCharts by the Secrets, ConfigMaps and ServiceAccounts that they use, and by whether they need the public trusted
// root; and ServiceAccounts by their pull Secrets.
func (r *VerifiedChartReconciler) index(ctx context.Context, mgr ctrl.Manager) error {
	for field, values := range map[string]func(*v1alpha1.VerifiedChart) []string{
		secretIndex: secretNames, configMapIndex: func(obj *v1alpha1.VerifiedChart) []string { return material.ConfigMapNames(obj.Spec.Verify) },
		accountIndex: r.accountNames,
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
	if err := mgr.GetFieldIndexer().IndexField(ctx, &corev1.ServiceAccount{}, pullSecretIndex, pullSecretNames); err != nil {
		return fmt.Errorf("index ServiceAccounts by %s: %w", pullSecretIndex, err)
	}
	return nil
}

// accountNames returns the name of the ServiceAccount that an object uses, if there is one.
func (r *VerifiedChartReconciler) accountNames(obj *v1alpha1.VerifiedChart) []string {
	name := obj.Spec.ServiceAccountName
	if name == "" && obj.Spec.UsesCloud() {
		name = r.DefaultServiceAccount
	}
	if name == "" {
		return nil
	}
	return []string{name}
}

// pullSecretNames returns the names of the pull Secrets of a ServiceAccount.
func pullSecretNames(obj client.Object) []string {
	var names []string
	for _, ref := range obj.(*corev1.ServiceAccount).ImagePullSecrets {
		names = append(names, ref.Name)
	}
	return names
}

// secretNames returns the names of the Secrets to which a spec refers.
func secretNames(obj *v1alpha1.VerifiedChart) []string {
	names := material.SecretNames(obj.Spec.Verify)
	for _, ref := range []*meta.LocalObjectReference{obj.Spec.SecretRef, obj.Spec.CertSecretRef, obj.Spec.ProxySecretRef} {
		if ref != nil {
			names = append(names, ref.Name)
		}
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

// ofAccount returns the VerifiedCharts that use a ServiceAccount.
func (u users) ofAccount(ctx context.Context, account client.Object) []ctrl.Request {
	return u.list(ctx, client.InNamespace(account.GetNamespace()), client.MatchingFields{accountIndex: account.GetName()})
}

// ofSecret returns the VerifiedCharts that use a Secret, also as a pull Secret of their ServiceAccount.
func (u users) ofSecret(ctx context.Context, secret client.Object) []ctrl.Request {
	requests := u.of(secretIndex, material.SecretNames)(ctx, secret)
	var accounts corev1.ServiceAccountList
	if err := u.client.List(ctx, &accounts, client.InNamespace(secret.GetNamespace()), client.MatchingFields{pullSecretIndex: secret.GetName()}, client.UnsafeDisableDeepCopy); err != nil {
		ctrl.LoggerFrom(ctx).Error(err, "cannot list ServiceAccounts")
		return requests
	}
	for _, account := range accounts.Items {
		requests = append(requests, u.filter(ctx, func(c *v1alpha1.VerifiedChart) bool { return !c.Spec.UsesCloud() },
			client.InNamespace(account.Namespace), client.MatchingFields{accountIndex: account.Name})...)
	}
	return requests
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
		published, isPublished := lifecycle.PublishedChart(c.Status, location.Canonical)
		return slices.ContainsFunc(policies.Items, func(p v1alpha1.ClusterChartPolicy) bool {
			return matches(p, c.Spec.Repository(), c.Namespace) || (isPublished && matches(p, published.Repository, c.Namespace))
		})
	})
}

// requestOf returns the request to reconcile an object.
func requestOf(name types.NamespacedName) ctrl.Request { return ctrl.Request{NamespacedName: name} }
