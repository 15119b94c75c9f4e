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

// Rules say what becomes of a chart besides who accepts it.
type Rules struct {
	// Mode is `Enforce`, the default, or `Audit`: everything is verified, and
	// SourceVerified tells the truth, but the chart is published whatever the verdict.
	// +optional
	// +kubebuilder:validation:Enum=Enforce;Audit
	Mode string `json:"mode,omitempty"`

	// OnTrustLoss says what becomes of the published artifact when it is proven not
	// to be trusted any more: `Withdraw`, the default, ends its serving; `Hold` goes on
	// serving it, and publishes nothing new. What is revoked is withdrawn all the same.
	// +optional
	// +kubebuilder:validation:Enum=Withdraw;Hold
	OnTrustLoss string `json:"onTrustLoss,omitempty"`

	// MaxUnverifiedAge is how long the published artifact is served while it cannot
	// be found out whether it is still trusted, as `24h`: from 1m to 8760h. By default without end.
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]+([.][0-9]+)?(ms|s|m|h))+$')",messageExpression="'maxUnverifiedAge \"' + self + '\" has no unit of ms, s, m or h: write 24h, for example'"
	// +kubebuilder:validation:XValidation:rule="!self.matches('^([0-9]+([.][0-9]+)?(ms|s|m|h))+$') || (duration(self) >= duration('1m') && duration(self) <= duration('8760h'))",message="maxUnverifiedAge must be between 1m and 8760h, such as 24h"
	MaxUnverifiedAge *metav1.Duration `json:"maxUnverifiedAge,omitempty"`

	// Revoked is what is not trusted, whoever accepts it.
	// +optional
	Revoked *Revocations `json:"revoked,omitempty"`

	// VersionMutation says what becomes of a version that was proven with one digest
	// and is found with another, even signed: `Deny`, the default, refuses it; `Warn`
	// publishes it with a warning; `Allow` publishes it.
	// +optional
	// +kubebuilder:validation:Enum=Deny;Warn;Allow
	VersionMutation string `json:"versionMutation,omitempty"`

	// MinSignatureAge is how long ago the chart must have been signed, by the time
	// that a log or a timestamp authority proves, as `72h`: from 1s to 8760h.
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]+([.][0-9]+)?(ms|s|m|h))+$')",messageExpression="'minSignatureAge \"' + self + '\" has no unit of ms, s, m or h: write 72h, for example'"
	// +kubebuilder:validation:XValidation:rule="!self.matches('^([0-9]+([.][0-9]+)?(ms|s|m|h))+$') || (duration(self) >= duration('1s') && duration(self) <= duration('8760h'))",message="minSignatureAge must be between 1s and 8760h, such as 72h"
	MinSignatureAge *metav1.Duration `json:"minSignatureAge,omitempty"`

	// Exemptions admit single digests for a while, proven or not.
	// +optional
	// +kubebuilder:validation:MaxItems=32
	// +listType=map
	// +listMapKey=digest
	Exemptions []Exemption `json:"exemptions,omitempty"`
}

