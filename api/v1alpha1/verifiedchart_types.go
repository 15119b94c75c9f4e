// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	"time"

	"github.com/fluxcd/pkg/apis/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const (
	// VerifiedChartKind is the kind of a VerifiedChart.
	VerifiedChartKind = "VerifiedChart"

	// VerifiedChartFinalizer was set by older versions. The controller removes it.
	VerifiedChartFinalizer = "finalizers.verifiedchart.dev"

	// DefaultTimeout bounds one reconcile's work with registries where the spec does not.
	DefaultTimeout = 60 * time.Second
)

// VerifiedChartSpec says which chart to publish, from where, and who must have signed it.
type VerifiedChartSpec struct {
	// URL of the chart's repository in an OCI registry: `oci://host[:port]/path`,
	// without tag, digest or credentials. The last segment of the path is the chart's name.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:XValidation:rule="self.startsWith('oci://') || self.matches('^https?://')",message="url must start with oci://, such as oci://ghcr.io/org/charts/name"
	// +kubebuilder:validation:XValidation:rule="!self.matches('^https?://')",message="url must start with oci://: classic chart repositories are not supported"
	// +kubebuilder:validation:XValidation:rule="!self.matches('@[a-z0-9]+:[^/]*$')",message="url must not hold a digest: put the digest in ref.digest"
	// +kubebuilder:validation:XValidation:rule="!self.contains('@') || self.matches('@[a-z0-9]+:[^/]*$')",message="url must not hold credentials: put credentials in secretRef"
	// +kubebuilder:validation:XValidation:rule="self.contains('@') || !self.startsWith('oci://') || !self.substring(6 < size(self) ? 6 : 0).matches('/[^/]*:[^/]*$')",message="url must not hold a tag: put it in ref.tag"
	// +kubebuilder:validation:XValidation:rule="!self.matches('^oci://[^/@]*:0+[1-9]')",messageExpression="'url must have a port without leading zeros: write ' + self.find('^oci://[^/]*:') + self.substring(size(self.find('^oci://[^/]*:0*')))"
	// +kubebuilder:validation:XValidation:rule="!self.matches('^oci://[^/@]*:[0-9]+(/|$)') || self.matches('^oci://[^/@]*:0*([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])(/|$)')",message="url must have a port of 1 to 65535, such as oci://registry.example:5000/charts/name"
	// +kubebuilder:validation:XValidation:rule="!self.matches('^oci://[^/@:]*[^/@:.][.]+(:|/|$)')",messageExpression="'url must have a host without a dot at its end: write ' + self.find('^oci://[^/:]*[^/:.]') + self.substring(size(self.find('^oci://[^/:]*')))"
	// +kubebuilder:validation:XValidation:rule="self.matches('^oci://[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?([.][A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*[.]*(:[0-9]+)?(/[a-z0-9]+(([.]|_|__|-+)[a-z0-9]+)*)+/?$') || self.contains('@') || !self.startsWith('oci://') || self.substring(6 < size(self) ? 6 : 0).matches('/[^/]*:[^/]*$')",message="url must be oci://host[:port]/path with a lower case path, whose names are joined by one / and have one ., _ or __, or dashes, between letters and digits alone, as in oci://ghcr.io/org/charts/my-name"
	URL string `json:"url"`

	// Ref says which version of the chart to publish.
	// +required
	Ref ChartRef `json:"ref"`

	// Interval at which the registry is asked for the chart, as `10m` or `1h30m`: from 1s to 8760h. What is
	// published is verified again then, and at once when a Secret, a policy or a revocation changes.
	// +required
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]+([.][0-9]+)?(ms|s|m|h))+$')",messageExpression="'interval \"' + self + '\" has no unit of ms, s, m or h: write 10m, for example'"
	// +kubebuilder:validation:XValidation:rule="!self.matches('^([0-9]+([.][0-9]+)?(ms|s|m|h))+$') || (duration(self) >= duration('1s') && duration(self) <= duration('8760h'))",message="interval must be between 1s and 8760h, such as 10m"
	Interval metav1.Duration `json:"interval"`

	// Timeout of the work with registries in one reconcile: from 1s to 1h, 60s by default.
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]+([.][0-9]+)?(ms|s|m|h))+$')",messageExpression="'timeout \"' + self + '\" has no unit of ms, s, m or h: write 60s, for example'"
	// +kubebuilder:validation:XValidation:rule="!self.matches('^([0-9]+([.][0-9]+)?(ms|s|m|h))+$') || (duration(self) >= duration('1s') && duration(self) <= duration('1h'))",message="timeout must be between 1s and 1h, such as 60s"
	// +kubebuilder:default="60s"
	Timeout *metav1.Duration `json:"timeout,omitempty"`

	// Suspend stops the controller from asking what the reference names. Cluster
	// policies, revocations and deadlines still count for the published chart.
	// +optional
	Suspend bool `json:"suspend,omitempty"`

	// SecretRef names a Secret of type `kubernetes.io/dockerconfigjson`, in the
	// same namespace, with the credentials for the registry.
	// +optional
	SecretRef *meta.LocalObjectReference `json:"secretRef,omitempty"`

	// Insecure reads the registry over plain HTTP. It is refused unless the
	// controller runs with `--insecure-allow-http`.
	// +optional
	Insecure bool `json:"insecure,omitempty"`

	// ChartName is the name the chart must have if it is not the last segment of the URL.
	// +optional
	// +kubebuilder:validation:MaxLength=250
	// +kubebuilder:validation:Pattern=`^[a-zA-Z0-9][a-zA-Z0-9._-]*$`
	ChartName string `json:"chartName,omitempty"`

	// AllowDowngrade lets a range go back to a version that is less than the published
	// one. Without it, change the range so that it leaves out the published version, or set tag or digest.
	// +optional
	AllowDowngrade bool `json:"allowDowngrade,omitempty"`

	// Verify says who must accept the chart before it is published.
	// +required
	Verify Verification `json:"verify"`
}

