// SPDX-License-Identifier: Apache-2.0

// Package provenance verifies Helm provenance files, which `helm package --sign` writes for the archive of a
// chart, wherever they are kept.
//
//	find       the manifest of a chart → the files that may be its provenance
//	verify     a file → the signers, and whether it is for exactly this chart
//
// The signed text names the archive by its SHA-256, which is the digest of the layer in the manifest: the chart
// is verified before any of it is downloaded. The package does not know where keyrings come from, how files
// outside a registry are read, how many authorities must accept, or what is in an archive.
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

// format is the format of every candidate.
const format = "provenance file"

// workPerFile is the work for verifying a file: package openpgp bounds its signatures.
const workPerFile = 16

// Bounds on the list of skipped keys: its length, and the bytes of each entry.
const maxSkippedKeys, maxSkippedKey = 4, 200

// Source is the location of a provenance file.
type Source int

const (
	// Auto searches the manifest of the chart, then its referrers, then the tag. It is the zero value.
	Auto Source = iota
	// Layer is the manifest of the chart, to which `helm push` adds the file.
	Layer
	// Referrer searches the referrers of the chart (`oras attach`), and the tag (`oras push`).
	Referrer
	// Outside is a location outside the registry.
	Outside
)

// Authority holds the OpenPGP keys that may sign.
type Authority struct {
	// Name of the authority in the policy.
	Name string
	// Keyring holds the accepted keys, any of which may have signed. It is required.
	Keyring *openpgp.Keyring
	// KeysIn names the source of the keyring, for example "Secret apps/keyring".
	KeysIn string
	// Source is the location of the file.
	Source Source
	// Tag is the Template for the tag of the file; DefaultTag if empty.
	Tag Template
	// External reads the file from outside the registry. It is required for Outside.
	External ExternalSource
	// AllowExpiredKeys accepts a signature that was made before its key expired.
	AllowExpiredKeys bool
	// Constraints apply to every signature.
	Constraints verify.Constraints
	// Every returns all signers, and not only the first one found.
	Every bool
	// Now is the clock; time.Now if nil.
	Now func() time.Time
}

// ErrAuthority is matched by the error for an authority that can never accept.
var ErrAuthority = errors.New("the authority can never accept a signature")

// Verifier accepts a chart whose provenance file its authority has signed.
type Verifier struct {
	authority Authority
	skipped   []string
}

// New returns the verifier for an authority. The error matches ErrAuthority.
func New(a Authority) (*Verifier, error) {
	if a.Keyring == nil || a.Keyring.Len() == 0 {
		return nil, fmt.Errorf("%w: no keyring", ErrAuthority)
	}
	if a.Source == Outside && a.External == nil {
		return nil, fmt.Errorf("%w: the location of its files is missing", ErrAuthority)
	}
	if a.Now == nil {
		a.Now = time.Now
	}
	return &Verifier{authority: a, skipped: skippedKeys(a.Keyring)}, nil
}

// skippedKeys returns the keys of a keyring that are not used, with the reasons.
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

// Verify implements verify.Verifier with a verify.Evaluation.
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
		Fix:         v.fix(s),
		Constraints: v.authority.Constraints,
		Enough:      func(signatures []verify.VerifiedSignature) bool { return len(signatures) > 0 && !v.authority.Every },
	}.Decide(ctx)
	var rejection *verify.Rejection
	if errors.As(err, &rejection) {
		rejection.SkippedKeys, rejection.Otherwise = v.skipped, found.otherwise(ctx)
	}
	return result, err
}

// fix returns the fix for a chart without an accepted file.
func (v *Verifier) fix(s verify.Subject) string {
	switch {
	case s.IsArchive() && (v.authority.Source == Layer || v.authority.Source == Referrer):
		return "remove provenance.source, because a classic repository has the .prov file beside the archive"
	case s.IsArchive():
		return "sign the chart with helm package --sign, and upload the .prov file beside the archive"
	}
	return "sign the chart with helm package --sign, and push the .prov file with the chart"
}

// undecided returns the error if the chart of a manifest is not known: a rejection if the configuration cannot
// belong to a signed chart.
func (v *Verifier) undecided(s verify.Subject, err error) error {
	var refused *verify.Refusal
	if errors.As(err, &refused) {
		return &verify.Rejection{Authority: v.authority.Name, Candidates: []verify.Candidate{{
			Authority: v.authority.Name, Source: "manifest " + s.Manifest.Digest.String(), Format: "configuration", Reason: refused.Reason,
		}}}
	}
	return err
}

// verifyFile returns the verified signatures in a file: one for each key of the keyring that signed it. A
// *verify.Refusal is the reason why there is none; any other error means that this could not be found out.
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
		// The signer is proven to have signed the file, not this chart: only the claim counts here.
		return nil, verify.Refuse("the signature is genuine, but %v", err).Shortly("signed, but the file is for another chart").By(verify.Signer{KeyID: signerOf(found[0])})
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

// refused returns why no signature of a file counts, and the signer that it claims.
func (v *Verifier) refused(err error) error {
	refusal := verify.Refuse("%s", strings.TrimPrefix(err.Error(), openpgp.ErrUntrusted.Error()+": "))
	var unknown *openpgp.UnknownSignerError
	if errors.As(err, &unknown) {
		return refusal.Shortly("signed, but not with a key in " + v.authority.KeysIn).By(verify.Signer{KeyID: keyPrefix + unknown.Fingerprint})
	}
	return refusal
}

// keyPrefix starts the name of an OpenPGP key as a signer.
const keyPrefix = "OPENPGP:"

// signerOf returns the name of the primary key that signed.
func signerOf(s openpgp.Signature) string { return keyPrefix + s.Primary }
