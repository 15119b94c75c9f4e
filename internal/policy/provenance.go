package policy

import (
	"errors"
	"fmt"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/internal/verify"
	"github.com/verifiedchart/verifiedchart/internal/verify/provenance"
)

// provenanceAuthority returns the verifier of a provenance authority. Every asks for all of its signers.
func provenanceAuthority(a v1alpha1.Authority, m Material, every bool) verify.Verifier {
	v, err := provenanceVerifier(a, m, every)
	if err != nil {
		return verify.Unavailable(fmt.Errorf("%w: authority %q: %w", verify.ErrTrustMalformed, a.Name, err))
	}
	return v
}

func provenanceVerifier(a v1alpha1.Authority, m Material, every bool) (*provenance.Verifier, error) {
	if a.SecretRef == nil || m.Keyring == nil {
		return nil, errors.New("it has no secretRef with a keyring")
	}
	spec := provenance.Authority{Name: a.Name, Keyring: m.Keyring, Elsewhere: m.Elsewhere, Every: every}
	if p := a.Provenance; p != nil {
		var known bool
		if spec.Source, known = sources[p.Source]; !known {
			return nil, fmt.Errorf("unknown source %q", p.Source)
		}
		spec.Tag, spec.AllowExpiredKeys = provenance.Template(p.Tag), p.AllowExpiredKeys
		if len(p.Fingerprints) > 0 {
			only, err := m.Keyring.Only(p.Fingerprints)
			if err != nil {
				return nil, fmt.Errorf("Secret %q: %w", a.SecretRef.Name, err) //nolint:staticcheck // Secret is a kind
			}
			spec.Keyring = only
		}
	}
	return provenance.New(spec)
}

var sources = map[string]provenance.Source{
	"":                                 provenance.Auto,
	v1alpha1.ProvenanceSourceAuto:      provenance.Auto,
	v1alpha1.ProvenanceSourceLayer:     provenance.Layer,
	v1alpha1.ProvenanceSourceReferrer:  provenance.Referrer,
	v1alpha1.ProvenanceSourceURL:       provenance.Outside,
	v1alpha1.ProvenanceSourceSecret:    provenance.Outside,
	v1alpha1.ProvenanceSourceConfigMap: provenance.Outside,
}
