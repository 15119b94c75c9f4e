// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"

	eventv1 "github.com/fluxcd/pkg/apis/event/v1beta1"
	sourcev1 "github.com/fluxcd/source-controller/api/v1"
	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/internal/lifecycle"
)

// recordEvents records events on the VerifiedChart and also on its ExternalArtifact, since a Flux Alert cannot name our kind.
func (r *VerifiedChartReconciler) recordEvents(ctx context.Context, obj *v1alpha1.VerifiedChart, events []lifecycle.Event) {
	for _, e := range events {
		annotations := map[string]string{}
		if a := obj.Status.Artifact; a != nil {
			annotations[v1alpha1.GroupVersion.Group+"/"+eventv1.MetaRevisionKey] = a.Revision
			annotations[v1alpha1.GroupVersion.Group+"/"+eventv1.MetaDigestKey] = a.Digest
		}
		r.AnnotatedEventf(obj, annotations, e.Type, e.Reason, "%s", e.Message)
		if r.Announcer != nil && r.externalArtifacts.served.Load() {
			r.Announcer.AnnotatedEventf(externalArtifactRef(obj), annotations, e.Type, e.Reason, "%s", e.Message)
		}
		logOf(obj).Info(e.Message, "reason", e.Reason, "type", e.Type)
	}
}

// externalArtifactRef returns the ExternalArtifact of obj with the fields that an event needs.
func externalArtifactRef(obj *v1alpha1.VerifiedChart) *sourcev1.ExternalArtifact {
	ea := &sourcev1.ExternalArtifact{ObjectMeta: metav1.ObjectMeta{Name: obj.Name, Namespace: obj.Namespace}}
	ea.SetGroupVersionKind(sourcev1.GroupVersion.WithKind(sourcev1.ExternalArtifactKind))
	return ea
}

// reportListFault records an event on the ConfigMap of the revocation list, once for each fault, and sets the metric.
func (r *VerifiedChartReconciler) reportListFault(fault error) {
	text := ""
	if fault != nil {
		text = fault.Error()
	}
	r.Verifications.revocationList(fault == nil)
	if last, _ := r.listFault.Swap(text).(string); last == text || text == "" {
		return
	}
	config := &corev1.ConfigMap{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "ConfigMap"},
		ObjectMeta: metav1.ObjectMeta{Name: r.RevocationsName.Name, Namespace: r.RevocationsName.Namespace},
	}
	r.AnnotatedEventf(config, nil, corev1.EventTypeWarning, "RevocationListInvalid", "%s", text)
}

func logOf(obj *v1alpha1.VerifiedChart) logr.Logger {
	return ctrl.Log.WithValues("controllerKind", v1alpha1.VerifiedChartKind, "namespace", obj.Namespace, "name", obj.Name)
}

func ctrlKey(obj *v1alpha1.VerifiedChart) types.NamespacedName {
	return client.ObjectKeyFromObject(obj)
}