// ChartRef names a version of the chart. If several fields are set, digest
// goes before semver, and semver before tag.
//
// +kubebuilder:validation:XValidation:rule="has(self.digest) || has(self.semver) || has(self.tag)",message="ref must say which version: set one of tag (1.2.3), semver (>=1.0.0 <2.0.0) or digest (sha256:…)"
// +kubebuilder:validation:XValidation:rule="!has(self.semver) || !has(self.tag)",message="ref: set one of digest, semver, tag"
// +kubebuilder:validation:XValidation:rule="!has(self.semverFilter) || has(self.semver)",message="semverFilter filters the tags for semver: set semver too, or remove semverFilter"
type ChartRef struct {
	// Digest of the chart's manifest, `sha256:` and 64 hexadecimal digits.
	// +optional
	// +kubebuilder:validation:MaxLength=256
	// +kubebuilder:validation:XValidation:rule="self.matches('^sha256:[a-f0-9]{64}$')",message="digest must be sha256: and 64 hexadecimal digits, as helm push prints it"
	Digest string `json:"digest,omitempty"`

	// SemVer is a range of versions; the greatest tag in it is published.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	// +kubebuilder:validation:XValidation:rule="self.matches('^[[:space:]]*(!=|=[<>]?|[<>]=?|~>?|\\\\^)?[[:space:]]*v?([0-9]+|[xX*])([.]([0-9]+|[xX*])){0,2}(-[0-9A-Za-z-]+([.][0-9A-Za-z-]+)*)?([+][0-9A-Za-z-]+([.][0-9A-Za-z-]+)*)?(([[:space:]]*([|][|]|,)[[:space:]]*|[[:space:]]+(-[[:space:]]+)?)(!=|=[<>]?|[<>]=?|~>?|\\\\^)?[[:space:]]*v?([0-9]+|[xX*])([.]([0-9]+|[xX*])){0,2}(-[0-9A-Za-z-]+([.][0-9A-Za-z-]+)*)?([+][0-9A-Za-z-]+([.][0-9A-Za-z-]+)*)?)*[[:space:]]*$')",message="semver must be a range of versions, such as >=1.0.0 <2.0.0 or 1.4.x"
	SemVer string `json:"semver,omitempty"`

	// SemverFilter is a regular expression (RE2) that a tag must match to be considered for semver.
	// +optional
	// +kubebuilder:validation:MaxLength=256
	SemverFilter string `json:"semverFilter,omitempty"`

	// Tag of the chart. If it is a semantic version, the chart must have that version.
	// +optional
	// +kubebuilder:validation:MaxLength=256
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-zA-Z0-9_][a-zA-Z0-9._+-]{0,127}$')",message="tag must have at most 128 letters, digits and . _ + -, such as 1.2.3"
	Tag string `json:"tag,omitempty"`
}

