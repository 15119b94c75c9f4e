// Package policy turns what a user wrote under `spec.verify`, and the key
// material it names, into a verify.Verifier.
//
// It knows the API's types and the verifiers there are. It does not read
// Secrets or registries, and it decides nothing about a chart itself.
package policy

import (
	"fmt"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/internal/trustroot"
	"github.com/verifiedchart/verifiedchart/internal/verify"
	"github.com/verifiedchart/verifiedchart/internal/verify/openpgp"
	"github.com/verifiedchart/verifiedchart/internal/verify/provenance"
)

// Material is what an authority's references hold.
type Material struct {
	// Data of a cosign authority's Secret.
	Data map[string][]byte
	// Keyring in a provenance authority's Secret.
	Keyring *openpgp.Keyring
	// Elsewhere reads provenance files that are not in the registry; nil where the authority names no such place.
	Elsewhere provenance.Elsewhere
	// Root is the trusted root that the authority names, or the public one where it needs that; else nil.
	Root *trustroot.Root
	// Err says why either is not there. It matches verify.ErrTrustUnavailable where
	// that is the fault of what is named; any other error is a fault on the way to it.
	Err error
}

// Build returns the verifier that v asks for. Material is by authority name. An
// authority whose material is absent or malformed cannot be asked, which is no
// verdict but may not matter where the others are enough.
func Build(v v1alpha1.Verification, material map[string]Material) verify.Verifier {
	// Only where signers are counted does it matter which others there are.
	every := v.AtLeast != nil && *v.AtLeast > 1
	authorities := make([]verify.Verifier, 0, len(v.Authorities))
	for _, a := range v.Authorities {
		authorities = append(authorities, authority(a, material[a.Name], every))
	}
	if v.AtLeast == nil {
		return verify.All(authorities...)
	}
	return verify.AtLeast(int(*v.AtLeast), authorities...)
}

func authority(a v1alpha1.Authority, m Material, every bool) verify.Verifier {
	if m.Err != nil {
		return verify.Unavailable(fmt.Errorf("authority %q: %w", a.Name, m.Err))
	}
	switch a.Provider {
	case v1alpha1.CosignProvider:
		return cosignAuthority(a, m, every)
	case v1alpha1.ProvenanceProvider:
		return provenanceAuthority(a, m, every)
	default:
		return verify.Unavailable(fmt.Errorf("%w: authority %q: unknown provider %q", verify.ErrTrustMalformed, a.Name, a.Provider))
	}
}
