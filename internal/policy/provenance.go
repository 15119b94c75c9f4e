package policy

import (
	"errors"
	"fmt"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/internal/verify"
	"github.com/verifiedchart/verifiedchart/internal/verify/openpgp"
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
	if a.SecretRef == nil {
		return nil, errors.New("it has no secretRef")
	}
	spec := provenance.Authority{Name: a.Name, Every: every}
	var fingerprints []string
	if p := a.Provenance; p != nil {
		spec.Source, spec.Tag, spec.AllowExpiredKeys = sources[p.Source], p.Tag, p.AllowExpiredKeys
		fingerprints = p.Fingerprints
	}
	var err error
	if spec.Keyring, err = openpgp.ParseKeyring(m.Data); err == nil && len(fingerprints) > 0 {
		spec.Keyring, err = spec.Keyring.Only(fingerprints)
	}
	if err != nil {
		return nil, fmt.Errorf("Secret %q: %w", a.SecretRef.Name, err) //nolint:staticcheck // Secret is a kind
	}
	return provenance.New(spec)
}

var sources = map[string]provenance.Source{
	v1alpha1.ProvenanceSourceAuto: provenance.Auto, v1alpha1.ProvenanceSourceLayer: provenance.Layer, v1alpha1.ProvenanceSourceReferrer: provenance.Referrer,
}
