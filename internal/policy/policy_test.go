// SPDX-License-Identifier: Apache-2.0

package policy_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/fluxcd/pkg/apis/meta"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/internal/policy"
	"github.com/verifiedchart/verifiedchart/internal/verify"
	. "github.com/verifiedchart/verifiedchart/internal/verify/verifytest"
)

var errAPI = errors.New("the API server is out of reach")

func spec(atLeast int32, names ...string) v1alpha1.Verification {
	v := v1alpha1.Verification{}
	if atLeast > 0 {
		v.AtLeast = &atLeast
	}
	for _, name := range names {
		v.Authorities = append(v.Authorities, v1alpha1.Authority{
			Name: name, Provider: v1alpha1.CosignProvider, SecretRef: &meta.LocalObjectReference{Name: name},
		})
	}
	return v
}

func secret(signers ...Signer) policy.Material {
	data := map[string][]byte{"README": []byte("not a key")}
	for i, s := range signers {
		data[fmt.Sprintf("%d.pub", i)] = s.Public
	}
	return policy.Material{Data: data}
}

// only returns the set of one policy.
func only(v v1alpha1.Verification, material map[string]policy.Material) policy.Set {
	return policy.NewSet(time.Now, policy.Revoked{}, policy.Policy{Verify: v, Material: material})
}

var _ = Describe("A policy", Label("policy"), func() {
	ours, alsoOurs, theirs := P256(), P256(), P256()

	verifyChart := func(v v1alpha1.Verification, material map[string]policy.Material, signedBy ...Signer) (verify.Result, error) {
		repo := NewRepository()
		subject := repo.Subject("chart")
		if len(signedBy) > 0 {
			SignLegacy(repo, subject, signedBy...)
		}
		accepted, err := verify.Check(context.Background(), only(v, material), subject, repo)
		return accepted.Result(), err
	}

	DescribeTable("accepts a chart that its authorities accept",
		func(v v1alpha1.Verification, material map[string]policy.Material, signedBy ...Signer) {
			result, err := verifyChart(v, material, signedBy...)
			Expect(err).NotTo(HaveOccurred())
			Expect(result.Signatures).NotTo(BeEmpty())
		},
		Entry("one authority, one key", spec(0, "a"), map[string]policy.Material{"a": secret(ours)}, ours),
		Entry("D10: one authority, the second of two keys", spec(0, "a"), map[string]policy.Material{"a": secret(theirs, ours)}, ours),
		Entry("two authorities, both", spec(0, "a", "b"), map[string]policy.Material{"a": secret(ours), "b": secret(alsoOurs)}, ours, alsoOurs),
		Entry("one of two, if the other's Secret is missing", spec(1, "a", "b"),
			map[string]policy.Material{"a": {Err: verify.ErrTrustUnavailable}, "b": secret(ours)}, ours),
	)

	DescribeTable("rejects a chart that they do not accept",
		func(v v1alpha1.Verification, material map[string]policy.Material, signedBy ...Signer) {
			_, err := verifyChart(v, material, signedBy...)
			Expect(err).To(MatchError(verify.ErrRejected))
		},
		Entry("D1: unsigned", spec(0, "a"), map[string]policy.Material{"a": secret(ours)}),
		Entry("D2: another key", spec(0, "a"), map[string]policy.Material{"a": secret(ours)}, theirs),
		Entry("one of two that must both accept", spec(0, "a", "b"), map[string]policy.Material{"a": secret(ours), "b": secret(alsoOurs)}, ours),
		Entry("two authorities with the one key, of which two must accept", spec(2, "a", "b"),
			map[string]policy.Material{"a": secret(ours), "b": secret(ours)}, ours),
	)

	DescribeTable("reaches no verdict without its material",
		func(v v1alpha1.Verification, material map[string]policy.Material, want error) {
			_, err := verifyChart(v, material, ours)
			Expect(err).To(MatchError(want))
			Expect(err).NotTo(MatchError(verify.ErrRejected))
			Expect(errors.Is(err, verify.ErrTrustMalformed)).To(Equal(errors.Is(want, verify.ErrTrustMalformed)))
		},
		Entry("H7: the Secret is missing", spec(0, "a"),
			map[string]policy.Material{"a": {Err: verify.ErrTrustUnavailable}}, verify.ErrTrustUnavailable),
		Entry("the API server is out of reach", spec(0, "a"), map[string]policy.Material{"a": {Err: errAPI}}, errAPI),
		Entry("H8: the Secret has no *.pub", spec(0, "a"),
			map[string]policy.Material{"a": {Data: map[string][]byte{"cosign.key": []byte("x")}}}, verify.ErrTrustMalformed),
		Entry("D9: a key is malformed, even if another key would be enough", spec(0, "a"),
			map[string]policy.Material{"a": {Data: map[string][]byte{"a.pub": ours.Public, "b.pub": []byte("x")}}}, verify.ErrTrustMalformed),
		Entry("the Secret has more keys than allowed", spec(0, "a"),
			map[string]policy.Material{"a": secret(make([]Signer, 17)...)}, verify.ErrTrustMalformed),
		Entry("the provider is unknown", v1alpha1.Verification{Authorities: []v1alpha1.Authority{{Name: "a", Provider: "notary"}}},
			map[string]policy.Material{}, verify.ErrTrustMalformed),
		Entry("E3: there is no secretRef", v1alpha1.Verification{Authorities: []v1alpha1.Authority{{Name: "a", Provider: "cosign"}}},
			map[string]policy.Material{}, verify.ErrTrustMalformed),
		Entry("there is no authority", v1alpha1.Verification{}, map[string]policy.Material{}, verify.ErrTrustMalformed),
	)
})
