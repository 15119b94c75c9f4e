// SPDX-License-Identifier: Apache-2.0

// Package v1alpha1 holds the API of VerifiedChart: the types a user writes and
// the status the controller answers with. It holds no behaviour: what a field
// means is decided in internal/policy and internal/pipeline.
//
// +kubebuilder:object:generate=true
// +groupName=source.verifiedchart.dev
package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var (
	// GroupVersion is the group and version of the types of this package.
	GroupVersion = schema.GroupVersion{Group: "source.verifiedchart.dev", Version: "v1alpha1"}

	// SchemeBuilder collects the types of this package for a scheme.
	SchemeBuilder = runtime.NewSchemeBuilder(addKnownTypes)

	// AddToScheme adds the types of this package to a scheme.
	AddToScheme = SchemeBuilder.AddToScheme
)

func addKnownTypes(scheme *runtime.Scheme) error {
	scheme.AddKnownTypes(GroupVersion, &VerifiedChart{}, &VerifiedChartList{}, &ClusterChartPolicy{}, &ClusterChartPolicyList{})
	metav1.AddToGroupVersion(scheme, GroupVersion)
	return nil
}
