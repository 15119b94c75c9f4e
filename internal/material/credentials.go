// SPDX-License-Identifier: Apache-2.0

package material

import (
	"context"

	"github.com/fluxcd/pkg/apis/meta"
	corev1 "k8s.io/api/core/v1"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/internal/registry"
)

// Fault says why there are no credentials.
type Fault struct {
	// Reason for a condition, of v1alpha1.
	Reason string
	// Final reports whether asking again is in vain until the spec or the Secret changes.
	Final bool
	// Err names the object, the fault and the fix.
	Err error
}

func (f *Fault) Error() string { return f.Err.Error() }

// Unwrap returns Err.
func (f *Fault) Unwrap() error { return f.Err }

// Credentials returns the registry credentials in the Secret of a reference, and
// their scope: namespace/name@version. Without a reference the credentials offer
// nothing and the scope is namespace/, so that tenants share no anonymous access.
// The error is a *Fault.
func (l *Loader) Credentials(ctx context.Context, namespace string, ref *meta.LocalObjectReference) (c registry.Credentials, scope string, err error) {
	if ref == nil {
		return c, namespace + "/", nil
	}
	objects := newView(l.source, namespace)
	object := objects.name(secretKind, ref.Name)
	refused := func(final bool, err error) (registry.Credentials, string, error) {
		return registry.Credentials{}, "", &Fault{Reason: v1alpha1.AuthenticationFailedReason, Final: final, Err: err}
	}
	secret, err := objects.secret(ctx, ref.Name)
	if err != nil {
		return refused(false, err)
	}
	raw, ok := secret.Data[corev1.DockerConfigJsonKey]
	if !ok {
		return refused(true, unusable(nil, "%s has no entry %s: create it with kubectl create secret docker-registry", object, corev1.DockerConfigJsonKey))
	}
	if c, err = registry.ParseDockerConfig(raw); err != nil {
		return refused(true, unusable(err, "%s: %v", object, err))
	}
	return c, namespace + "/" + ref.Name + "@" + scopeVersion(secret), nil
}

// unusable returns an error that matches registry.ErrCredentials, and cause if there is one.
func unusable(cause error, format string, args ...any) error {
	return &problem{registry.ErrCredentials, shown(format, args...), cause}
}

// scopeVersion returns the resource version of a Secret, or the digest of its
// entries if the Source knows no versions.
func scopeVersion(secret *corev1.Secret) string {
	if secret.ResourceVersion != "" {
		return secret.ResourceVersion
	}
	return digestOf(secret.Data)
}
