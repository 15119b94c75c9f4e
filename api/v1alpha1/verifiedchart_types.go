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

	// VerifiedChartFinalizer keeps a VerifiedChart until its artifacts are gone from the storage.
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
	// +kubebuilder:validation:XValidation:rule="self.startsWith('oci://')",message="url must start with oci://, as in oci://ghcr.io/org/charts/name"
	// +kubebuilder:validation:XValidation:rule="!self.contains('@')",message="url must hold neither credentials nor a digest: put credentials in secretRef and a digest in ref.digest"
	// +kubebuilder:validation:XValidation:rule="!self.substring(6 < size(self) ? 6 : 0).matches('/[^/]*:[^/]*$')",message="url must not hold a tag: put it in ref.tag"
	// +kubebuilder:validation:XValidation:rule="self.matches('^oci://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[a-z0-9]+([._-]+[a-z0-9]+)*)+/?$') || self.contains('@') || !self.startsWith('oci://')",message="url must be oci://host[:port]/path with a lower case path, as in oci://ghcr.io/org/charts/name"
	URL string `json:"url"`

	// Ref says which version of the chart to publish.
	// +required
	Ref ChartRef `json:"ref"`

	// Interval at which the registry is asked for the chart, as `10m` or `1h30m`: from 1s to 8760h. What is
	// published is verified again then, and at once when a Secret, a policy or a revocation changes.
	// +required
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:Pattern="^([0-9]+(\\.[0-9]+)?(ms|s|m|h))+$"
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('1s') && duration(self) <= duration('8760h')",message="interval must be between 1s and 8760h, as in 10m"
	Interval metav1.Duration `json:"interval"`

	// Timeout of the work with registries in one reconcile: from 1s to 1h, 60s by default.
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:Pattern="^([0-9]+(\\.[0-9]+)?(ms|s|m|h))+$"
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('1s') && duration(self) <= duration('1h')",message="timeout must be between 1s and 1h, as in 60s"
	// +kubebuilder:default="60s"
	Timeout *metav1.Duration `json:"timeout,omitempty"`

	// Suspend stops the reconciliation of this object. What is published stays published, unless it is revoked.
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

	// ChartName is the name the chart must have where it is not the last segment of the URL.
	// +optional
	// +kubebuilder:validation:MaxLength=250
	// +kubebuilder:validation:Pattern=`^[a-zA-Z0-9][a-zA-Z0-9._-]*$`
	ChartName string `json:"chartName,omitempty"`

	// AllowDowngrade lets a range go back to a version that is less than the published
	// one. Without it only a changed spec does.
	// +optional
	AllowDowngrade bool `json:"allowDowngrade,omitempty"`

	// Verify says who must vouch for the chart before it is published.
	// +required
	Verify Verification `json:"verify"`
}

// ChartRef names a version of the chart. Where several fields are set, digest
// goes before semver, and semver before tag.
//
// +kubebuilder:validation:XValidation:rule="has(self.digest) || has(self.semver) || has(self.tag)",message="ref must say which version: set one of tag (1.2.3), semver (>=1.0.0 <2.0.0) or digest (sha256:…)"
// +kubebuilder:validation:XValidation:rule="!has(self.semverFilter) || has(self.semver)",message="semverFilter filters the tags for semver: set semver too, or remove semverFilter"
type ChartRef struct {
	// Digest of the chart's manifest, `sha256:` and 64 hexadecimal digits.
	// +optional
	// +kubebuilder:validation:Pattern="^sha256:[a-f0-9]{64}$"
	Digest string `json:"digest,omitempty"`

	// SemVer is a range of versions; the greatest tag in it is published.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	SemVer string `json:"semver,omitempty"`

	// SemverFilter is a regular expression (RE2) that a tag must match to be considered for semver.
	// +optional
	// +kubebuilder:validation:MaxLength=256
	SemverFilter string `json:"semverFilter,omitempty"`

	// Tag of the chart. Where it is a semantic version, the chart must have that version.
	// +optional
	// +kubebuilder:validation:Pattern="^[a-zA-Z0-9_][a-zA-Z0-9._+-]{0,127}$"
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
	// where there was none, or where the proof of the published one no longer holds.
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

	// Policies are the names of the ClusterChartPolicies that the chart is judged by, besides its own.
	// +optional
	// +listType=atomic
	Policies []string `json:"policies,omitempty"`

	// ObservedSigners are who made the signatures that were seen at the chart that
	// was judged last, the accepted ones included: sixteen at most.
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
// +kubebuilder:printcolumn:name="Version",type="string",JSONPath=".status.artifact.metadata.org\\.opencontainers\\.image\\.version",description="version of the published chart"
// +kubebuilder:printcolumn:name="Verified",type="string",JSONPath=".status.conditions[?(@.type==\"SourceVerified\")].status",description="whether the current revision is proven"
// +kubebuilder:printcolumn:name="Ready",type="string",JSONPath=".status.conditions[?(@.type==\"Ready\")].status",description=""
// +kubebuilder:printcolumn:name="Status",type="string",JSONPath=".status.conditions[?(@.type==\"Ready\")].message",description=""
// +kubebuilder:printcolumn:name="Age",type="date",JSONPath=".metadata.creationTimestamp",description=""
// +kubebuilder:printcolumn:name="Signer",type="string",JSONPath=".status.verification.signers",priority=1,description="who signed the published chart"
// +kubebuilder:printcolumn:name="Digest",type="string",JSONPath=".status.verification.digest",priority=1,description="digest of the proven manifest"
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
