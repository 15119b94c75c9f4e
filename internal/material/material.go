// SPDX-License-Identifier: Apache-2.0

// Package material loads the objects that specs refer to: the Secrets, ConfigMaps and
// trusted roots of authorities, the credentials of registries, and the revocation list
// of the cluster.
//
// It knows the API's types, and a Source of Secrets, ConfigMaps and ServiceAccounts, such as a cluster.
// It does not know VerifiedCharts, and decides nothing: if material is missing or
// malformed, it returns an error for the authority that needs the material.
package material

import (
	"context"

	corev1 "k8s.io/api/core/v1"

	"github.com/verifiedchart/verifiedchart/internal/cloud"
	"github.com/verifiedchart/verifiedchart/internal/registry"
	"github.com/verifiedchart/verifiedchart/internal/trustroot"
)

// Source reads objects by name. If an object is missing, apierrors.IsNotFound is
// true for the error. Callers must not change the objects, which may lack their
// annotations and labels.
type Source interface {
	Secret(ctx context.Context, namespace, name string) (*corev1.Secret, error)
	ConfigMap(ctx context.Context, namespace, name string) (*corev1.ConfigMap, error)
	ServiceAccount(ctx context.Context, namespace, name string) (*corev1.ServiceAccount, error)
}

// Cloud provides credentials for the registries of clouds.
type Cloud interface {
	Credentials(ctx context.Context, r cloud.Request) (registry.Credentials, error)
	// Forget drops the credentials of a namespace that it keeps.
	Forget(namespace string)
}

// PublicRoot provides the trusted root of the public Sigstore. Its errors mean that
// the root is not available now.
type PublicRoot interface {
	Root(ctx context.Context) (*trustroot.Root, error)
}

// Kinds of objects that a spec may name.
const secretKind, configMapKind, accountKind = "Secret", "ConfigMap", "ServiceAccount"
