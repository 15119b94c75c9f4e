// SPDX-License-Identifier: Apache-2.0

// Package cosign verifies signatures of OCI artifacts made by cosign, the tool of Sigstore: by a key or an
// identity, as bundles or in the legacy format, wherever cosign keeps them in a repository. In a classic repository
// they are files beside the archive.
//
//	discover   the digest of a manifest → candidates, from referrers and tags
//	verify     a candidate → the proven signer, or why there is none
//
// It does not know where keys and trusted roots come from, how many authorities must accept, or what is signed
// other than the digest of the manifest, or of the archive in a classic repository.
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

// Authority names the accepted signers, and the required proofs.
type Authority struct {
	// Name of the authority in the policy.
	Name string
	// Trust proves signatures: by keys, or by the authorities that certify identities.
	Trust bundle.Trust
	// KeysIn names the source of the keys, for example "Secret apps/keys".
	KeysIn string
	// Identities are the accepted identities, any of which must have signed. At least one is required if Trust
	// has no keys; none is allowed if it has.
	Identities []Identity
	// Repository is the host and path of the repository with the signatures; empty for the repository of the
	// chart.
	Repository string
	// Constraints apply to every signature.
	Constraints verify.Constraints
	// Every returns all signers among the keys and identities, and not only the first one found.
	Every bool
}

// ErrAuthority is matched by the error for an authority that can never accept.
var ErrAuthority = errors.New("the authority can never accept a signature")

// Verifier accepts a Subject that its authority has signed.
type Verifier struct{ authority Authority }

// New returns the verifier for an authority. The error matches ErrAuthority.
func New(a Authority) (*Verifier, error) {
	if err := a.Trust.Check(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrAuthority, err)
	}
	if keyed := len(a.Trust.Keys) > 0; keyed == (len(a.Identities) > 0) {
		return nil, fmt.Errorf("%w: the authority must have either keys or identities", ErrAuthority)
	}
	return &Verifier{authority: a}, nil
}

// Verify implements verify.Verifier with a verify.Evaluation.
func (v *Verifier) Verify(ctx context.Context, s verify.Subject, r registry.Reader) (verify.Result, error) {
	r, err := v.reader(s, r)
	if err != nil {
		return verify.Result{}, err
	}
	r = attached.Budget(r, verify.MaxMaterial)
	found := placesOf(s, r, v.authority.Repository)
	result, err := verify.Evaluation[candidate]{
		Authority:  v.authority.Name,
		Candidates: found.candidates(ctx),
		Searched:   found.searched,
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

// bytesPerUnit is the size of a bundle that takes about as long to read as one verification: reading a bundle
// verifies the signatures in its log entries.
const bytesPerUnit = 2 << 10

// cost returns the work of a candidate: one verification for each key, and reading it.
func (v *Verifier) cost(c candidate) int {
	if c.problem != nil {
		return 0
	}
	return 1 + len(v.authority.Trust.Keys) + (int(c.layer.Size)+len(c.file))/bytesPerUnit
}

// signCommand returns the command that signs the subject for this authority.
func (v *Verifier) signCommand(s verify.Subject) string {
	command, object := "cosign sign", fmt.Sprintf("%s@%s", s.Repository, s.Manifest.Digest)
	if s.IsArchive() {
		archive := s.Chart.Name + "-" + s.Chart.Version + ".tgz"
		command, object = "cosign sign-blob", fmt.Sprintf("--bundle %s.sigstore.json %[1]s, and upload the bundle beside the archive", archive)
	}
	if len(v.authority.Trust.Keys) > 0 {
		command += " --key cosign.key"
	}
	return command + " " + object
}

// reader returns the reader of the repository that holds the signatures.
func (v *Verifier) reader(s verify.Subject, r registry.Reader) (registry.Reader, error) {
	if v.authority.Repository == "" || s.IsArchive() {
		return r, nil
	}
	return r.Sibling(v.authority.Repository)
}

// enough reports whether further signatures do not matter.
func (v *Verifier) enough(signatures []verify.VerifiedSignature) bool {
	if !v.authority.Every {
		return len(signatures) > 0
	}
	return len(v.authority.Trust.Keys) > 0 && len(signatures) == len(v.authority.Trust.Keys)
}
