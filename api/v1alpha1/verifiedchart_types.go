// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	"strings"
	"time"

	"github.com/fluxcd/pkg/apis/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const (
	// VerifiedChartKind is the kind of a VerifiedChart.
	VerifiedChartKind = "VerifiedChart"

	// VerifiedChartFinalizer was set by older versions. The controller removes it.
	VerifiedChartFinalizer = "finalizers.verifiedchart.dev"

	// GenericProvider gets credentials from Secrets, not from a cloud.
	GenericProvider = "generic"

	// DefaultTimeout bounds one check of the registry if the spec does not.
	DefaultTimeout = 60 * time.Second
)

// VerifiedChartSpec names the chart to publish, and the signatures that it must have.
//
// +kubebuilder:validation:XValidation:rule="!has(self.provider) || self.provider == 'generic' || !has(self.secretRef)",messageExpression="'provider ' + self.provider + ' gets its credentials from the cloud: remove secretRef, or set provider: generic'"
// +kubebuilder:validation:XValidation:rule="!has(self.provider) || self.provider == 'generic' || !has(self.insecure) || !self.insecure",messageExpression="'provider ' + self.provider + ' sends its credentials over HTTPS only: remove insecure: true'"
// +kubebuilder:validation:XValidation:rule="!self.url.matches('^https?://') || has(self.chart)",message="a classic repository needs chart: set it to the name of the chart in index.yaml"
// +kubebuilder:validation:XValidation:rule="!self.url.startsWith('oci://') || !has(self.chart)",message="chart is for classic repositories: remove it, and end url with the name of the chart"
// +kubebuilder:validation:XValidation:rule="!self.url.startsWith('oci://') || !has(self.passCredentials) || !self.passCredentials",message="passCredentials is for classic repositories: remove it"
// +kubebuilder:validation:XValidation:rule="!self.url.startsWith('http://') || (has(self.insecure) && self.insecure)",message="url with http:// needs insecure: true: write https://, or set insecure: true"
// +kubebuilder:validation:XValidation:rule="!self.url.matches('^https?://') || !has(self.provider) || self.provider == 'generic'",messageExpression="'provider ' + self.provider + ' is for OCI registries: remove it, and put a username and a password into secretRef'"
// +kubebuilder:validation:XValidation:rule="!self.url.matches('^https?://') || !has(self.verify.authorities) || !self.verify.authorities.exists(a, has(a.signatureRepository))",message="signatureRepository is for OCI registries: remove it, because a classic repository has the signatures beside the archive"
// +kubebuilder:validation:XValidation:rule="!self.url.matches('^https?://') || !has(self.verify.authorities) || !self.verify.authorities.exists(a, has(a.provenance) && has(a.provenance.source) && a.provenance.source in ['Layer', 'Referrer'])",message="provenance.source Layer and Referrer are for OCI registries: remove source, because a classic repository has the .prov file beside the archive"
type VerifiedChartSpec struct {
	// URL of the chart's repository. In an OCI registry, for example
	// oci://ghcr.io/org/charts/podinfo, the last segment of its path is the name of the
	// chart. A classic repository has an index.yaml, for example
	// https://charts.example.com/stable, and needs the field chart. The URL holds no tag,
	// digest or credentials.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:XValidation:rule="self.matches('^(oci|https?)://')",message="url must start with oci:// for a registry, such as oci://ghcr.io/org/charts/name, or with https:// for a classic repository"
	// +kubebuilder:validation:XValidation:rule="!self.matches('@[a-z0-9]+:[^/]*$')",message="url must not hold a digest: put the digest in ref.digest"
	// +kubebuilder:validation:XValidation:rule="!self.contains('@') || self.matches('@[a-z0-9]+:[^/]*$')",message="url must not hold credentials: put credentials in secretRef"
	// +kubebuilder:validation:XValidation:rule="self.contains('@') || !self.startsWith('oci://') || !self.substring(6 < size(self) ? 6 : 0).matches('/[^/]*:[^/]*$')",message="url must not hold a tag: put it in ref.tag"
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z]+://[[]') || !self.matches('^[a-z]+://[^/@]*:0+[1-9]')",messageExpression="'url must have a port without leading zeros: write ' + self.find('^[a-z]+://[^/]*:') + self.substring(size(self.find('^[a-z]+://[^/]*:0*')))"
	// +kubebuilder:validation:XValidation:rule="!self.matches('^[a-z]+://[^/@]*:[0-9]+(/|$)') || self.matches('^[a-z]+://[^/@]*:0*([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])(/|$)')",message="url must have a port of 1 to 65535, such as oci://registry.example:5000/charts/name"
	// +kubebuilder:validation:XValidation:rule="!self.matches('^[a-z]+://[^/@:]*[^/@:.][.]+(:|/|$)')",messageExpression="'url must have a host without a dot at its end: write ' + self.find('^[a-z]+://[^/:]*[^/:.]') + self.substring(size(self.find('^[a-z]+://[^/:]*')))"
	// +kubebuilder:validation:XValidation:rule="self.matches('^oci://[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?([.][A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*[.]*(:[0-9]+)?(/[a-z0-9]+(([.]|_|__|-+)[a-z0-9]+)*)+/?$') || self.matches('^oci://[[][0-9A-Fa-f:.]+[]](:([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]))?(/[a-z0-9]+(([.]|_|__|-+)[a-z0-9]+)*)+/?$') || self.contains('@') || !self.startsWith('oci://') || self.substring(6 < size(self) ? 6 : 0).matches('/[^/]*:[^/]*$')",message="url must be oci://host[:port]/path, as in oci://ghcr.io/org/charts/my-name: use only lower case letters and digits in the path, joined by one / . or _ (or __), or by dashes"
	// +kubebuilder:validation:XValidation:rule="!self.matches('^https?://') || self.contains('@') || self.matches('^https?://[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?([.][A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*[.]*(:[0-9]+)?(/[A-Za-z0-9._~+-]+)*/?$') || self.matches('^https?://[[][0-9A-Fa-f:.]+[]](:([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]))?(/[A-Za-z0-9._~+-]+)*/?$')",message="url must be https://host[:port]/path, as in https://charts.example.com/stable: use only letters, digits and . _ ~ + - in the path, and no query"
	// +kubebuilder:validation:XValidation:rule="!self.matches('/index[.]yaml/?$|[.]tgz/?$')",message="url must be that of the repository: remove index.yaml, or the name of the archive"
	// +kubebuilder:validation:XValidation:rule="!self.matches('/[.][.]?(/|$)')",message="url must not hold the segments . and .."
	URL string `json:"url"`

	// Chart is the name of the chart in the index of a classic repository, which needs it.
	// +optional
	// +kubebuilder:validation:MaxLength=250
	// +kubebuilder:validation:Pattern=`^[a-zA-Z0-9][a-zA-Z0-9._-]*$`
	Chart string `json:"chart,omitempty"`

	// Ref names the version of the chart to publish.
	// +required
	Ref ChartRef `json:"ref"`

	// Interval between two checks of the registry, for example 10m or 1h30m:
	// from 1s to 8760h, never a bare number. Each check verifies the published chart
	// again. The controller also verifies the chart at least once an hour, and at once
	// if a Secret, a policy or a revocation list changes. It raises an interval that is
	// shorter than its flag --min-interval.
	// +required
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]+([.][0-9]+)?(ms|s|m|h))+$')",messageExpression="'interval \"' + self + '\" has no unit of ms, s, m or h: write 10m, for example'"
	// +kubebuilder:validation:XValidation:rule="!self.matches('^([0-9]+([.][0-9]+)?(ms|s|m|h))+$') || (duration(self) >= duration('1s') && duration(self) <= duration('8760h'))",message="interval must be between 1s and 8760h, such as 10m"
	Interval metav1.Duration `json:"interval"`

	// Timeout of one check of the registry, for example 60s: from 1s to 1h. The
	// controller shortens a timeout that is longer than its flag --max-timeout.
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]+([.][0-9]+)?(ms|s|m|h))+$')",messageExpression="'timeout \"' + self + '\" has no unit of ms, s, m or h: write 60s, for example'"
	// +kubebuilder:validation:XValidation:rule="!self.matches('^([0-9]+([.][0-9]+)?(ms|s|m|h))+$') || (duration(self) >= duration('1s') && duration(self) <= duration('1h'))",message="timeout must be between 1s and 1h, such as 60s"
	// +kubebuilder:default="60s"
	Timeout *metav1.Duration `json:"timeout,omitempty"`

	// If true, the controller does not resolve ref, and publishes nothing new.
	// ClusterChartPolicies, revocations and deadlines still apply to the published chart.
	// +optional
	Suspend bool `json:"suspend,omitempty"`

	// Provider of the credentials for the registry: generic for secretRef and the pull
	// Secrets of serviceAccountName, or aws, azure or gcp for the identity of a workload
	// in that cloud. The host of the URL must be a registry of that cloud.
	// +optional
	// +kubebuilder:validation:Enum=generic;aws;azure;gcp
	// +kubebuilder:default="generic"
	Provider string `json:"provider,omitempty"`

	// SecretRef names a Secret in the same namespace with the credentials for the
	// registry: an entry .dockerconfigjson or .dockercfg, or username and password.
	// It needs provider: generic.
	// +optional
	SecretRef *meta.LocalObjectReference `json:"secretRef,omitempty"`

	// CertSecretRef names a Secret in the same namespace with certificate authorities to
	// trust beside those of the system (ca.crt), with a client certificate for the host in
	// url (tls.crt and tls.key), or with both.
	// +optional
	CertSecretRef *meta.LocalObjectReference `json:"certSecretRef,omitempty"`

	// ProxySecretRef names a Secret in the same namespace with the proxy for every request
	// that the object causes: its address (an http, https or socks5 URL), and optionally
	// username and password. The default is the proxy of the controller's environment.
	// +optional
	ProxySecretRef *meta.LocalObjectReference `json:"proxySecretRef,omitempty"`

	// ServiceAccountName names a ServiceAccount in the same namespace. With provider:
	// generic, its imagePullSecrets are used if secretRef has no credentials for the
	// repository. With a cloud, the ServiceAccount is the identity, which needs a
	// controller with --feature-gates=ObjectLevelWorkloadIdentity=true.
	// +optional
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([a-z0-9-]*[a-z0-9])?([.][a-z0-9]([a-z0-9-]*[a-z0-9])?)*$')",message="serviceAccountName must be the name of a ServiceAccount, such as chart-reader, without its namespace"
	ServiceAccountName string `json:"serviceAccountName,omitempty"`

	// If true, the controller reads the registry over plain HTTP, and a classic
	// repository may have a URL with http://. This needs a controller with the flag
	// --insecure-allow-http.
	// +optional
	Insecure bool `json:"insecure,omitempty"`

	// If true, the credentials are also sent to other hosts that the index of a classic
	// repository names, over HTTPS. By default, only the host of the URL gets them.
	// +optional
	PassCredentials bool `json:"passCredentials,omitempty"`

	// ChartName is the name of the chart in its Chart.yaml. The default is the last segment
	// of the URL, or the field chart.
	// +optional
	// +kubebuilder:validation:MaxLength=250
	// +kubebuilder:validation:Pattern=`^[a-zA-Z0-9][a-zA-Z0-9._-]*$`
	ChartName string `json:"chartName,omitempty"`

	// If true, ref.semver may resolve to a lower version than the published one.
	// If false, such a version is refused. To go back, change the range so that it
	// excludes the published version, or set ref.tag or ref.digest.
	// +optional
	AllowDowngrade bool `json:"allowDowngrade,omitempty"`

	// Verify names the signers of the chart, and the rules for its signatures.
	// +required
	Verify Verification `json:"verify"`
}

