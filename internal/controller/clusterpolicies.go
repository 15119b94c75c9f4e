// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/internal/policy"
	"github.com/verifiedchart/verifiedchart/internal/verify"
)

// clusterPolicies are the ClusterChartPolicies that one VerifiedChart is judged by.
type clusterPolicies struct {
	matching []v1alpha1.ClusterChartPolicy
	// denied names a policy that refuses what none matches, if that is so.
	denied string
}

// clusterPolicies returns the policies that match obj, by name.
func (r *VerifiedChartReconciler) clusterPolicies(ctx context.Context, obj *v1alpha1.VerifiedChart) (p clusterPolicies, err error) {
	var list v1alpha1.ClusterChartPolicyList
	if err := r.List(ctx, &list, client.UnsafeDisableDeepCopy); err != nil {
		return p, fmt.Errorf("%w: list ClusterChartPolicies: %w", verify.ErrTrustUnavailable, err)
	}
	slices.SortFunc(list.Items, func(a, b v1alpha1.ClusterChartPolicy) int { return strings.Compare(a.Name, b.Name) })
	for _, each := range list.Items {
		if policy.Matches(each.Spec.Match, obj.Spec.URL, obj.Namespace) {
			p.matching = append(p.matching, each)
		} else if each.Spec.Unmatched == v1alpha1.UnmatchedDeny && p.denied == "" {
			p.denied = each.Name
		}
	}
	if len(p.matching) > 0 {
		p.denied = ""
	}
	return p, nil
}

// names returns the names of the policies that match.
func (p clusterPolicies) names() []string {
	var names []string
	for _, each := range p.matching {
		names = append(names, each.Name)
	}
	return names
}

// materialFor returns what the authorities of a policy refer to, in a namespace.
type materialFor func(context.Context, namespaced, v1alpha1.Verification) map[string]policy.Material

// noMaterial is for what is not judged by its authorities.
func noMaterial(context.Context, namespaced, v1alpha1.Verification) map[string]policy.Material {
	return nil
}

// policies returns all that obj is judged by, and says in its status what that is.
// Where it is not known, nothing is accepted.
func (r *VerifiedChartReconciler) policies(ctx context.Context, obj *v1alpha1.VerifiedChart, material materialFor) policy.Set {
	own := r.Objects.in(obj.Namespace)
	all := []policy.Policy{{Verify: obj.Spec.Verify, Material: material(ctx, own, obj.Spec.Verify), Observe: r.Verifications.observe}}
	cluster, unknown := r.clusterPolicies(ctx, obj)
	theirs := r.Objects.in(r.Namespace)
	for _, p := range cluster.matching {
		all = append(all, policy.Policy{
			Name: p.Name, Verify: p.Spec.Verify, Material: material(ctx, theirs, p.Spec.Verify), Observe: r.Verifications.observe,
		})
	}
	revoked, err := r.Revocations.current(ctx)
	set := policy.NewSet(time.Now, revoked, all...)
	switch {
	case unknown != nil:
		return set.WithFault(unknown)
	case err != nil:
		return set.WithFault(err)
	}
	obj.Status.Policies = cluster.names()
	if cluster.denied != "" {
		return set.Denying(cluster.denied)
	}
	return set
}

// governed returns the VerifiedCharts that a ClusterChartPolicy matches of which uses is true.
func (r *VerifiedChartReconciler) governed(ctx context.Context, uses func(v1alpha1.Verification) bool) []ctrl.Request {
	var policies v1alpha1.ClusterChartPolicyList
	if err := r.List(ctx, &policies, client.UnsafeDisableDeepCopy); err != nil {
		ctrl.LoggerFrom(ctx).Error(err, "cannot list ClusterChartPolicies")
		return nil
	}
	policies.Items = slices.DeleteFunc(policies.Items, func(p v1alpha1.ClusterChartPolicy) bool { return !uses(p.Spec.Verify) })
	if len(policies.Items) == 0 {
		return nil
	}
	return r.requestsWhere(ctx, func(c *v1alpha1.VerifiedChart) bool {
		return slices.ContainsFunc(policies.Items, func(p v1alpha1.ClusterChartPolicy) bool {
			return policy.Matches(p.Spec.Match, c.Spec.URL, c.Namespace)
		})
	})
}
