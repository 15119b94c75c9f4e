package controller

import (
	"context"

	lru "github.com/hashicorp/golang-lru/v2"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// maxSecrets bounds the Secrets that are kept.
const maxSecrets = 256

// Secrets reads Secrets, each version once: the metadata of all is watched, and
// the data of those that an object names is kept for as long as the metadata
// says that it is still the same.
type Secrets struct {
	metadata client.Reader
	data     client.Reader
	kept     *lru.Cache[types.NamespacedName, *corev1.Secret]
}

// NewSecrets returns Secrets that read metadata from a cache and data from the API server.
func NewSecrets(metadata, data client.Reader) *Secrets {
	kept, err := lru.New[types.NamespacedName, *corev1.Secret](maxSecrets)
	if err != nil {
		panic(err)
	}
	return &Secrets{metadata: metadata, data: data, kept: kept}
}

// Get returns a Secret, which must not be changed. The error is that of the API server.
func (s *Secrets) Get(ctx context.Context, key types.NamespacedName) (*corev1.Secret, error) {
	if secret, ok := s.kept.Get(key); ok && s.isCurrent(ctx, key, secret) {
		return secret, nil
	}
	var secret corev1.Secret
	if err := s.data.Get(ctx, key, &secret); err != nil {
		s.kept.Remove(key)
		return nil, err
	}
	s.kept.Add(key, &secret)
	return &secret, nil
}

func (s *Secrets) isCurrent(ctx context.Context, key types.NamespacedName, secret *corev1.Secret) bool {
	metadata := &metav1.PartialObjectMetadata{}
	metadata.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Secret"))
	if err := s.metadata.Get(ctx, key, metadata); err != nil {
		return false
	}
	return metadata.UID == secret.UID && metadata.ResourceVersion == secret.ResourceVersion
}
