// SPDX-License-Identifier: Apache-2.0

package material

import (
	"slices"

	"github.com/fluxcd/pkg/apis/meta"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
)

// SecretNames returns the names of the Secrets that the authorities refer to, sorted and each once.
func SecretNames(v v1alpha1.Verification) []string {
	var refs []*meta.LocalObjectReference
	for _, a := range v.Authorities {
		refs = append(refs, a.SecretRef, a.TrustedRootSecretRef)
		if p := a.Provenance; p != nil {
			refs = append(refs, p.SecretRef, p.CertSecretRef, fileRef(p, v1alpha1.ProvenanceSourceSecret))
		}
	}
	return namesOf(refs)
}

// ConfigMapNames returns the names of the ConfigMaps that the authorities refer to, sorted and each once.
func ConfigMapNames(v v1alpha1.Verification) []string {
	var refs []*meta.LocalObjectReference
	for _, a := range v.Authorities {
		if p := a.Provenance; p != nil {
			refs = append(refs, fileRef(p, v1alpha1.ProvenanceSourceConfigMap))
		}
	}
	return namesOf(refs)
}

// fileRef returns the object that holds provenance files, if the source is of that kind.
func fileRef(p *v1alpha1.Provenance, source string) *meta.LocalObjectReference {
	if p.FileRef == nil || p.Source != source {
		return nil
	}
	return &meta.LocalObjectReference{Name: p.FileRef.Name}
}

// namesOf returns the names of the references that are not nil.
func namesOf(refs []*meta.LocalObjectReference) []string {
	var names []string
	for _, ref := range refs {
		if ref != nil {
			names = append(names, ref.Name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
