// SPDX-License-Identifier: Apache-2.0

package material

import (
	"context"
	"errors"
	"fmt"

	"github.com/fluxcd/pkg/apis/meta"
	corev1 "k8s.io/api/core/v1"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/internal/problem"
	"github.com/verifiedchart/verifiedchart/internal/registry"
)

// Fault explains why there are no credentials.
type Fault struct {
	// Reason is the reason for a condition, one of v1alpha1's.
	Reason string
	// Final reports whether a retry is useless until the spec or the Secret changes.
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
	create := fmt.Sprintf("kubectl -n %s create secret docker-registry %s --docker-server=HOST --docker-username=USER --docker-password=PASSWORD", namespace, ref.Name)
	secret, err := objects.secret(ctx, ref.Name, corev1.DockerConfigJsonKey)
	switch {
	case errors.Is(err, errNotFound):
		return refused(false, unavailable("%s not found (spec.secretRef)", object).Fix("%s", create))
	case err != nil:
		return refused(false, err)
	}
	raw, ok := secret.Data[corev1.DockerConfigJsonKey]
	if !ok {
		return refused(true, problem.New(registry.ErrCredentials, "%s has no entry %s (spec.secretRef)", object, corev1.DockerConfigJsonKey).Fix("%s", create))
	}
	if c, err = registry.ParseDockerConfig(raw); err != nil {
		return refused(true, problem.Of(registry.ErrCredentials, problem.In(object, err)))
	}
	return c, namespace + "/" + ref.Name + "@" + scopeVersion(secret), nil
}

// scopeVersion returns the resource version of a Secret, or the digest of its
// entries if the Source knows no versions.
func scopeVersion(secret *corev1.Secret) string {
	if secret.ResourceVersion != "" {
		return secret.ResourceVersion
	}
	return digestOf(secret.Data)
}
