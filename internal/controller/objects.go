// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"fmt"

	lru "github.com/hashicorp/golang-lru/v2"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/verifiedchart/verifiedchart/internal/verify"
)

// Kinds of objects that a spec may name.
const secretKind, configMapKind = "Secret", "ConfigMap"

// maxObjects bounds the objects that are kept.
const maxObjects = 256

// Objects reads Secrets and ConfigMaps, each version once: the metadata of all is
// watched, and the data of those that an object names is kept for as long as the
// metadata says that it is still the same.
type Objects struct {
	metadata client.Reader
	data     client.Reader
	kept     *lru.Cache[objectKey, client.Object]
}

type objectKey struct {
	kind string
	types.NamespacedName
}

// NewObjects returns Objects that read metadata from a cache and data from the API server.
func NewObjects(metadata, data client.Reader) *Objects {
	kept, err := lru.New[objectKey, client.Object](maxObjects)
	if err != nil {
		panic(err)
	}
	return &Objects{metadata: metadata, data: data, kept: kept}
}

// in returns what reads the objects of one namespace.
func (o *Objects) in(namespace string) namespaced {
	return namespaced{objects: o, namespace: namespace}
}

// get returns an object, which must not be changed: into, or one that was read
// before. The error is that of the API server.
func (o *Objects) get(ctx context.Context, key objectKey, into client.Object) (client.Object, error) {
	if kept, ok := o.kept.Get(key); ok && o.isCurrent(ctx, key, kept) {
		return kept, nil
	}
	if err := o.data.Get(ctx, key.NamespacedName, into); err != nil {
		o.kept.Remove(key)
		return nil, err
	}
	o.kept.Add(key, into)
	return into, nil
}

func (o *Objects) isCurrent(ctx context.Context, key objectKey, kept client.Object) bool {
	metadata := &metav1.PartialObjectMetadata{}
	metadata.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind(key.kind))
	if err := o.metadata.Get(ctx, key.NamespacedName, metadata); err != nil {
		return false
	}
	return metadata.UID == kept.GetUID() && metadata.ResourceVersion == kept.GetResourceVersion()
}

// namespaced reads what one object names, in its namespace.
type namespaced struct {
	objects   *Objects
	namespace string
}

// secret returns a Secret. The error matches verify.ErrTrustUnavailable.
func (n namespaced) secret(ctx context.Context, name string) (*corev1.Secret, error) {
	return named(ctx, n, secretKind, name, &corev1.Secret{})
}

// configMap returns a ConfigMap. The error matches verify.ErrTrustUnavailable.
func (n namespaced) configMap(ctx context.Context, name string) (*corev1.ConfigMap, error) {
	return named(ctx, n, configMapKind, name, &corev1.ConfigMap{})
}

func named[T client.Object](ctx context.Context, n namespaced, kind, name string, into T) (T, error) {
	var none T
	obj, err := n.objects.get(ctx, objectKey{kind, types.NamespacedName{Namespace: n.namespace, Name: name}}, into)
	switch {
	case apierrors.IsNotFound(err):
		return none, fmt.Errorf("%w: %s %q is not in namespace %q: create it there", verify.ErrTrustUnavailable, kind, name, n.namespace)
	case err != nil:
		return none, fmt.Errorf("%w: read %s %q: %w", verify.ErrTrustUnavailable, kind, name, err)
	}
	return obj.(T), nil
}
