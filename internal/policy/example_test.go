// SPDX-License-Identifier: Apache-2.0

package policy_test

import (
	"context"
	"fmt"
	"time"

	"github.com/fluxcd/pkg/apis/meta"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/internal/policy"
	"github.com/verifiedchart/verifiedchart/internal/verify"
	"github.com/verifiedchart/verifiedchart/internal/verify/verifytest"
)

// A chart has to satisfy every policy of the set: the tenant's policy accepts the
// signature, and the company's policy revokes the digest.
func ExampleNewSet() {
	key, repository := verifytest.P256(), verifytest.NewRepository()
	chart := repository.Subject("chart")
	verifytest.SignLegacy(repository, chart, key)

	signed := v1alpha1.Verification{Authorities: []v1alpha1.Authority{{
		Name: "release", Provider: v1alpha1.CosignProvider, SecretRef: &meta.LocalObjectReference{Name: "cosign-pub"},
	}}}
	material := map[string]policy.Material{"release": {Data: map[string][]byte{"cosign.pub": key.Public}}}
	tenant := policy.Policy{Verify: signed, Material: material}
	company := policy.Policy{Name: "company", Verify: signed, Material: material}
	company.Verify.Revoked = &v1alpha1.Revocations{Digests: []string{chart.Manifest.Digest.String()}}

	for _, set := range []policy.Set{
		policy.NewSet(time.Now, policy.Revoked{}, tenant),
		policy.NewSet(time.Now, policy.Revoked{}, tenant, company),
	} {
		_, outcomes, _ := verify.CheckEach(context.Background(), set.Policies(), chart, repository)
		for _, o := range outcomes {
			fmt.Printf("%q: %s\n", o.Policy, o.Verdict)
		}
		fmt.Println("revoked:", set.Revoked(chart.Repository, chart.Manifest.Digest, "") != nil)
	}
	// Output:
	// "": accepted
	// revoked: false
	// "company": rejected
	// "": rejected
	// revoked: true
}
