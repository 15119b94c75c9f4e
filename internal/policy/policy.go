// Package policy turns what a user wrote under `spec.verify`, and the key
// material it names, into a verify.Verifier.
//
// It knows the API's types and the verifiers there are. It does not read
// Secrets or registries, and it decides nothing about a chart itself.
package policy

import (
	"errors"
	"fmt"
	"sort"
	"strings"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/internal/verify"
	"github.com/verifiedchart/verifiedchart/internal/verify/cosign"
)

const (
	// keySuffix marks the entries of a Secret that are public keys.
	keySuffix = ".pub"
	// maxKeys bounds the keys of one authority.
	maxKeys = 16
)

// Material is what an authority's references hold.
type Material struct {
	// Data of the authority's Secret.
	Data map[string][]byte
	// Err says why there is no Data. It matches verify.ErrTrustUnavailable where
	// that is the Secret's fault; any other error is a fault on the way to it.
	Err error
}

// Build returns the verifier that v asks for. Material is by authority name. An
// authority whose material is absent or malformed cannot be asked, which is no
// verdict but may not matter where the others are enough.
func Build(v v1alpha1.Verification, material map[string]Material) verify.Verifier {
	authorities := make([]verify.Verifier, 0, len(v.Authorities))
	for _, a := range v.Authorities {
		authorities = append(authorities, authority(a, material[a.Name]))
	}
	if v.AtLeast == nil {
		return verify.All(authorities...)
	}
	return verify.AtLeast(int(*v.AtLeast), authorities...)
}

func authority(a v1alpha1.Authority, m Material) verify.Verifier {
	if m.Err != nil {
		return verify.Unavailable(fmt.Errorf("authority %q: %w", a.Name, m.Err))
	}
	switch a.Provider {
	case v1alpha1.CosignProvider:
		return cosignAuthority(a, m)
	default:
		return verify.Unavailable(fmt.Errorf("%w: authority %q: unknown provider %q", verify.ErrTrustMalformed, a.Name, a.Provider))
	}
}

func cosignAuthority(a v1alpha1.Authority, m Material) verify.Verifier {
	if a.SecretRef == nil {
		return verify.Unavailable(fmt.Errorf("%w: authority %q has no secretRef", verify.ErrTrustMalformed, a.Name))
	}
	keys, err := publicKeys(m.Data)
	if err == nil {
		var keyed *cosign.Keyed
		if keyed, err = cosign.NewKeyed(a.Name, keys); err == nil {
			return keyed
		}
	}
	return verify.Unavailable(fmt.Errorf("%w: authority %q: Secret %q: %w", verify.ErrTrustMalformed, a.Name, a.SecretRef.Name, err))
}

// publicKeys parses every *.pub entry, in the order of their names. One that
// cannot be used makes all of them unusable: to go on with the rest would hide a
// mistake in what decides about trust.
func publicKeys(data map[string][]byte) ([]cosign.Key, error) {
	var names []string
	for name := range data {
		if strings.HasSuffix(name, keySuffix) {
			names = append(names, name)
		}
	}
	sort.Strings(names)
	switch {
	case len(names) == 0:
		return nil, errors.New("it has no entry *" + keySuffix + ": add the public key, as with kubectl create secret generic NAME --from-file=cosign.pub")
	case len(names) > maxKeys:
		return nil, fmt.Errorf("it has %d keys, more than %d: spread them over several authorities with atLeast", len(names), maxKeys)
	}
	keys := make([]cosign.Key, 0, len(names))
	for _, name := range names {
		key, err := cosign.ParseKey(name, data[name])
		if err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	return keys, nil
}