// ChartRef names a version of the chart. If digest and another field are set,
// the digest decides.
//
// +kubebuilder:validation:XValidation:rule="has(self.digest) || has(self.semver) || has(self.tag)",message="ref must name a version: set one of tag (1.2.3), semver (>=1.0.0 <2.0.0) or digest (sha256:…)"
// +kubebuilder:validation:XValidation:rule="!has(self.semver) || !has(self.tag)",message="ref must not hold both semver and tag: remove one of the two"
// +kubebuilder:validation:XValidation:rule="!has(self.semverFilter) || has(self.semver)",message="semverFilter filters the tags for semver: set semver too, or remove semverFilter"
type ChartRef struct {
	// Digest of the chart's manifest, as helm push prints it: sha256: and 64
	// hexadecimal digits. In a classic repository it is the digest of the archive; if
	// the index states no digests, set tag too.
	// +optional
	// +kubebuilder:validation:MaxLength=256
	// +kubebuilder:validation:XValidation:rule="self.matches('^sha256:[a-f0-9]{64}$')",message="digest must be sha256: and 64 hexadecimal digits, as helm push prints it"
	Digest string `json:"digest,omitempty"`

	// SemVer is a range of versions, for example >=1.0.0 <2.0.0 or 1.4.x. The
	// controller publishes the highest version in the range.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	// +kubebuilder:validation:XValidation:rule="self.matches('^[[:space:]]*(!=|=[<>]?|[<>]=?|~>?|\\\\^)?[[:space:]]*v?([0-9]+|[xX*])([.]([0-9]+|[xX*])){0,2}(-[0-9A-Za-z-]+([.][0-9A-Za-z-]+)*)?([+][0-9A-Za-z-]+([.][0-9A-Za-z-]+)*)?(([[:space:]]*([|][|]|,)[[:space:]]*|[[:space:]]+(-[[:space:]]+)?)(!=|=[<>]?|[<>]=?|~>?|\\\\^)?[[:space:]]*v?([0-9]+|[xX*])([.]([0-9]+|[xX*])){0,2}(-[0-9A-Za-z-]+([.][0-9A-Za-z-]+)*)?([+][0-9A-Za-z-]+([.][0-9A-Za-z-]+)*)?)*[[:space:]]*$')",message="semver must be a range of versions, such as >=1.0.0 <2.0.0 or 1.4.x"
	SemVer string `json:"semver,omitempty"`

	// SemverFilter is a regular expression (RE2). Only tags that match it are
	// considered for semver.
	// +optional
	// +kubebuilder:validation:MaxLength=256
	SemverFilter string `json:"semverFilter,omitempty"`

	// Tag of the chart, for example 1.2.3. If the tag is a version, the version in
	// Chart.yaml must be the same. Other tags, such as latest, name any version. In a
	// classic repository it is the version in the index.
	// +optional
	// +kubebuilder:validation:MaxLength=256
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-zA-Z0-9_][a-zA-Z0-9._+-]{0,127}$')",message="tag must have at most 128 letters, digits and . _ + -, such as 1.2.3"
	Tag string `json:"tag,omitempty"`
}

