// SPDX-License-Identifier: Apache-2.0

// Package provenance verifies Helm provenance files: what `helm package --sign`
// writes beside a chart's archive, wherever it is kept.
//
//	find     a chart's manifest → the files that may be its provenance
//	verify    a file → who signed it, and whether it is for this very chart
//
// The signed text names the archive by its SHA-256, which is the digest of the
// manifest's layer: the chart is verified before any of it is downloaded. The
// package does not know where keyrings come from, how files are read that are
// not in a registry, how many authorities must accept, or what is in an archive.
package provenance

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/verifiedchart/verifiedchart/internal/printable"
	"github.com/verifiedchart/verifiedchart/internal/registry"
	"github.com/verifiedchart/verifiedchart/internal/verify"
	"github.com/verifiedchart/verifiedchart/internal/verify/attached"
	"github.com/verifiedchart/verifiedchart/internal/verify/openpgp"
	"github.com/verifiedchart/verifiedchart/internal/verify/provenance/document"
)

// Provider is the name of this kind of signature.
const Provider = "provenance"

// format is that of every candidate.
const format = "provenance file"

// workPerFile is the work that a file takes: package openpgp bounds its signatures.
const workPerFile = 16

// Bounds on what is said of the keys that are not used.
const maxSkippedKeys, maxSkippedKey = 4, 200

// Source is where a provenance file is looked for.
type Source int

const (
	// Auto is the chart's own manifest, then what refers to it, then the tag. It is the zero value.
	Auto Source = iota
	// Layer is the chart's own manifest, where `helm push` puts it.
	Layer
	// Referrer is what refers to the chart (`oras attach`), and the tag (`oras push`).
	Referrer
	// Outside is a place outside the registry.
	Outside
)

// Authority is whose OpenPGP keys may sign.
type Authority struct {
	// Name of the authority in the policy.
	Name string
	// Keyring holds the keys, any of which may have signed. It is required.
	Keyring *openpgp.Keyring
	// KeysIn names where the keyring is kept, as in "Secret apps/keyring".
	KeysIn string
	// Source is where the file is looked for.
	Source Source
	// Tag under which it may stand, a Template; DefaultTag where empty.
	Tag Template
	// External is the place outside the registry. It is required for Outside.
	External ExternalSource
	// AllowExpiredKeys accepts what was signed while a key lived that has expired since.
	AllowExpiredKeys bool
	// Constraints apply to every signature.
	Constraints verify.Constraints
	// Every asks for all signers, and not only for the first that is found.
	Every bool
	// Now is the clock; time.Now if nil.
	Now func() time.Time
}

// ErrAuthority is matched by the error for an authority that could never accept.
var ErrAuthority = errors.New("the authority cannot vouch for anything")

// Verifier accepts a chart whose provenance file its authority has signed.
type Verifier struct {
	authority Authority
	skipped   []string
}

// New returns the verifier for an authority. The error matches ErrAuthority.
func New(a Authority) (*Verifier, error) {
	if a.Keyring == nil || a.Keyring.Len() == 0 {
		return nil, fmt.Errorf("%w: it has no keyring", ErrAuthority)
	}
	if a.Source == Outside && a.External == nil {
		return nil, fmt.Errorf("%w: it does not say where its files are", ErrAuthority)
	}
	if a.Now == nil {
		a.Now = time.Now
	}
	return &Verifier{authority: a, skipped: skippedKeys(a.Keyring)}, nil
}

// skippedKeys says which keys of a keyring are not used.
func skippedKeys(k *openpgp.Keyring) []string {
	var keys []string
	for i, s := range k.Skipped() {
		if i == maxSkippedKeys {
			return append(keys, fmt.Sprintf("and %d more", len(k.Skipped())-i))
		}
		keys = append(keys, printable.String(s.Entry+": "+s.Reason, maxSkippedKey))
	}
	return keys
}