// Revocations are what is not trusted, whoever accepts it. They take effect at once.
type Revocations struct {
	// Digests of manifests, `sha256:` and 64 hexadecimal digits.
	// +optional
	// +kubebuilder:validation:MaxItems=256
	// +kubebuilder:validation:items:MaxLength=256
	// +kubebuilder:validation:items:XValidation:rule="self.replace(' ', '').lowerAscii().matches('^sha256:[a-f0-9]{64}$')",message="digests must be sha256: and 64 hexadecimal digits, as status.verification.digest shows them"
	// +listType=set
	Digests []string `json:"digests,omitempty"`

	// Keys whose signatures do not count: `SHA256:` and the digest of a cosign key, or
	// `OPENPGP:` and the fingerprint or key id of an OpenPGP key, as the status shows
	// them. The prefix may be missing; case and spaces do not matter.
	// +optional
	// +kubebuilder:validation:MaxItems=256
	// +kubebuilder:validation:items:MaxLength=256
	// +kubebuilder:validation:items:XValidation:rule="self.replace(' ', '').upperAscii().matches('^((SHA256:)?[0-9A-F]{64}|(OPENPGP:)?([0-9A-F]{16}|[0-9A-F]{40}|[0-9A-F]{64}))$')",message="keys must be SHA256: and 64 hexadecimal digits, or OPENPGP: and a fingerprint of 40 or 64 digits or a key id of 16, as the status shows them"
	// +listType=set
	Keys []string `json:"keys,omitempty"`

	// Identities whose signatures do not count. The `issuer` and the `subject` are each
	// a regular expression (RE2) that the whole text must match, or the text itself.
	// +optional
	// +kubebuilder:validation:MaxItems=64
	// +listType=atomic
	Identities []OIDCIdentityMatch `json:"identities,omitempty"`

	// Versions of the chart: each a range, such as `<1.2.3` or `1.4.x`.
	// +optional
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=256
	// +kubebuilder:validation:items:XValidation:rule="self.matches('^[[:space:]]*(!=|=[<>]?|[<>]=?|~>?|\\\\^)?[[:space:]]*v?([0-9]+|[xX*])([.]([0-9]+|[xX*])){0,2}(-[0-9A-Za-z-]+([.][0-9A-Za-z-]+)*)?([+][0-9A-Za-z-]+([.][0-9A-Za-z-]+)*)?(([[:space:]]*([|][|]|,)[[:space:]]*|[[:space:]]+(-[[:space:]]+)?)(!=|=[<>]?|[<>]=?|~>?|\\\\^)?[[:space:]]*v?([0-9]+|[xX*])([.]([0-9]+|[xX*])){0,2}(-[0-9A-Za-z-]+([.][0-9A-Za-z-]+)*)?([+][0-9A-Za-z-]+([.][0-9A-Za-z-]+)*)?)*[[:space:]]*$')",message="versions must be ranges, such as <1.2.3 or >=1.0.0 <1.4.0"
	// +listType=set
	Versions []string `json:"versions,omitempty"`
}

// Exemption admits one digest until it expires.
type Exemption struct {
	// Digest of the manifest, `sha256:` and 64 hexadecimal digits.
	// +required
	// +kubebuilder:validation:Pattern=`^sha256:[a-f0-9]{64}$`
	Digest string `json:"digest"`

	// Reason for the exemption, which the status repeats.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	Reason string `json:"reason"`

	// ExpiresAt is when the exemption ends.
	// +required
	ExpiresAt metav1.Time `json:"expiresAt"`
}

// ExceptionStatus is a rule by which an artifact is published that is not proven.
type ExceptionStatus struct {
	// Policy is the name of the ClusterChartPolicy; absent for the object's own.
	// +optional
	Policy string `json:"policy,omitempty"`

	// Rule is `Audit` or `Exemption`.
	Rule string `json:"rule"`

	// Reason that was given.
	// +optional
	Reason string `json:"reason,omitempty"`

	// Until is when the rule ends.
	// +optional
	Until *metav1.Time `json:"until,omitempty"`
}

// VersionRecord is a version of the chart and the digest that it was first proven with.
type VersionRecord struct {
	// Repository, host and path, of the chart.
	Repository string `json:"repository"`

	// Version in Chart.yaml.
	Version string `json:"version"`

	// Digest of the manifest.
	Digest string `json:"digest"`

	// VerifiedAt is when it was first proven.
	VerifiedAt metav1.Time `json:"verifiedAt"`

	// Signers of the version when it was verified last, sixteen at most. They stay when the version is withdrawn, so
	// that the versions that a key or an identity signed can be found afterwards.
	// +optional
	// +kubebuilder:validation:MaxItems=16
	// +listType=atomic
	Signers []SignerRecord `json:"signers,omitempty"`
}

// SignerRecord is a signer of a version.
type SignerRecord struct {
	// Signer as in `status.verification.authorities`.
	Signer string `json:"signer"`

	// Issuer of the identity that signed; absent for a key.
	// +optional
	Issuer string `json:"issuer,omitempty"`

	// Subject of the identity that signed; absent for a key.
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
