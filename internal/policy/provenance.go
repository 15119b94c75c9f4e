// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"fmt"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/internal/problem"
	"github.com/verifiedchart/verifiedchart/internal/verify"
	"github.com/verifiedchart/verifiedchart/internal/verify/provenance"
)

// provenance returns the verifier of a provenance authority.
func (b builder) provenance() (verify.Verifier, error) {
	if b.SecretRef == nil || b.material.Keyring == nil {
		return nil, problem.New(nil, "no keyring").Fix("set secretRef to a Secret with the maintainers' OpenPGP public keys")
	}
	spec := provenance.Authority{
		Name: b.Name, KeysIn: b.material.Secret, Keyring: b.material.Keyring, External: b.material.External, Every: b.every, Constraints: b.constraints,
	}
	if p := b.Provenance; p != nil {
		var known bool
		if spec.Source, known = sources[p.Source]; !known {
			return nil, fmt.Errorf("unknown source %q", p.Source)
		}
		spec.Tag, spec.AllowExpiredKeys = provenance.Template(p.Tag), p.AllowExpiredKeys
		if len(p.Fingerprints) > 0 {
			only, err := spec.Keyring.Only(p.Fingerprints)
			if err != nil {
				return nil, problem.In(b.material.Secret, err)
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
