package v1alpha1

import (
	"github.com/fluxcd/pkg/apis/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// CosignProvider verifies signatures made by sigstore's cosign.
const CosignProvider = "cosign"

// Verification says who must vouch for a chart before it is published.
//
// +kubebuilder:validation:XValidation:rule="!has(self.atLeast) || self.atLeast <= size(self.authorities)",message="atLeast asks for more authorities than are listed: lower it, or list more authorities"
type Verification struct {
	// AtLeast is how many distinct signers among the authorities must vouch for
	// the chart. One key listed by two authorities is one signer.
	// By default every authority must vouch.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=16
	AtLeast *int32 `json:"atLeast,omitempty"`

	// Authorities are those who may vouch for the chart, each by a name that the status repeats.
	// +required
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	// +listType=map
	// +listMapKey=name
	Authorities []Authority `json:"authorities"`
}

// Authority is one party that may vouch for a chart, and how it does so. The
// names of its fields are those of `spec.verify` of Flux's OCIRepository.
//
// +kubebuilder:validation:XValidation:rule="self.provider != 'cosign' || has(self.secretRef)",message="a cosign authority needs a key: add secretRef: {name: <Secret with a *.pub entry>}"
type Authority struct {
	// Name of the authority, unique in the list: lower case letters, digits and dashes.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	Name string `json:"name"`

	// Provider is the kind of signature: `cosign`.
	// +required
	// +kubebuilder:validation:Enum=cosign
	Provider string `json:"provider"`

	// SecretRef names the Secret, in the namespace of the VerifiedChart, with the
	// public keys of the authority: every entry `*.pub` is one PEM encoded key, and any of them may have signed.
	// +optional
	SecretRef *meta.LocalObjectReference `json:"secretRef,omitempty"`
}

// VerificationStatus is the proof behind the published artifact.
type VerificationStatus struct {
	// Repository, host and path, in which the manifest and its proof were found.
	// +optional
	Repository string `json:"repository,omitempty"`

	// Digest of the manifest that is proven.
	Digest string `json:"digest"`

	// VerifiedAt is when this proof was first established. It is judged again at
	// every reconcile; the time changes only when the proof does, so that an unchanged chart costs no write.
	VerifiedAt metav1.Time `json:"verifiedAt"`

	// Signers are the signers of all authorities that vouched, separated by commas.
	// +optional
	Signers string `json:"signers,omitempty"`

	// Authorities that vouched, and by which signer.
	// +optional
	// +listType=map
	// +listMapKey=name
	Authorities []AuthorityStatus `json:"authorities,omitempty"`
}

// AuthorityStatus is one authority's vote for the published artifact.
type AuthorityStatus struct {
	// Name of the authority in the spec.
	Name string `json:"name"`

	// Provider that verified the signature.
	Provider string `json:"provider"`

	// Signer who vouched. For a key it is `SHA256:` and the hexadecimal digest of its DER encoded public key (SPKI).
	Signer string `json:"signer"`

	// Key is the entry of the Secret that holds the signer's key.
	// +optional
	Key string `json:"key,omitempty"`

	// Source is where in the registry the signature was found.
	// +optional
	Source string `json:"source,omitempty"`
}
