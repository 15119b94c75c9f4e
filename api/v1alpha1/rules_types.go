// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Values of a verification's mode.
const (
	ModeEnforce = "Enforce"
	ModeAudit   = "Audit"
)

// Values of a verification's onTrustLoss.
const (
	OnTrustLossWithdraw = "Withdraw"
	OnTrustLossHold     = "Hold"
)

// Values of a verification's versionMutation.
const (
	VersionMutationDeny  = "Deny"
	VersionMutationWarn  = "Warn"
	VersionMutationAllow = "Allow"
)

// MaxHistory is how many versions the status remembers.
const MaxHistory = 64

// MaxRecordedSigners is how many signers of a version the status remembers.
const MaxRecordedSigners = 16

// Rules apply to a chart in addition to the signatures that it needs.
type Rules struct {
	// Mode is Enforce, the default, or Audit. In mode Audit a rejected chart is
	// published too, and SourceVerified shows why the chart is rejected. A revoked
	// chart is not published in either mode.
	// +optional
	// +kubebuilder:validation:Enum=Enforce;Audit
	Mode string `json:"mode,omitempty"`

	// OnTrustLoss decides about a published chart that verification now rejects.
	// Withdraw, the default, stops serving the chart. Hold keeps serving the chart, and
	// publishes no other rejected chart. A revoked chart is withdrawn in both cases.
	// Hold takes effect only if every policy that applies sets it.
	// +optional
	// +kubebuilder:validation:Enum=Withdraw;Hold
	OnTrustLoss string `json:"onTrustLoss,omitempty"`

	// MaxUnverifiedAge is how long a published chart is served without a verdict, for
	// example while a key is missing: from 1m to 8760h, for example 24h. The default
	// is no limit.
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]+([.][0-9]+)?(ms|s|m|h))+$')",messageExpression="'maxUnverifiedAge \"' + self + '\" has no unit of ms, s, m or h: write 24h, for example'"
	// +kubebuilder:validation:XValidation:rule="!self.matches('^([0-9]+([.][0-9]+)?(ms|s|m|h))+$') || (duration(self) >= duration('1m') && duration(self) <= duration('8760h'))",message="maxUnverifiedAge must be between 1m and 8760h, such as 24h"
	MaxUnverifiedAge *metav1.Duration `json:"maxUnverifiedAge,omitempty"`

	// Revoked lists digests, keys, identities and versions that are never trusted.
	// +optional
	Revoked *Revocations `json:"revoked,omitempty"`

	// VersionMutation decides about a version that was verified with one digest and
	// now has another digest, signed or not. Deny, the default, refuses the new digest.
	// Warn publishes the new digest with a warning event, Allow without. With either,
	// the new digest still needs its signatures.
	// +optional
	// +kubebuilder:validation:Enum=Deny;Warn;Allow
	VersionMutation string `json:"versionMutation,omitempty"`

	// MinSignatureAge is the minimum age of a signature, for example 72h: from 1s to
	// 8760h. A log or a timestamp authority must prove the time of the signature.
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]+([.][0-9]+)?(ms|s|m|h))+$')",messageExpression="'minSignatureAge \"' + self + '\" has no unit of ms, s, m or h: write 72h, for example'"
	// +kubebuilder:validation:XValidation:rule="!self.matches('^([0-9]+([.][0-9]+)?(ms|s|m|h))+$') || (duration(self) >= duration('1s') && duration(self) <= duration('8760h'))",message="minSignatureAge must be between 1s and 8760h, such as 72h"
	MinSignatureAge *metav1.Duration `json:"minSignatureAge,omitempty"`

	// Exemptions publish single digests for a limited time, without a proof.
	// +optional
	// +kubebuilder:validation:MaxItems=32
	// +listType=map
	// +listMapKey=digest
	Exemptions []Exemption `json:"exemptions,omitempty"`
}

