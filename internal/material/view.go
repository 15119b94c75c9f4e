package material

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// view reads the objects of one namespace, each once, so that all who refer to an
// object see the same version of it. It is for one use at a time.
type view struct {
	source    Source
	namespace string
	read      map[objectKey]reading
	// notes say which version of something else was read.
	notes []string
}

// reading is what the Source answered.
type reading struct {
	object  any
	version string
	err     error
}

func newView(source Source, namespace string) *view {
	return &view{source: source, namespace: namespace, read: map[objectKey]reading{}}
}

// name returns how an object is shown.
func (v *view) name(kind, name string) string { return kind + " " + v.namespace + "/" + name }

// secret returns a Secret. The error matches verify.ErrTrustUnavailable.
func (v *view) secret(ctx context.Context, name string) (*corev1.Secret, error) {
	return once(v, secretKind, name, func() (*corev1.Secret, string, error) {
		secret, err := v.source.Secret(ctx, v.namespace, name)
		if err != nil {
			return nil, "", err
		}
		return secret, versionOf(secret, secret.Data), nil
	})
}

// configMap returns a ConfigMap. The error matches verify.ErrTrustUnavailable.
func (v *view) configMap(ctx context.Context, name string) (*corev1.ConfigMap, error) {
	return once(v, configMapKind, name, func() (*corev1.ConfigMap, string, error) {
		config, err := v.source.ConfigMap(ctx, v.namespace, name)
		if err != nil {
			return nil, "", err
		}
		return config, configVersion(config), nil
	})
}

// once returns what get returned the first time that it was asked for an object.
func once[T any](v *view, kind, name string, get func() (T, string, error)) (none T, err error) {
	key := objectKey{kind, name}
	was, ok := v.read[key]
	if !ok {
		object, version, err := get()
		was = reading{object: object, version: version}
		switch {
		case apierrors.IsNotFound(err):
			was.version = "missing"
		case err != nil:
			was.version = "unreadable"
		}
		if err != nil {
			was.err = unread(v.name(kind, name), err)
		}
		v.read[key] = was
	}
	if was.err != nil {
		return none, was.err
	}
	return was.object.(T), nil //nolint:forcetypeassert // the kind is part of the key
}

// note adds the version of something that is not an object of the namespace.
func (v *view) note(what, version string) { v.notes = append(v.notes, what+" "+version) }

// version differs whenever anything that was read differs.
func (v *view) version() string {
	lines := slices.Clone(v.notes)
	for key, was := range v.read {
		lines = append(lines, v.name(key.kind, key.name)+" "+was.version)
	}
	slices.Sort(lines)
	sum := sha256.Sum256([]byte(strings.Join(slices.Compact(lines), "\n")))
	return "sha256:" + hex.EncodeToString(sum[:])
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
