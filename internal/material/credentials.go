// SPDX-License-Identifier: Apache-2.0

package material

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/fluxcd/pkg/apis/meta"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/internal/cloud"
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

// Access is a repository, and the fields of a spec that name the credentials for it.
type Access struct {
	// Namespace is that of the object.
	Namespace string
	// Repository is the host and the path of the repository.
	Repository string
	// Provider is generic, which is the default, or a cloud.
	Provider string
	// SecretRef names a Secret with credentials. Only the provider generic uses it.
	SecretRef *meta.LocalObjectReference
	// ServiceAccount has pull Secrets for the provider generic, and the identity for a cloud.
	ServiceAccount string
	// Proxy is used for the requests to a cloud instead of the environment's, if it is not nil.
	Proxy *url.URL
}

// Kinds of credentials, in their scope.
const secretCredentials, accountCredentials = "secret", "serviceaccount"

// Credentials returns the credentials for a repository, and their scope: namespace/kind/fingerprint. The scope changes with the
// credentials, so new ones take effect at once if the scope is part of each cache key. Without a reference the credentials offer
// nothing and the scope is namespace/, so that tenants share no anonymous access. The error is a *Fault.
func (l *Loader) Credentials(ctx context.Context, a Access) (c registry.Credentials, scope string, err error) {
	kind := a.Provider
	switch {
	case a.Provider != "" && a.Provider != v1alpha1.GenericProvider:
		c, err = l.ofCloud(ctx, a)
	case a.ServiceAccount != "":
		kind = accountCredentials
		c, err = l.ofAccount(ctx, a)
	case a.SecretRef != nil:
		kind = secretCredentials
		c, err = ofSecret(ctx, newView(l.source, a.Namespace), a)
	default:
		return c, a.Namespace + "/", nil
	}
	if err != nil {
		return registry.Credentials{}, "", err
	}
	return c, a.Namespace + "/" + kind + "/" + c.Fingerprint(), nil
}

func refused(final bool, err error) error {
	return &Fault{Reason: v1alpha1.AuthenticationFailedReason, Final: final, Err: err}
}

// faultOf returns the text of an error without its class, which the name of the object makes clear.
func faultOf(err error) string {
	return strings.TrimPrefix(err.Error(), registry.ErrCredentials.Error()+": ")
}

// ofSecret returns the credentials in the Secret of a spec.
func ofSecret(ctx context.Context, objects *view, a Access) (registry.Credentials, error) {
	object := objects.name(secretKind, a.SecretRef.Name)
	host, _, _ := strings.Cut(a.Repository, "/")
	create := fmt.Sprintf("kubectl -n %s create secret docker-registry %s --docker-server=%s --docker-username=USER --docker-password=PASSWORD", a.Namespace, a.SecretRef.Name, host)
	secret, err := objects.secret(ctx, a.SecretRef.Name, corev1.DockerConfigJsonKey)
	switch {
	case errors.Is(err, errNotFound):
		return registry.Credentials{}, refused(false, unavailable("%s not found (spec.secretRef)", object).Fix("%s", create))
	case err != nil:
		return registry.Credentials{}, refused(false, err)
	}
	c, err := registry.ParseCredentials(secret.Data, a.Repository)
	if err == nil {
		err = c.Check(a.Repository)
	}
	if err != nil {
		return registry.Credentials{}, refused(true, problem.New(registry.ErrCredentials, "%s (spec.secretRef): %s", object, faultOf(err)).Fix("%s", create))
	}
	return c, nil
}

// ofAccount returns the credentials in the Secret of a spec, and for other repositories those in the pull Secrets of its ServiceAccount.
func (l *Loader) ofAccount(ctx context.Context, a Access) (c registry.Credentials, err error) {
	objects := newView(l.source, a.Namespace)
	if a.SecretRef != nil {
		if c, err = ofSecret(ctx, objects, a); err != nil {
			return c, err
		}
	}
	shown := objects.name(accountKind, a.ServiceAccount)
	account, err := l.source.ServiceAccount(ctx, a.Namespace, a.ServiceAccount)
	switch {
	case apierrors.IsNotFound(err):
		return c, refused(false, unavailable("%s not found (spec.serviceAccountName)", shown).Fix("kubectl -n %s create serviceaccount %s", a.Namespace, a.ServiceAccount))
	case err != nil:
		return c, refused(false, unavailable("%s cannot be read: %v", shown, err).Because(err))
	}
	var pull []registry.Credentials
	for _, ref := range account.ImagePullSecrets {
		one, err := pullSecret(ctx, objects, ref.Name)
		if err != nil {
			return c, err
		}
		pull = append(pull, one)
	}
	c = c.Or(registry.Union(pull...))
	if err := c.Check(a.Repository); err != nil {
		return c, refused(true, problem.New(registry.ErrCredentials, "pull Secrets of %s: %s", shown, faultOf(err)).Fix("correct the entry"))
	}
	return c, nil
}

// pullSecret returns the credentials in one pull Secret. As the kubelet does, it skips a Secret that is missing, or that holds no docker
// configuration.
func pullSecret(ctx context.Context, objects *view, name string) (registry.Credentials, error) {
	secret, err := objects.secret(ctx, name, corev1.DockerConfigJsonKey)
	switch {
	case errors.Is(err, errNotFound), err == nil && len(secret.Data[corev1.DockerConfigJsonKey])+len(secret.Data[corev1.DockerConfigKey]) == 0:
		return registry.Credentials{}, nil
	case err != nil:
		return registry.Credentials{}, refused(false, err)
	}
	c, err := registry.ParseCredentials(secret.Data, "")
	switch {
	case errors.Is(err, registry.ErrNoEntry):
		return registry.Credentials{}, nil
	case err != nil:
		return c, refused(true, problem.New(registry.ErrCredentials, "pull %s: %s", objects.name(secretKind, name), faultOf(err)).Fix("correct it, or remove it from imagePullSecrets"))
	}
	return c, nil
}

// ofCloud returns the credentials that a cloud gives.
func (l *Loader) ofCloud(ctx context.Context, a Access) (registry.Credentials, error) {
	if l.cloud == nil {
		return registry.Credentials{}, refused(true, problem.New(registry.ErrCredentials, "provider %s is not supported by this program", a.Provider).Fix("use provider generic"))
	}
	c, err := l.cloud.Credentials(ctx, cloud.Request{
		Provider: a.Provider, Namespace: a.Namespace, ServiceAccount: a.ServiceAccount, Repository: a.Repository, Proxy: a.Proxy,
	})
	switch {
	case err == nil:
		return c, nil
	case errors.Is(err, cloud.ErrGateDisabled):
		return c, &Fault{Reason: v1alpha1.FeatureGateDisabledReason, Final: true, Err: err}
	}
	return c, refused(errors.Is(err, cloud.ErrRefused), err)
}

// Renew makes the next Credentials of a namespace ask the cloud, if it has one.
func (l *Loader) Renew(namespace string) {
	if l.cloud != nil {
		l.cloud.Forget(namespace)
	}
}
