// SPDX-License-Identifier: Apache-2.0

// Package cosign verifies signatures of OCI artifacts made by Sigstore's
// cosign: with a key or with an identity, as bundles or in the legacy format,
// wherever in a repository cosign keeps them.
//
//	discover   a manifest's digest → candidates, from referrers and tags
//	judge      a candidate → who signed, or why that is not proven
//
// It does not know where keys and trusted roots come from, how many authorities
// must vouch, or what is signed beyond its manifest's digest.
package cosign

import (
	"context"
	"errors"
	"fmt"

	"github.com/verifiedchart/verifiedchart/internal/registry"
	"github.com/verifiedchart/verifiedchart/internal/verify"
	"github.com/verifiedchart/verifiedchart/internal/verify/attached"
	"github.com/verifiedchart/verifiedchart/internal/verify/bundle"
)

// Provider is the name of this kind of signature.
const Provider = "cosign"

// Authority is who may sign, and how that is proven.
type Authority struct {
	// Name of the authority in the policy.
	Name string
	// Trust is what signatures are proven by: keys, or the authorities that certify identities.
	Trust bundle.Trust
	// Identities, any of which must have signed; there must be one at least where Trust has no keys, and none where it has.
	Identities []Identity
	// Repository, host and path, where the signatures are kept; the chart's where it is empty.
	Repository string
	// Demands are what is asked of every signature.
	Demands verify.Demands
	// Every asks for all signers among the keys and identities, and not only for the first that is found.
	Every bool
}

// ErrAuthority is matched by the error for an authority that could never vouch.
var ErrAuthority = errors.New("the authority cannot vouch for anything")

// Verifier vouches for a Subject that its authority has signed.
type Verifier struct{ authority Authority }

// New returns the verifier for an authority. The error matches ErrAuthority.
func New(a Authority) (*Verifier, error) {
	if err := a.Trust.Check(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrAuthority, err)
	}
	if keyed := len(a.Trust.Keys) > 0; keyed == (len(a.Identities) > 0) {
		return nil, fmt.Errorf("%w: it must have either keys or identities", ErrAuthority)
	}
	return &Verifier{authority: a}, nil
}

// Verify implements verify.Verifier, as attached.Weighing decides.
func (v *Verifier) Verify(ctx context.Context, s verify.Subject, r registry.Reader) (verify.Evidence, error) {
	r, err := v.reader(r)
	if err != nil {
		return verify.Evidence{}, err
	}
	r = attached.Budget(r, verify.MaxMaterial)
	found := discover(s, r, v.authority.Repository)
	return attached.Weighing[candidate]{
		Authority:  v.authority.Name,
		Candidates: found.candidates(ctx),
		Looked:     found.search.Looked,
		Name:       func(c candidate) (string, string) { return c.source, c.format },
		Judge:      func(ctx context.Context, c candidate) ([]verify.Voucher, error) { return v.judge(ctx, s, r, c) },
		Demands:    v.authority.Demands,
		Enough:     v.enough,
	}.Decide(ctx)
}

// reader returns the reader of the repository that holds the signatures.
func (v *Verifier) reader(r registry.Reader) (registry.Reader, error) {
	if v.authority.Repository == "" {
		return r, nil
	}
	return r.Sibling(v.authority.Repository)
}

// enough says whether nothing more can be learnt that matters.
func (v *Verifier) enough(vouchers []verify.Voucher) bool {
	if !v.authority.Every {
		return len(vouchers) > 0
	}
	return len(v.authority.Trust.Keys) > 0 && len(vouchers) == len(v.authority.Trust.Keys)
}
