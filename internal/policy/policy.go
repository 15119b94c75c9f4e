// SPDX-License-Identifier: Apache-2.0

// Package policy turns the `spec.verify` of a VerifiedChart and of ClusterChartPolicies,
// and the key material that they name, into one verify.Verifier, with the rules that
// apply before it (revocations) and after it (exceptions).
//
// It knows the API's types and every verifier. It does not read Secrets or registries,
// and does not verify signatures: the verifiers do.
package policy

import (
	"fmt"
	"slices"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/internal/problem"
	"github.com/verifiedchart/verifiedchart/internal/trustroot"
	"github.com/verifiedchart/verifiedchart/internal/verify"
	"github.com/verifiedchart/verifiedchart/internal/verify/openpgp"
	"github.com/verifiedchart/verifiedchart/internal/verify/provenance"
)

// Material is the content of the objects that an authority refers to.
type Material struct {
	// Secret names the authority's Secret in messages, for example "Secret apps/keys".
	Secret string
	// Data of a cosign authority's Secret.
	Data map[string][]byte
	// Keyring in a provenance authority's Secret.
	Keyring *openpgp.Keyring
	// External reads provenance files that are not in the registry; nil if the authority names no external source.
	External provenance.ExternalSource
	// RevokedKeys are the fingerprints, in hexadecimal digits, of the keys that the keyring
	// says are revoked, even if the keyring cannot be read to its end.
	RevokedKeys []string
	// Bytes is the size of the entries of the authority's Secret that are held.
	Bytes int
	// Root is the trusted root that the authority names, or the public root if the authority needs that; else nil.
	Root *trustroot.Root
	// Err explains why material is missing or malformed. It matches verify.ErrTrustUnavailable,
	// and also verify.ErrTrustMalformed if a retry is useless until an object changes.
	Err error
}

// authorities returns the verifier that asks the policy's authorities. An authority
// whose material is missing or malformed gives no verdict, which does not matter if the
// other authorities are enough. An authority that cannot prove signing times has no
// minimum age; if the policy sets a minimum age, an authority with proven times must accept.
func (p Policy) authorities(constraints verify.Constraints) verify.Verifier {
	v := p.Verify
	// Only a count of signers needs every signer of an authority.
	every := v.AtLeast != nil && *v.AtLeast > 1
	authorities := make([]verify.Verifier, 0, len(v.Authorities))
	for _, a := range inOrder(v.Authorities, constraints) {
		b := builder{Authority: a, material: p.Material[a.Name], every: every, constraints: constraints}
		if !a.ProvesTime() {
			b.constraints.MinAge = 0
		}
		authority := b.build()
		if p.Observe != nil {
			authority = counted{authority, a.Provider, p.Observe}
		}
		authorities = append(authorities, authority)
	}
	verifier := verify.All(authorities...)
	if v.AtLeast != nil {
		verifier = verify.AtLeast(int(*v.AtLeast), authorities...)
	}
	if constraints.MinAge > 0 {
		return dated{verifier}
	}
	return verifier
}

// inOrder returns the authorities in the order in which they are asked. If a minimum age
// is set, authorities that can prove signing times come first, since the others alone may
// be enough by their number.
func inOrder(authorities []v1alpha1.Authority, constraints verify.Constraints) []v1alpha1.Authority {
	if constraints.MinAge == 0 {
		return authorities
	}
	return slices.SortedStableFunc(slices.Values(authorities), func(a, b v1alpha1.Authority) int {
		switch {
		case a.ProvesTime() == b.ProvesTime():
			return 0
		case a.ProvesTime():
			return -1
		}
		return 1
	})
}

// builder builds the verifier of one authority.
type builder struct {
	v1alpha1.Authority
	material Material
	// every asks for all signers, not only for the first that is found.
	every bool
	// constraints apply to every signature.
	constraints verify.Constraints
}

func (b builder) build() verify.Verifier {
	if b.material.Err != nil {
		return verify.Unavailable(fmt.Errorf("authority %q: %w", b.Name, b.material.Err))
	}
	var v verify.Verifier
	var err error
	switch b.Provider {
	case v1alpha1.CosignProvider:
		v, err = b.cosign()
	case v1alpha1.ProvenanceProvider:
		v, err = b.provenance()
	default:
		err = fmt.Errorf("unknown provider %q", b.Provider)
	}
	if err != nil {
		return verify.Unavailable(fmt.Errorf("authority %q: %w", b.Name, problem.Of(verify.ErrTrustMalformed, err)))
	}
	return v
}