// Verify implements verify.Verifier, as verify.Evaluation decides.
func (v *Verifier) Verify(ctx context.Context, s verify.Subject, r registry.Reader) (verify.Result, error) {
	r = attached.Budget(r, verify.MaxMaterial)
	chart, err := chartOf(ctx, s, r)
	if err != nil {
		return verify.Result{}, v.undecided(s, err)
	}
	found := &search{subject: s, reader: r, chart: chart, authority: v.authority}
	result, err := verify.Evaluation[file]{
		Authority:  v.authority.Name,
		Candidates: found.files(ctx),
		Searched:   found.searched,
		Name:       func(f file) (string, string) { return f.source, format },
		Verify: func(ctx context.Context, f file) ([]verify.VerifiedSignature, error) {
			return v.verifyFile(ctx, chart, f)
		},
		Cost:        func(file) int { return workPerFile },
		Fix:         "sign it with helm package --sign, and push the .prov file with the chart",
		Constraints: v.authority.Constraints,
		Enough:      func(signatures []verify.VerifiedSignature) bool { return len(signatures) > 0 && !v.authority.Every },
	}.Decide(ctx)
	var rejection *verify.Rejection
	if errors.As(err, &rejection) {
		rejection.SkippedKeys, rejection.Otherwise = v.skipped, found.otherwise(ctx)
	}
	return result, err
}

// undecided is the error if it is not known which chart a manifest is of: a
// rejection where its configuration says nothing that could be signed.
func (v *Verifier) undecided(s verify.Subject, err error) error {
	var refused *verify.Refusal
	if errors.As(err, &refused) {
		return &verify.Rejection{Authority: v.authority.Name, Candidates: []verify.Candidate{{
			Authority: v.authority.Name, Source: "manifest " + s.Manifest.Digest.String(), Format: "configuration", Reason: refused.Reason,
		}}}
	}
	return err
}

// verifyFile returns the signatures that verify in a file: one for each of the keyring's keys
// that signed it. A *verify.Refusal says why it holds none; any other error that it
// could not be found out.
func (v *Verifier) verifyFile(ctx context.Context, c identity, f file) ([]verify.VerifiedSignature, error) {
	raw, err := f.read(ctx)
	if err != nil {
		return nil, err
	}
	text, found, err := v.authority.Keyring.VerifyAll(raw, openpgp.Options{Now: v.authority.Now(), AllowExpiredKeys: v.authority.AllowExpiredKeys})
	if err != nil {
		return nil, v.refused(err)
	}
	signed, err := document.Parse(text)
	if err == nil {
		err = signed.Binds(c.name, c.version, c.archive)
	}
	if err != nil {
		// Proven is that they signed something: of this chart it is as good as a claim.
		return nil, verify.Refuse("the signature is genuine, but %v", err).By(verify.Signer{KeyID: signerOf(found[0])})
	}
	signatures := make([]verify.VerifiedSignature, 0, len(found))
	for _, s := range found {
		signatures = append(signatures, verify.VerifiedSignature{
			Authority: v.authority.Name, Provider: Provider, Signer: signerOf(s), UserID: s.UserID, SigningKey: s.Signing, Ends: s.Ends,
			Format: format, Source: f.source, ClaimedTime: s.Time, SkippedKeys: v.skipped,
		})
	}
	return signatures, nil
}

// refused says why no signature of a file counts, and who is said to have signed it.
func (v *Verifier) refused(err error) error {
	refusal := verify.Refuse("%s", strings.TrimPrefix(err.Error(), openpgp.ErrUntrusted.Error()+": "))
	var unknown *openpgp.UnknownSignerError
	if errors.As(err, &unknown) {
		return refusal.Shortly("signed, but not with a key in " + v.authority.KeysIn).By(verify.Signer{KeyID: keyPrefix + unknown.Fingerprint})
	}
	return refusal
}

// keyPrefix is what begins the name of an OpenPGP key as a signer.
const keyPrefix = "OPENPGP:"

// signerOf names the primary key that signed.
func signerOf(s openpgp.Signature) string { return keyPrefix + s.Primary }
