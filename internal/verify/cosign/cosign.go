// SPDX-License-Identifier: Apache-2.0

// Package cosign verifies signatures of OCI artifacts made by Sigstore's
// cosign: with a key or with an identity, as bundles or in the legacy format,
// wherever in a repository cosign keeps them.
//
//	discover   a manifest's digest → candidates, from referrers and tags
//	verify      a candidate → who signed, or why that is not proven
//
// It does not know where keys and trusted roots come from, how many authorities
// must accept, or what is signed beyond its manifest's digest.
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
	// KeysIn names where the keys are kept, as in "Secret apps/keys".
	KeysIn string
	// Identities, any of which must have signed; there must be one at least where Trust has no keys, and none if it has.
	Identities []Identity
	// Repository, host and path, where the signatures are kept; the chart's if it is empty.
	Repository string
	// Constraints apply to every signature.
	Constraints verify.Constraints
	// Every asks for all signers among the keys and identities, and not only for the first that is found.
	Every bool
}

// ErrAuthority is matched by the error for an authority that could never accept.
var ErrAuthority = errors.New("the authority cannot vouch for anything")

// Verifier accepts a Subject that its authority has signed.
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

// Verify implements verify.Verifier, as verify.Evaluation decides.
func (v *Verifier) Verify(ctx context.Context, s verify.Subject, r registry.Reader) (verify.Result, error) {
	r, err := v.reader(r)
	if err != nil {
		return verify.Result{}, err
	}
	r = attached.Budget(r, verify.MaxMaterial)
	found := discover(s, r, v.authority.Repository)
	result, err := verify.Evaluation[candidate]{
		Authority:  v.authority.Name,
		Candidates: found.candidates(ctx),
		Searched:   found.search.Searched,
		Name:       func(c candidate) (string, string) { return c.source, c.format },
		Verify: func(ctx context.Context, c candidate) ([]verify.VerifiedSignature, error) {
			return v.verifyCandidate(ctx, s, r, c)
		},
		Cost:        v.cost,
		Fix:         v.signCommand(s),
		Constraints: v.authority.Constraints,
		Enough:      v.enough,
	}.Decide(ctx)
	var rejection *verify.Rejection
	if errors.As(err, &rejection) && s.Chart.Provenance != nil {
		rejection.Otherwise = "no cosign signature, but a Helm provenance file"
	}
	return result, err
}

// bytesPerUnit is how many bytes of a bundle take about as long as one verification: the signatures in its log entries
// are verified while it is read.
const bytesPerUnit = 2 << 10

// cost is the work that a candidate takes: one verification for each key, and reading it.
func (v *Verifier) cost(c candidate) int {
	if c.problem != nil {
		return 0
	}
	return 1 + len(v.authority.Trust.Keys) + int(c.layer.Size/bytesPerUnit)
}

// signCommand is the command that signs the subject for this authority.
func (v *Verifier) signCommand(s verify.Subject) string {
	command := "cosign sign"
	if len(v.authority.Trust.Keys) > 0 {
		command += " --key cosign.key"
	}
	return fmt.Sprintf("%s %s@%s", command, s.Repository, s.Manifest.Digest)
}

// reader returns the reader of the repository that holds the signatures.
func (v *Verifier) reader(r registry.Reader) (registry.Reader, error) {
	if v.authority.Repository == "" {
		return r, nil
	}
	return r.Sibling(v.authority.Repository)
}

// enough reports whether nothing more can be learnt that matters.
func (v *Verifier) enough(signatures []verify.VerifiedSignature) bool {
	if !v.authority.Every {
		return len(signatures) > 0
	}
	return len(v.authority.Trust.Keys) > 0 && len(signatures) == len(v.authority.Trust.Keys)
}