// VerifiedChartStatus shows the published chart, its proof, and what is wrong.
type VerifiedChartStatus struct {
	// ObservedGeneration is the last generation of the spec that was handled
	// completely. Before the first, the value is -1.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// Conditions are Ready, SourceVerified, ArtifactInStorage and, if a chart is not
	// ready, the causes: FetchFailed, BuildFailed, StorageOperationFailed, Stalled or
	// Reconciling.
	// +optional
	// +listType=map
	// +listMapKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// URL of the published artifact.
	// +optional
	URL string `json:"url,omitempty"`

	// Artifact that is published. It is absent before the first verified chart, and
	// after a withdrawal.
	// +optional
	Artifact *meta.Artifact `json:"artifact,omitempty"`

	// Verification is the proof of the artifact.
	// +optional
	Verification *VerificationStatus `json:"verification,omitempty"`

	// History lists the verified versions with their first digests, the latest first:
	// at most 64.
	// +optional
	// +kubebuilder:validation:MaxItems=64
	// +listType=atomic
	History []VersionRecord `json:"history,omitempty"`

	// UnverifiedSince is the time since which there is no verdict on the published
	// artifact. It is absent if there is a verdict.
	// +optional
	UnverifiedSince *metav1.Time `json:"unverifiedSince,omitempty"`

	// HeldSince is the time since which the published artifact is rejected, and served
	// on by onTrustLoss: Hold.
	// +optional
	HeldSince *metav1.Time `json:"heldSince,omitempty"`

	// Policies lists the ClusterChartPolicies that also apply to the chart.
	// +optional
	// +listType=atomic
	Policies []string `json:"policies,omitempty"`

	// ObservedSigners lists the signers found on the last chart that was verified:
	// at most 16.
	// +optional
	// +kubebuilder:validation:MaxItems=16
	// +listType=atomic
	ObservedSigners []ObservedSigner `json:"observedSigners,omitempty"`

	meta.ReconcileRequestStatus `json:",inline"`
}

