// SPDX-License-Identifier: Apache-2.0

package material

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/verifiedchart/verifiedchart/internal/fairlru"
)

// DefaultBytes is the default limit of a cache.
const DefaultBytes = 16 << 20

// Objects is the Source of a cluster. It takes the metadata of all objects from a
// cache, and reads the data of requested objects from the API server, each version
// once. It is safe for concurrent use.
type Objects struct {
	metadata client.Reader
	data     client.Reader
	kept     *fairlru.Cache[objectKey, object]
}

// objectKey is an object in a namespace.
type objectKey struct{ kind, name string }

// object is a Secret or a ConfigMap.
type object interface {
	client.Object
	// Size is the length of its encoding in bytes.
	Size() int
}

// NewObjects returns Objects that read metadata, and whole ServiceAccounts, from a cache, and data from the API
// server. They keep at most limit bytes of data (DefaultBytes if limit is not
// positive), and at most half of that for one namespace.
func NewObjects(metadata, data client.Reader, limit int) *Objects {
	if limit <= 0 {
		limit = DefaultBytes
	}
	return &Objects{metadata: metadata, data: data, kept: fairlru.New[objectKey, object](limit)}
}

// Secret implements Source.
func (o *Objects) Secret(ctx context.Context, namespace, name string) (*corev1.Secret, error) {
	return get(ctx, o, namespace, objectKey{secretKind, name}, &corev1.Secret{})
}

// ConfigMap implements Source.
func (o *Objects) ConfigMap(ctx context.Context, namespace, name string) (*corev1.ConfigMap, error) {
	return get(ctx, o, namespace, objectKey{configMapKind, name}, &corev1.ConfigMap{})
}

// ServiceAccount implements Source. It takes the whole object from the cache of the metadata.
func (o *Objects) ServiceAccount(ctx context.Context, namespace, name string) (*corev1.ServiceAccount, error) {
	account := &corev1.ServiceAccount{}
	return account, o.metadata.Get(ctx, types.NamespacedName{Namespace: namespace, Name: name}, account)
}

// get returns the current version of an object: the kept one, or else one that it
// reads into into. The error is the API server's.
func get[T object](ctx context.Context, o *Objects, namespace string, key objectKey, into T) (none T, err error) {
	if kept, ok := o.kept.Get(namespace, key); ok && o.isCurrent(ctx, namespace, key, kept) {
		return kept.(T), nil //nolint:forcetypeassert // the kind is part of the key
	}
	if err := o.data.Get(ctx, types.NamespacedName{Namespace: namespace, Name: key.name}, into); err != nil {
		o.kept.Remove(namespace, key)
		return none, err
	}
	// Managed fields, and the annotation of kubectl apply, can be larger than the data.
	into.SetManagedFields(nil)
	into.SetAnnotations(nil)
	into.SetLabels(nil)
	o.kept.Add(namespace, key, into, into.Size())
	return into, nil
}

// isCurrent reports whether a kept object is still current, by the metadata in the cache.
func (o *Objects) isCurrent(ctx context.Context, namespace string, key objectKey, kept object) bool {
	metadata := &metav1.PartialObjectMetadata{}
	metadata.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind(key.kind))
	if err := o.metadata.Get(ctx, types.NamespacedName{Namespace: namespace, Name: key.name}, metadata); err != nil {
		return false
	}
	return metadata.UID == kept.GetUID() && metadata.ResourceVersion == kept.GetResourceVersion()
}