// VerifiedChartStatus is what the controller has seen, proven and published.
type VerifiedChartStatus struct {
	// ObservedGeneration is the last generation of the spec that was fully dealt with; -1 at first.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// Conditions of the VerifiedChart: Ready, SourceVerified, and what keeps them from being True.
	// +optional
	// +listType=map
	// +listMapKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// URL under which the newest artifact is served.
	// +optional
	URL string `json:"url,omitempty"`

	// Artifact that is published: the last one that was proven. It is absent
	// if there was none, or where the proof of the published one no longer holds.
	// +optional
	Artifact *meta.Artifact `json:"artifact,omitempty"`

	// Verification is the proof behind the artifact.
	// +optional
	Verification *VerificationStatus `json:"verification,omitempty"`

	// History are the versions that were proven, with the digests they were first proven
	// with, the one that was published last first: sixty-four at most.
	// +optional
	// +kubebuilder:validation:MaxItems=64
	// +listType=atomic
	History []VersionRecord `json:"history,omitempty"`

	// UnverifiedSince is since when it cannot be found out whether the published
	// artifact is still trusted; absent while it can.
	// +optional
	UnverifiedSince *metav1.Time `json:"unverifiedSince,omitempty"`

	// HeldSince is since when the published artifact is not trusted any more, and
	// goes on being served since onTrustLoss is `Hold`.
	// +optional
	HeldSince *metav1.Time `json:"heldSince,omitempty"`

	// Policies are the names of the ClusterChartPolicies that the chart is verified by, besides its own.
	// +optional
	// +listType=atomic
	Policies []string `json:"policies,omitempty"`

	// ObservedSigners are who made the signatures that were seen at the chart that
	// was verified last, the accepted ones included: sixteen at most.
	// +optional
	// +kubebuilder:validation:MaxItems=16
	// +listType=atomic
	ObservedSigners []ObservedSigner `json:"observedSigners,omitempty"`

	meta.ReconcileRequestStatus `json:",inline"`
}

// VerifiedChart is a Helm chart in an OCI registry that is published to the
// cluster only while it is proven who signed it.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:shortName=vchart,categories=all;fluxcd;fluxcd-sources
// +kubebuilder:subresource:status
// +kubebuilder:printcolumn:name="Version",type="string",JSONPath=".status.artifact.metadata.org\\.opencontainers\\.image\\.version",description="version of the chart that is served"
// +kubebuilder:printcolumn:name="Ready",type="string",JSONPath=".status.conditions[?(@.type==\"Ready\")].status",description="whether the chart that the spec names is served"
// +kubebuilder:printcolumn:name="Status",type="string",JSONPath=".status.conditions[?(@.type==\"Ready\")].message",description="what is served, and what is wrong"
// +kubebuilder:printcolumn:name="Age",type="date",JSONPath=".metadata.creationTimestamp",description="age of the object"
// +kubebuilder:printcolumn:name="Verified",type="string",JSONPath=".status.conditions[?(@.type==\"SourceVerified\")].status",priority=1,description="whether the chart that the spec names is verified"
// +kubebuilder:printcolumn:name="Signer",type="string",JSONPath=".status.verification.signers",priority=1,description="who signed the chart that is served"
// +kubebuilder:printcolumn:name="Proven",type="date",JSONPath=".status.verification.verifiedAt",priority=1,description="age of the proof"
// +kubebuilder:printcolumn:name="Suspended",type="boolean",JSONPath=".spec.suspend",priority=1,description="whether the object is suspended"
// +kubebuilder:printcolumn:name="URL",type="string",JSONPath=".spec.url",priority=1,description="repository of the chart"
type VerifiedChart struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// +required
	Spec VerifiedChartSpec `json:"spec"`

	// +kubebuilder:default={"observedGeneration":-1}
	Status VerifiedChartStatus `json:"status,omitempty"`
}

// VerifiedChartList is a list of VerifiedCharts.
//
// +kubebuilder:object:root=true
type VerifiedChartList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []VerifiedChart `json:"items"`
}

// GetConditions returns the conditions of the status.
func (in *VerifiedChart) GetConditions() []metav1.Condition { return in.Status.Conditions }

// SetConditions sets the conditions of the status.
func (in *VerifiedChart) SetConditions(conditions []metav1.Condition) {
	in.Status.Conditions = conditions
}

// GetRequeueAfter returns the interval of the spec.
func (in *VerifiedChart) GetRequeueAfter() time.Duration { return in.Spec.Interval.Duration }

// GetTimeout returns the timeout of the spec, or DefaultTimeout.
func (in *VerifiedChart) GetTimeout() time.Duration {
	if in.Spec.Timeout == nil {
		return DefaultTimeout
	}
	return in.Spec.Timeout.Duration
}

// GetArtifact returns the published artifact, or nil.
func (in *VerifiedChart) GetArtifact() *meta.Artifact { return in.Status.Artifact }

// GetLastHandledReconcileRequest returns the last handled value of the annotation reconcile.fluxcd.io/requestedAt.
func (in *VerifiedChart) GetLastHandledReconcileRequest() string {
	return in.Status.GetLastHandledReconcileRequest()
}

// SetLastHandledReconcileAt records the handled value of the annotation reconcile.fluxcd.io/requestedAt.
func (in *VerifiedChart) SetLastHandledReconcileAt(token string) {
	in.Status.SetLastHandledReconcileRequest(token)
}
