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

// ClusterChartPolicySpec says who must vouch for the charts that it matches, besides
// whom each VerifiedChart asks.
type ClusterChartPolicySpec struct {
	// Match says for which VerifiedCharts the policy is; for all by default.
	// +optional
	Match *ChartMatch `json:"match,omitempty"`

	// Verify says who must vouch for the charts. Its Secrets and ConfigMaps are in the
	// namespace of the controller.
	// +required
	Verify Verification `json:"verify"`

	// Unmatched says what becomes of VerifiedCharts that no ClusterChartPolicy matches:
	// `Allow`, the default, or `Deny`, where one policy that says so is enough.
	// +optional
	// +kubebuilder:validation:Enum=Allow;Deny
	// +kubebuilder:default=Allow
	Unmatched string `json:"unmatched,omitempty"`
}

// ChartMatch matches VerifiedCharts: each list that is not empty has to have one that matches.
type ChartMatch struct {
	// URLs of charts, in which `*` stands for any part of a segment, and `**` for
	// anything, as `oci://ghcr.io/org/**`.
	// +optional
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=512
	// +listType=set
	URLs []string `json:"urls,omitempty"`

	// Namespaces of VerifiedCharts, in which `*` stands for any characters.
	// +optional
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=63
	// +listType=set
	Namespaces []string `json:"namespaces,omitempty"`
}

// ClusterChartPolicy is what every chart that it matches has to satisfy, besides what
// its VerifiedChart asks for. No VerifiedChart can weaken it.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:scope=Cluster
// +kubebuilder:printcolumn:name="Unmatched",type="string",JSONPath=".spec.unmatched",description="what becomes of charts that no policy matches"
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