// VerifiedChart is a Helm chart in an OCI registry or a classic repository. The
// controller publishes it only while its signatures are verified.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:shortName=vchart,categories=all;fluxcd;fluxcd-sources
// +kubebuilder:subresource:status
// +kubebuilder:printcolumn:name="Version",type="string",JSONPath=".status.artifact.metadata.org\\.opencontainers\\.image\\.version",description="version of the chart that is served"
// +kubebuilder:printcolumn:name="Ready",type="string",JSONPath=".status.conditions[?(@.type==\"Ready\")].status",description="whether the chart that the spec names is published"
// +kubebuilder:printcolumn:name="Status",type="string",JSONPath=".status.conditions[?(@.type==\"Ready\")].message",description="the version that is served, and the fault if there is one"
// +kubebuilder:printcolumn:name="Age",type="date",JSONPath=".metadata.creationTimestamp",description="age of the object"
// +kubebuilder:printcolumn:name="Verified",type="string",JSONPath=".status.conditions[?(@.type==\"SourceVerified\")].status",priority=1,description="whether the chart that the spec names is verified"
// +kubebuilder:printcolumn:name="Signer",type="string",JSONPath=".status.verification.signers",priority=1,description="who signed the chart that is served"
// +kubebuilder:printcolumn:name="Proven",type="date",JSONPath=".status.verification.verifiedAt",priority=1,description="time since this proof was first found"
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

// Repository returns the name of the chart's repository, as it is written: the URL, and the chart if the repository is
// classic.
func (in *VerifiedChartSpec) Repository() string {
	if in.Chart == "" {
		return in.URL
	}
	return strings.TrimRight(in.URL, "/") + "/" + in.Chart
}

// UsesCloud reports whether the credentials for the registry come from a cloud.
func (in *VerifiedChartSpec) UsesCloud() bool {
	return in.Provider != "" && in.Provider != GenericProvider
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
