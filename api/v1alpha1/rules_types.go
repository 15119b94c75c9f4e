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

// Rules say what becomes of a chart besides who vouches for it.
type Rules struct {
	// Mode is `Enforce`, the default, or `Audit`: everything is judged, and
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
	// +kubebuilder:validation:Pattern="^([0-9]+(\\.[0-9]+)?(ms|s|m|h))+$"
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('1m') && duration(self) <= duration('8760h')",message="maxUnverifiedAge must be between 1m and 8760h, as in 24h"
	MaxUnverifiedAge *metav1.Duration `json:"maxUnverifiedAge,omitempty"`

	// Revoked is what is not trusted, whoever vouches for it.
	// +optional
	Revoked *Revocations `json:"revoked,omitempty"`

	// VersionMutation says what becomes of a version that was proven with one digest
	// and is found with another, even signed: `Deny`, the default, refuses it; `Warn`
	// publishes it with a warning; `Allow` publishes it.
	// +optional
	// +kubebuilder:validation:Enum=Deny;Warn;Allow
	VersionMutation string `json:"versionMutation,omitempty"`

	// MinSignatureAge is how long ago the chart must have been signed, by the time
	// that a log or a time-stamp authority proves, as `72h`: from 1s to 8760h.
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:Pattern="^([0-9]+(\\.[0-9]+)?(ms|s|m|h))+$"
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('1s') && duration(self) <= duration('8760h')",message="minSignatureAge must be between 1s and 8760h, as in 72h"
	MinSignatureAge *metav1.Duration `json:"minSignatureAge,omitempty"`

	// Exemptions admit single digests for a while, proven or not.
	// +optional
	// +kubebuilder:validation:MaxItems=32
	// +listType=map
	// +listMapKey=digest
	Exemptions []Exemption `json:"exemptions,omitempty"`
}

// Revocations are what is not trusted, whoever vouches for it. They take effect at once.
type Revocations struct {
	// Digests of manifests, `sha256:` and 64 hexadecimal digits.
	// +optional
	// +kubebuilder:validation:MaxItems=256
	// +kubebuilder:validation:items:Pattern=`^sha256:[a-f0-9]{64}$`
	// +listType=set
	Digests []string `json:"digests,omitempty"`

	// Keys whose signatures do not count: `SHA256:` and the digest of a cosign key, or
	// the fingerprint or key id of an OpenPGP key, as the status shows them.
	// +optional
	// +kubebuilder:validation:MaxItems=256
	// +kubebuilder:validation:items:Pattern=`^(SHA256:[0-9A-Fa-f]{64}|(OPENPGP:)?([0-9A-Fa-f]{16}|[0-9A-Fa-f]{40}|[0-9A-Fa-f]{64}))$`
	// +listType=set
	Keys []string `json:"keys,omitempty"`

	// Versions of the chart: each a range, as `<1.2.3` or `1.4.x`.
	// +optional
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=256
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
}

// ProvesTime says whether signatures of the authority can carry a proof of when they were made.
func (a Authority) ProvesTime() bool {
	return a.Provider == CosignProvider && (len(a.MatchOIDCIdentity) > 0 || a.TrustedRootSecretRef != nil || a.NeedsLog())
}
