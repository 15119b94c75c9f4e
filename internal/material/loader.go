// SPDX-License-Identifier: Apache-2.0

package material

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/internal/download"
	"github.com/verifiedchart/verifiedchart/internal/policy"
	"github.com/verifiedchart/verifiedchart/internal/trustroot"
	"github.com/verifiedchart/verifiedchart/internal/verify/openpgp"
)

// Options are the sources and limits of a Loader.
type Options struct {
	// Source of Secrets, ConfigMaps and ServiceAccounts. It is required.
	Source Source
	// PublicRoot is the trusted root of the public Sigstore. Without it, authorities that need it are unavailable.
	PublicRoot PublicRoot
	// Downloads reads provenance files from web servers. Without it, authorities that need one are unavailable.
	Downloads *download.Client
	// Cloud provides credentials for the registries of clouds. Without it, they are refused.
	Cloud Cloud
	// KeyringBytes and RootBytes bound the caches of parsed keyrings and trusted roots;
	// DefaultBytes if they are not positive.
	KeyringBytes, RootBytes int
}

// Loader loads the objects that specs refer to. It is safe for concurrent use.
type Loader struct {
	source    Source
	public    PublicRoot
	downloads *download.Client
	cloud     Cloud
	keyrings  *openpgp.Cache
	roots     *trustroot.Cache
}

// NewLoader returns a Loader.
func NewLoader(o Options) *Loader {
	return &Loader{
		source: o.Source, public: o.PublicRoot, downloads: o.Downloads, cloud: o.Cloud,
		keyrings: openpgp.NewCache(orDefault(o.KeyringBytes)),
		roots:    trustroot.NewCache(orDefault(o.RootBytes)),
	}
}

func orDefault(limit int) int {
	if limit <= 0 {
		return DefaultBytes
	}
	return limit
}

// Load returns the material of the authorities of v in a namespace, by their names,
// and the version of all material: a string that differs whenever an object that was
// read differs, or is missing. If material cannot be loaded, only the authority that
// needs it gets an Err. The Err matches verify.ErrTrustMalformed if a retry is useless
// until an object changes, and verify.ErrTrustUnavailable in any case.
func (l *Loader) Load(ctx context.Context, namespace string, v v1alpha1.Verification) (m map[string]policy.Material, version string) {
	objects := newView(l.source, namespace)
	m = make(map[string]policy.Material, len(v.Authorities))
	// Authorities that need the public root come last, since its server may take all the time that is left.
	for _, public := range []bool{false, true} {
		for _, a := range v.Authorities {
			if a.NeedsPublicRoot() == public {
				m[a.Name] = l.authority(ctx, objects, a)
			}
		}
	}
	return m, objects.version()
}

// authority loads the material of one authority.
func (l *Loader) authority(ctx context.Context, objects *view, a v1alpha1.Authority) (m policy.Material) {
	if a.SecretRef != nil {
		l.keys(ctx, objects, a, &m)
	}
	if m.Err == nil {
		m.Root, m.Err = l.trustedRoot(ctx, objects, a)
	}
	if m.Err == nil {
		m.External, m.Err = l.externalSource(ctx, objects, a.Provenance)
	}
	return m
}

// keys loads an authority's Secret: a keyring for a provenance authority, else the entries.
func (l *Loader) keys(ctx context.Context, objects *view, a v1alpha1.Authority, m *policy.Material) {
	m.Secret = objects.name(secretKind, a.SecretRef.Name)
	entry := "cosign.pub"
	if a.Provider == v1alpha1.ProvenanceProvider {
		entry = "pubring.gpg"
	}
	secret, err := objects.secret(ctx, a.SecretRef.Name, entry)
	switch {
	case err != nil:
		m.Err = err
	case a.Provider == v1alpha1.ProvenanceProvider:
		m.Bytes = sizeOf(secret.Data)
		l.keyring(ctx, objects, a.SecretRef.Name, secret.Data, m)
	default:
		m.Data = keyEntries(secret.Data)
		m.Bytes = sizeOf(m.Data)
	}
}

// maxEntries and maxEntry bound the entries of a Secret with keys that are held. Policies accept only fewer and shorter entries,
// and report an error for more.
const maxEntries, maxEntry = 64, 20 << 10

// keyEntries returns the entries of a Secret with keys that a policy reads: public keys first, at most maxEntries, and of each at
// most the first maxEntry bytes. So each object that names a Secret of a megabyte does not hold all of it.
func keyEntries(data map[string][]byte) map[string][]byte {
	names := slices.SortedFunc(maps.Keys(data), func(a, b string) int {
		return cmp.Or(cmp.Compare(rankOf(a), rankOf(b)), cmp.Compare(a, b))
	})
	entries := make(map[string][]byte, min(len(names), maxEntries))
	for _, name := range names[:min(len(names), maxEntries)] {
		entries[name] = bytes.Clone(data[name][:min(len(data[name]), maxEntry)])
	}
	return entries
}

func rankOf(entry string) int {
	if strings.HasSuffix(entry, ".pub") {
		return 0
	}
	return 1
}

func sizeOf(data map[string][]byte) (n int) {
	for name, value := range data {
		n += len(name) + len(value)
	}
	return n
}

// trustedRoot returns the trusted root that an authority names, the public root if
// the authority needs that, or nil. It reads the public root only if that is needed.
func (l *Loader) trustedRoot(ctx context.Context, objects *view, a v1alpha1.Authority) (*trustroot.Root, error) {
	switch {
	case a.TrustedRootSecretRef != nil:
		return l.secretRoot(ctx, objects, a.TrustedRootSecretRef.Name)
	case !a.NeedsPublicRoot():
		return nil, nil //nolint:nilnil // the authority needs no root
	}
	return l.publicRoot(ctx, objects)
}

// publicRoot returns the trusted root of the public Sigstore.
func (l *Loader) publicRoot(ctx context.Context, objects *view) (*trustroot.Root, error) {
	const what = "trusted root of the public Sigstore"
	if l.public == nil {
		return nil, unavailable("the %s is not configured", what).Fix("name a trusted root in trustedRootSecretRef")
	}
	return once(objects, what, func() (*trustroot.Root, string, error) {
		root, err := l.public.Root(ctx)
		if err != nil {
			return nil, "unavailable", unavailable("the %s is not available", what).
				Fix("allow egress to its mirror, or name a trusted root in trustedRootSecretRef (%v)", err).Because(err)
		}
		return root, root.ID(), nil
	})
}

// secretRoot returns the trusted root in a Secret.
func (l *Loader) secretRoot(ctx context.Context, objects *view, name string) (*trustroot.Root, error) {
	secret, err := objects.secret(ctx, name, v1alpha1.TrustedRootKey)
	if err != nil {
		return nil, err
	}
	object := objects.name(secretKind, name)
	raw, ok := secret.Data[v1alpha1.TrustedRootKey]
	if !ok {
		return nil, malformed("%s has no entry %s", object, v1alpha1.TrustedRootKey).
			Fix("kubectl -n %s create secret generic %s --from-file=%s", objects.namespace, name, v1alpha1.TrustedRootKey)
	}
	root, err := l.roots.Parse(ctx, objects.namespace, raw)
	switch {
	case err != nil && ctx.Err() != nil:
		return nil, unread(object, ctx.Err(), "") // time ran out, which proves nothing about the root
	case errors.Is(err, trustroot.ErrMalformed):
		return nil, malformedIn(object+", entry "+v1alpha1.TrustedRootKey, err)
	case err != nil:
		return nil, fmt.Errorf("%s: %w", object, err)
	}
	return root, nil
}
