// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// ClusterChartPolicyKind is the kind of a ClusterChartPolicy.
const ClusterChartPolicyKind = "ClusterChartPolicy"

// Values of a ClusterChartPolicy's unmatched.
const (
	UnmatchedAllow = "Allow"
	UnmatchedDeny  = "Deny"
)

// ClusterChartPolicySpec names the signers that every matched chart must have, in
// addition to the signers that its VerifiedChart names.
type ClusterChartPolicySpec struct {
	// Match selects VerifiedCharts. By default the policy matches all.
	// +optional
	Match *ChartMatch `json:"match,omitempty"`

	// Verify names the signers of the charts, and the rules for their signatures. Its
	// Secrets and ConfigMaps are in the namespace of the controller.
	// +required
	Verify Verification `json:"verify"`

	// Unmatched decides about VerifiedCharts that no ClusterChartPolicy matches: Allow,
	// the default, or Deny. One policy with Deny is enough to deny them.
	// +optional
	// +kubebuilder:validation:Enum=Allow;Deny
	// +kubebuilder:default=Allow
	Unmatched string `json:"unmatched,omitempty"`
}

// ChartMatch selects VerifiedCharts. If a list is not empty, one of its entries must
// match. If both lists are not empty, both must match.
type ChartMatch struct {
	// URLs of charts, for example oci://ghcr.io/org/**, or
	// https://charts.example.com/stable/** for the charts of a classic repository, whose
	// URLs end with the name of the chart. A * stands for any part of a segment, ** for any
	// text. Upper case in the host, a default port, http:// and other names of Docker Hub
	// make no difference. By default every URL matches.
	// +optional
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=512
	// +kubebuilder:validation:items:XValidation:rule="self.matches('^((oci|https?)://|[*][*])')",messageExpression="'urls must start with oci:// or https://: write oci://' + (self.contains('://') ? self.substring(self.indexOf('://') + 3) : self)"
	// +kubebuilder:validation:items:XValidation:rule="self.matches('^([A-Za-z]*://)?[^/@]*(/[^:@]*)?$')",message="urls must hold neither credentials nor a tag or digest, since a policy applies to every version: remove them, and list bad versions under verify.revoked"
	// +kubebuilder:validation:items:XValidation:rule="!self.matches('^oci://[^/]*/.*[A-Z]')",messageExpression="'urls must have a path in lower case, as every repository in a registry has: write ' + self.lowerAscii()"
	// +kubebuilder:validation:items:XValidation:rule="!self.matches('^[a-z]+://[^/]*/?$') || self.contains('**')",messageExpression="'urls must have a path: write ' + (self.endsWith('/') ? self : self + '/') + '** for every chart of the host'"
	// +kubebuilder:validation:items:XValidation:rule="!self.matches('^([A-Za-z]*://)?[^/@]*:[0-9]+(/|$)') || self.matches('^([A-Za-z]*://)?[^/@]*:([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])(/|$)')",message="urls must have a port of 1 to 65535 without leading zeros, as in oci://registry.example:5000/**"
	// +kubebuilder:validation:items:XValidation:rule="self.matches('^(oci|https?)://[[][0-9A-Fa-f:.]+[]](:[0-9*]+)?(/[A-Za-z0-9*._~+-]+)+/?$') && !self.matches('/[.][.]?(/|$)') || self.matches('^oci://[A-Za-z0-9*]([A-Za-z0-9*-]*[A-Za-z0-9*])?([.][A-Za-z0-9*]([A-Za-z0-9*-]*[A-Za-z0-9*])?)*(:[0-9*]+)?(/[a-z0-9*]+(([.]|_|__|-+)[a-z0-9*]+)*)+/?$') || self.matches('^https?://[A-Za-z0-9*]([A-Za-z0-9*-]*[A-Za-z0-9*])?([.][A-Za-z0-9*]([A-Za-z0-9*-]*[A-Za-z0-9*])?)*(:[0-9*]+)?(/[A-Za-z0-9*._~+-]+)+/?$') && !self.matches('/[.][.]?(/|$)') || self.matches('^oci://[A-Za-z0-9*._-]*[*][*][A-Za-z0-9*._-]*(:[0-9*]+)?((/[a-z0-9*]+(([.]|_|__|-+)[a-z0-9*]+)*)+/?)?$') || (self.matches('^(https?://)?[A-Za-z0-9*._-]*[*][*][A-Za-z0-9*._-]*(:[0-9*]+)?((/[A-Za-z0-9*._~+-]+)+/?)?$') && !self.matches('/[.][.]?(/|$)')) || !self.matches('^([a-z]+://|[*][*])') || self.contains('@')",message="urls must be as URLs of charts are, with * and **, or they match none: write oci://host[:port]/path, as in oci://ghcr.io/org/**, or https://host[:port]/path/chart"
	// +listType=set
	URLs []string `json:"urls,omitempty"`

	// Namespaces of VerifiedCharts, for example team-*. A * stands for any text. By
	// default every namespace matches.
	// +optional
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=63
	// +kubebuilder:validation:items:XValidation:rule="self.matches('^[a-z0-9*]([-a-z0-9*]*[a-z0-9*])?$')",message="namespaces must be as names of namespaces are, with *, or they match none: lower case letters, digits and dashes, as in team-*"
	// +listType=set
	Namespaces []string `json:"namespaces,omitempty"`
}

// ClusterChartPolicy holds rules for every chart that it matches, in addition to
// the rules of its VerifiedChart. No VerifiedChart can weaken the policy.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:scope=Cluster
// +kubebuilder:printcolumn:name="Unmatched",type="string",JSONPath=".spec.unmatched",description="Allow or Deny for charts that no policy matches"
// +kubebuilder:printcolumn:name="Age",type="date",JSONPath=".metadata.creationTimestamp",description=""
type ClusterChartPolicy struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// +required
	Spec ClusterChartPolicySpec `json:"spec"`
}

// ClusterChartPolicyList is a list of ClusterChartPolicies.
//
// +kubebuilder:object:root=true
type ClusterChartPolicyList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []ClusterChartPolicy `json:"items"`
}