// Revocations lists digests, keys, identities and versions that are never trusted.
// A change takes effect at once.
type Revocations struct {
	// Digests of manifests: sha256: and 64 hexadecimal digits each.
	// +optional
	// +kubebuilder:validation:MaxItems=256
	// +kubebuilder:validation:items:MaxLength=256
	// +kubebuilder:validation:items:XValidation:rule="self.replace(' ', '').lowerAscii().matches('^sha256:[a-f0-9]{64}$')",message="digests must be sha256: and 64 hexadecimal digits, as status.verification.digest shows them"
	// +listType=set
	Digests []string `json:"digests,omitempty"`

	// Keys whose signatures do not count, as status.verification.authorities shows them:
	// SHA256: and the digest of a cosign key, or OPENPGP: and the fingerprint or id of
	// an OpenPGP key. The prefix may be missing. Case and spaces make no difference.
	// +optional
	// +kubebuilder:validation:MaxItems=256
	// +kubebuilder:validation:items:MaxLength=256
	// +kubebuilder:validation:items:XValidation:rule="self.replace(' ', '').upperAscii().matches('^((SHA256:)?[0-9A-F]{64}|(OPENPGP:)?([0-9A-F]{16}|[0-9A-F]{40}|[0-9A-F]{64}))$')",message="keys must be SHA256: and 64 hexadecimal digits, or OPENPGP: and a fingerprint of 40 or 64 digits or a key id of 16, as the status shows them"
	// +listType=set
	Keys []string `json:"keys,omitempty"`

	// Identities whose keyless signatures do not count. Issuer and subject are regular
	// expressions (RE2) that must match the whole text, or that text itself.
	// +optional
	// +kubebuilder:validation:MaxItems=64
	// +listType=atomic
	Identities []OIDCIdentityMatch `json:"identities,omitempty"`

	// Versions of the chart, each a range, for example <1.2.3 or 1.4.x.
	// +optional
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=256
	// +kubebuilder:validation:items:XValidation:rule="self.matches('^[[:space:]]*(!=|=[<>]?|[<>]=?|~>?|\\\\^)?[[:space:]]*v?([0-9]+|[xX*])([.]([0-9]+|[xX*])){0,2}(-[0-9A-Za-z-]+([.][0-9A-Za-z-]+)*)?([+][0-9A-Za-z-]+([.][0-9A-Za-z-]+)*)?(([[:space:]]*([|][|]|,)[[:space:]]*|[[:space:]]+(-[[:space:]]+)?)(!=|=[<>]?|[<>]=?|~>?|\\\\^)?[[:space:]]*v?([0-9]+|[xX*])([.]([0-9]+|[xX*])){0,2}(-[0-9A-Za-z-]+([.][0-9A-Za-z-]+)*)?([+][0-9A-Za-z-]+([.][0-9A-Za-z-]+)*)?)*[[:space:]]*$')",message="versions must be ranges, such as <1.2.3 or >=1.0.0 <1.4.0"
	// +listType=set
	Versions []string `json:"versions,omitempty"`
}

// Exemption publishes one digest without a proof until ExpiresAt.
type Exemption struct {
	// Digest of the manifest: sha256: and 64 hexadecimal digits.
	// +required
	// +kubebuilder:validation:Pattern=`^sha256:[a-f0-9]{64}$`
	Digest string `json:"digest"`

	// Reason for the exemption, which the status repeats.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	Reason string `json:"reason"`

	// ExpiresAt is the time at which the exemption ends.
	// +required
	ExpiresAt metav1.Time `json:"expiresAt"`
}

// ExceptionStatus is a rule that publishes an artifact without a proof.
type ExceptionStatus struct {
	// Policy is the name of the ClusterChartPolicy. It is absent for spec.verify.
	// +optional
	Policy string `json:"policy,omitempty"`

	// Rule is Audit or Exemption.
	Rule string `json:"rule"`

	// Reason of the exemption.
	// +optional
	Reason string `json:"reason,omitempty"`

	// Until is the time at which the rule ends.
	// +optional
	Until *metav1.Time `json:"until,omitempty"`
}

// VersionRecord is a version of the chart with the digest that was verified first.
type VersionRecord struct {
	// Repository of the chart, as host and path.
	Repository string `json:"repository"`

	// Version in Chart.yaml.
	Version string `json:"version"`

	// Digest of the manifest.
	Digest string `json:"digest"`

	// VerifiedAt is the time at which the version was first verified.
	VerifiedAt metav1.Time `json:"verifiedAt"`

	// Signers of the version at its last verification: at most 16. They stay after a
	// withdrawal, so that you can find the versions that a signer has signed.
	// +optional
	// +kubebuilder:validation:MaxItems=16
	// +listType=atomic
	Signers []SignerRecord `json:"signers,omitempty"`
}

// SignerRecord is a signer of a version.
type SignerRecord struct {
	// Signer as in status.verification.authorities.
	Signer string `json:"signer"`

	// Issuer of the identity that signed. It is absent for a key.
	// +optional
	Issuer string `json:"issuer,omitempty"`

	// Subject of the identity that signed. It is absent for a key.
	// +optional
	Subject string `json:"subject,omitempty"`

	// SigningKey is the fingerprint of the OpenPGP key that signed.
	// +optional
	SigningKey string `json:"signingKey,omitempty"`
}

// ProvesTime reports whether signatures of the authority can carry a proof of when they were made.
func (a Authority) ProvesTime() bool {
	return a.Provider == CosignProvider && (len(a.MatchOIDCIdentity) > 0 || a.TrustedRootSecretRef != nil || a.NeedsLog())
}
