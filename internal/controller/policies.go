// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/internal/policy"
	"github.com/verifiedchart/verifiedchart/internal/verify"
)

// ruleset holds the policies that apply to one VerifiedChart, and their version.
type ruleset struct {
	requested, published policy.Set
	names                []string // of the ClusterChartPolicies
	key                  string
	listFault            error
	bytes                int // of the material that the object's own policy refers to
}

// Limits of the time in which the Secrets and roots of policies are read while an object is locked. Policies of the cluster come first.
const (
	clusterTime = 5 * time.Second
	ownTime     = time.Second
	// aheadTime limits the time in which the Secrets of the object's own policy are read before the object is locked.
	aheadTime = 10 * time.Second
)

// readAhead reads the Secrets and roots of the object's own policy into the cache before the object is locked, so that a slow
// read does not delay the Guard, which needs the lock.
func (g gatherer) readAhead(ctx context.Context, obj *v1alpha1.VerifiedChart) {
	ctx, cancel := context.WithTimeout(ctx, aheadTime)
	defer cancel()
	_, _ = g.load(ctx, obj.Namespace, "", obj.Spec.Verify)
}

// loadOwn returns the object's own policy. A tenant may make it slow to read: that must not delay the verification by
// the policies of the cluster.
func (g gatherer) loadOwn(ctx context.Context, obj *v1alpha1.VerifiedChart) (policy.Policy, string) {
	ctx, cancel := context.WithTimeout(ctx, ownTime)
	defer cancel()
	return g.load(ctx, obj.Namespace, "", obj.Spec.Verify)
}

// rules returns the policies that match the repository in the spec, and those that match the repository of the
// published chart, which may differ.
func (g gatherer) rules(ctx context.Context, obj *v1alpha1.VerifiedChart, published string) ruleset {
	cluster, cancel := context.WithTimeout(ctx, clusterTime)
	defer cancel()
	revoked, listVersion, known, fault := g.revocations.Current(cluster)
	list, listErr := g.clusterPolicies(cluster)
	r := ruleset{listFault: fault}
	parts := []string{string(obj.UID), fmt.Sprint(obj.Generation), listVersion, fmt.Sprint(known), fmt.Sprint(listErr)}
	loaded := map[string]policy.Policy{}
	for _, p := range list {
		if matches(p, obj.Spec.Repository(), obj.Namespace) || (published != "" && matches(p, published, obj.Namespace)) {
			one, version := g.load(cluster, g.namespace, p.Name, p.Spec.Verify)
			loaded[p.Name] = one
			r.names = append(r.names, p.Name)
			parts = append(parts, p.Name, fmt.Sprint(p.UID, p.Generation), version)
		} else if p.Spec.Unmatched == v1alpha1.UnmatchedDeny {
			parts = append(parts, p.Name, "denies")
		}
	}
	own, version := g.loadOwn(ctx, obj)
	r.key = keyOf(append(parts, version)...)
	for _, m := range own.Material {
		r.bytes += m.Bytes
	}
	set := func(repository string) policy.Set {
		set := g.set(revoked, own, loaded, list, repository, obj.Namespace)
		switch {
		case listErr != nil:
			return set.WithFault(listErr)
		case !known:
			return set.WithFault(fmt.Errorf("%w: %w", verify.ErrTrustUnavailable, fault))
		}
		return set
	}
	r.requested = set(obj.Spec.Repository())
	r.published = r.requested
	if published != "" {
		r.published = set(published)
	}
	return r
}

// set returns the policies that match a repository.
func (g gatherer) set(revoked policy.Revoked, own policy.Policy, loaded map[string]policy.Policy, list []v1alpha1.ClusterChartPolicy, repository, namespace string) policy.Set {
	all := []policy.Policy{own}
	denies := ""
	for _, p := range list {
		if matches(p, repository, namespace) {
			all = append(all, loaded[p.Name])
		} else if p.Spec.Unmatched == v1alpha1.UnmatchedDeny && denies == "" {
			denies = p.Name
		}
	}
	set := policy.NewSet(g.now, revoked, all...)
	if denies != "" && len(all) == 1 {
		return set.Denying(denies)
	}
	return set
}

func matches(p v1alpha1.ClusterChartPolicy, repository, namespace string) bool {
	return policy.Matches(p.Spec.Match, repository, namespace)
}

// load returns a policy with the material that it refers to in a namespace, and the version of that material.
func (g gatherer) load(ctx context.Context, namespace, name string, v v1alpha1.Verification) (policy.Policy, string) {
	m, version := g.material.Load(ctx, namespace, v)
	return policy.Policy{Name: name, Verify: v, Material: m, Observe: g.observe}, version
}

// clusterPolicies returns every ClusterChartPolicy, by name.
func (g gatherer) clusterPolicies(ctx context.Context) ([]v1alpha1.ClusterChartPolicy, error) {
	var list v1alpha1.ClusterChartPolicyList
	if err := g.client.List(ctx, &list, client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("%w: list ClusterChartPolicies: %w", verify.ErrTrustUnavailable, err)
	}
	slices.SortFunc(list.Items, func(a, b v1alpha1.ClusterChartPolicy) int { return strings.Compare(a.Name, b.Name) })
	return list.Items, nil
}
