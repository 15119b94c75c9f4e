// SPDX-License-Identifier: Apache-2.0

package material

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// view reads the objects of one namespace, and the public root, each once, so that all
// authorities see the same version of an object. It is not safe for concurrent use.
type view struct {
	source    Source
	namespace string
	read      map[string]reading // by the names of the objects in messages
	bytes     int                // of the Secrets that were read
}

// maxSecrets bounds the Secrets that one policy refers to, in bytes.
const maxSecrets = 4 << 20

// reading is a value that was read, and its version.
type reading struct {
	value   any
	version string
	err     error
}

func newView(source Source, namespace string) *view {
	return &view{source: source, namespace: namespace, read: map[string]reading{}}
}

// name returns the name of an object in messages.
func (v *view) name(kind, name string) string { return kind + " " + v.namespace + "/" + name }

// secret returns a Secret, which should have the entry. The error matches verify.ErrTrustUnavailable.
func (v *view) secret(ctx context.Context, name, entry string) (*corev1.Secret, error) {
	shown := v.name(secretKind, name)
	return once(v, shown, func() (*corev1.Secret, string, error) {
		secret, err := v.source.Secret(ctx, v.namespace, name)
		if err != nil {
			create := fmt.Sprintf("kubectl -n %s create secret generic %s --from-file=%s", v.namespace, name, entry)
			return nil, versionWithout(err), unread(shown, err, create)
		}
		size := sizeOf(secret.Data)
		if v.bytes+size > maxSecrets { // this Secret is not counted, so that others can be read
			return nil, versionOf(secret, secret.Data), malformed("%s: the Secrets of the policy are too large", shown).
				Fix("they may have %d bytes in all: store no more than the keys in them", maxSecrets)
		}
		v.bytes += size
		return secret, versionOf(secret, secret.Data), nil
	})
}

// configMap returns a ConfigMap. The error matches verify.ErrTrustUnavailable.
func (v *view) configMap(ctx context.Context, name string) (*corev1.ConfigMap, error) {
	shown := v.name(configMapKind, name)
	return once(v, shown, func() (*corev1.ConfigMap, string, error) {
		config, err := v.source.ConfigMap(ctx, v.namespace, name)
		if err != nil {
			create := fmt.Sprintf("kubectl -n %s create configmap %s --from-file=FILE", v.namespace, name)
			return nil, versionWithout(err), unread(shown, err, create)
		}
		return config, configVersion(config), nil
	})
}

// once returns the result of the first call of get for a name.
func once[T any](v *view, what string, get func() (value T, version string, err error)) (T, error) {
	was, ok := v.read[what]
	if !ok {
		value, version, err := get()
		was = reading{value, version, err}
		v.read[what] = was
	}
	return was.value.(T), was.err //nolint:forcetypeassert // a name always has the same type
}

// versionWithout returns the version of an object that was not read.
func versionWithout(err error) string {
	if apierrors.IsNotFound(err) {
		return "missing"
	}
	return "unreadable"
}

// version differs whenever anything that was read differs.
func (v *view) version() string {
	h := sha256.New()
	for _, what := range slices.Sorted(maps.Keys(v.read)) {
		_, _ = fmt.Fprintf(h, "%q %q\n", what, v.read[what].version) // a hash takes everything
	}
	return "sha256:" + hex.EncodeToString(h.Sum(nil))
}

// versionOf returns the UID and the resource version of an object, or the digest of
// its entries if the Source knows no versions.
func versionOf(object metav1.Object, entries map[string][]byte) string {
	if version := object.GetResourceVersion(); version != "" {
		return string(object.GetUID()) + "@" + version
	}
	return digestOf(entries)
}

// digestOf returns a digest of entries.
func digestOf(entries map[string][]byte) string {
	h := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(entries)) {
		_, _ = fmt.Fprintf(h, "%q %d\n", name, len(entries[name])) // a hash takes everything
		_, _ = h.Write(entries[name])
	}
	return "sha256:" + hex.EncodeToString(h.Sum(nil))
}

// configVersion returns the version of a ConfigMap as versionOf does.
func configVersion(config *corev1.ConfigMap) string {
	if config.ResourceVersion != "" {
		return versionOf(config, nil) // without a copy of its texts
	}
	return versionOf(config, entriesOf(config))
}

// entriesOf returns everything that a ConfigMap holds: no key is in both of its parts.
func entriesOf(config *corev1.ConfigMap) map[string][]byte {
	all := maps.Clone(config.BinaryData)
	if all == nil {
		all = make(map[string][]byte, len(config.Data))
	}
	for key, text := range config.Data {
		all[key] = []byte(text)
	}
	return all
}

// entryOf returns one entry of a ConfigMap, text or binary.
func entryOf(config *corev1.ConfigMap, key string) ([]byte, bool) {
	if text, ok := config.Data[key]; ok {
		return []byte(text), true
	}
	raw, ok := config.BinaryData[key]
	return raw, ok
}
