// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/fluxcd/pkg/apis/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/test/scenario"
)

// trust shows that a chart is withdrawn when its proof no longer holds, and served again when the proof is back.
func (d *demo) trust() chapter {
	removeKey := `kubectl patch secret ` + scenario.KeySecret + ` --type=json -p='[{"op":"remove","path":"/data/` + scenario.KeyEntry + `"}]'`
	return chapter{"A proof that no longer holds stops being served.", []step{
		{"The release key is removed from its Secret, which keeps another key: the chart's URL turns 404.", removeKey, d.goes("signed")},
		{"The key comes back: the same bytes are served again.", "kubectl apply -f " + releaseKeyFile, d.comes("signed")},
		{"A digest is revoked for the whole cluster: the chart's URL turns 404.", "kubectl apply -f " + revokeKeylessFile, d.goes("keyless")},
		{"The revocation is lifted: the chart is served again.", "kubectl apply -f " + revokeNothingFile, d.comes("keyless")},
		{"A cluster policy requires " + scenario.Identity + " as signer: a chart that only a key signed is withdrawn.", "kubectl apply -f " + policyFile, d.denied},
		{"The policy is deleted: the withdrawn chart is served again.", "kubectl delete clusterchartpolicy " + policy, d.comes("signed")},
	}}
}

// goes returns the look that waits until a chart is withdrawn.
func (d *demo) goes(name string) func(context.Context, ran) (sight, error) {
	return func(ctx context.Context, _ ran) (sight, error) { return d.gone(ctx, name) }
}

// comes returns the look that waits until a chart is served again.
func (d *demo) comes(name string) func(context.Context, ran) (sight, error) {
	return func(ctx context.Context, _ ran) (sight, error) { return d.back(ctx, name) }
}

// denied waits until the policy withdraws the chart that a key signed, and checks that the keyless chart is still served.
func (d *demo) denied(ctx context.Context, _ ran) (sight, error) {
	seen, err := d.gone(ctx, "signed")
	if err != nil {
		return sight{}, err
	}
	err = d.world.Until(ctx, "keyless", func(vc *v1alpha1.VerifiedChart) error {
		if !slices.Contains(vc.Status.Policies, policy) {
			return fmt.Errorf("the policies of VerifiedChart keyless are %q: %q is missing", vc.Status.Policies, policy)
		}
		return scenario.Condition(vc, meta.ReadyCondition, metav1.ConditionTrue, meta.SucceededReason)
	})
	if err != nil {
		return sight{}, err
	}
	seen.text = "keyless still 200; signed: " + seen.text
	return seen, d.world.ServedAsPushed(ctx, "keyless")
}
