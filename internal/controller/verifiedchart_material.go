// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"errors"
	"fmt"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/internal/policy"
	"github.com/verifiedchart/verifiedchart/internal/trustroot"
	"github.com/verifiedchart/verifiedchart/internal/verify"
	"github.com/verifiedchart/verifiedchart/internal/verify/openpgp"
)

// PublicRoot is where the trusted root of the public Sigstore comes from. Its
// errors mean that it cannot be had now.
type PublicRoot interface {
	Root(ctx context.Context) (*trustroot.Root, error)
}

// material reads what the authorities refer to. What cannot be read is said
// there, since the other authorities may be enough.
func (r *VerifiedChartReconciler) material(ctx context.Context, n namespaced, v v1alpha1.Verification) map[string]policy.Material {
	material := make(map[string]policy.Material, len(v.Authorities))
	for _, a := range v.Authorities {
		material[a.Name] = r.materialOf(ctx, n, a)
	}
	return material
}

func (r *VerifiedChartReconciler) materialOf(ctx context.Context, n namespaced, a v1alpha1.Authority) (m policy.Material) {
	if a.SecretRef != nil {
		m.Data, m.Keyring, m.Err = r.keys(ctx, n, a)
	}
	if m.Err == nil {
		m.Root, m.Err = r.trustedRoot(ctx, n, a)
	}
	if m.Err == nil {
		m.Elsewhere, m.Err = r.elsewhere(ctx, n, a.Provenance)
	}
	return m
}

// keys returns what an authority's Secret holds: a keyring for a provenance authority, else the entries.
func (r *VerifiedChartReconciler) keys(ctx context.Context, n namespaced, a v1alpha1.Authority) (map[string][]byte, *openpgp.Keyring, error) {
	if a.Provider == v1alpha1.ProvenanceProvider {
		keyring, err := parsed(ctx, n, a.SecretRef.Name, r.Keyrings.Parse)
		return nil, keyring, err
	}
	secret, err := n.secret(ctx, a.SecretRef.Name)
	if err != nil {
		return nil, nil, err
	}
	return secret.Data, nil, nil
}

// trustedRoot returns the trusted root that an authority names, the public one
// where it needs that, or none. The public one is not asked for where nothing needs it.
func (r *VerifiedChartReconciler) trustedRoot(ctx context.Context, n namespaced, a v1alpha1.Authority) (*trustroot.Root, error) {
	switch {
	case a.TrustedRootSecretRef != nil:
		return r.secretRoot(ctx, n, a.TrustedRootSecretRef.Name)
	case !a.NeedsPublicRoot():
		return nil, nil //nolint:nilnil // there is none, and none is needed
	case r.PublicRoot == nil:
		return nil, fmt.Errorf("%w: this controller has no trusted root of the public Sigstore: name one in trustedRootSecretRef", verify.ErrTrustUnavailable)
	}
	root, err := r.PublicRoot.Root(ctx)
	if err != nil {
		return nil, fmt.Errorf("%w: the trusted root of the public Sigstore: %w", verify.ErrTrustUnavailable, err)
	}
	return root, nil
}

// secretRoot returns the trusted root in a Secret.
func (r *VerifiedChartReconciler) secretRoot(ctx context.Context, n namespaced, name string) (*trustroot.Root, error) {
	secret, err := n.secret(ctx, name)
	if err != nil {
		return nil, err
	}
	raw, ok := secret.Data[v1alpha1.TrustedRootKey]
	if !ok {
		return nil, fmt.Errorf("%w: Secret %q has no entry %s: add the trusted root of the Sigstore, as with kubectl create secret generic NAME --from-file=%[3]s",
			verify.ErrTrustMalformed, name, v1alpha1.TrustedRootKey)
	}
	root, err := r.TrustedRoots.Parse(raw)
	if errors.Is(err, trustroot.ErrMalformed) {
		return nil, fmt.Errorf("%w: Secret %q: %s: %w", verify.ErrTrustMalformed, name, v1alpha1.TrustedRootKey, err)
	}
	return root, err
}
