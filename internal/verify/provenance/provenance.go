// Package provenance verifies Helm provenance files: what `helm package --sign`
// writes beside a chart's archive, wherever it is kept in a registry.
//
//	find     a chart's manifest → the files that may be its provenance
//	judge    a file → who signed it, and whether it is for this very chart
//
// The signed text names the archive by its SHA-256, which is the digest of the
// manifest's layer: the chart is judged before any of it is downloaded. The
// package does not know where keyrings come from, how many authorities must
// vouch, or what is in an archive.
package provenance

import (
	"context"
	"errors"
	"fmt"
	"time"

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

// Source is where a provenance file is looked for.
type Source int

const (
	// Auto is the chart's own manifest, then what refers to it, then the tag. It is the zero value.
	Auto Source = iota
	// Layer is the chart's own manifest, where `helm push` puts it.
	Layer
	// Referrer is what refers to the chart (`oras attach`), and the tag (`oras push`).
	Referrer
)

// Authority is whose OpenPGP keys may sign.
type Authority struct {
	// Name of the authority in the policy.
	Name string
	// Keyring holds the keys, any of which may have signed. It is required.
	Keyring *openpgp.Keyring
	// Source is where the file is looked for.
	Source Source
	// Tag under which it may stand, in which {{name}} and {{version}} are replaced; DefaultTag where empty.
	Tag string
	// AllowExpiredKeys accepts what was signed while a key lived that has expired since.
	AllowExpiredKeys bool
	// Every asks for all signers, and not only for the first that is found.
	Every bool
	// Now is the clock; time.Now where nil.
	Now func() time.Time
}

// ErrAuthority is matched by the error for an authority that could never vouch.
var ErrAuthority = errors.New("the authority cannot vouch for anything")

// Verifier vouches for a chart whose provenance file its authority has signed.
type Verifier struct{ authority Authority }

// New returns the verifier for an authority. The error matches ErrAuthority.
func New(a Authority) (*Verifier, error) {
	if a.Keyring == nil || a.Keyring.Len() == 0 {
		return nil, fmt.Errorf("%w: it has no keyring", ErrAuthority)
	}
	if a.Now == nil {
		a.Now = time.Now
	}
	return &Verifier{authority: a}, nil
}

// Verify implements verify.Verifier. A file that is unrelated, broken or out of
// reach never hides another that is good; where one that could not be read might
// have been the good one there is no verdict.
func (v *Verifier) Verify(ctx context.Context, s verify.Subject, r registry.Reader) (verify.Evidence, error) {
	r = attached.Budget(r, verify.MaxMaterial)
	chart, err := chartOf(ctx, s, r)
	if err != nil {
		return verify.Evidence{}, v.undecided(s, err)
	}
	var evidence verify.Evidence
	found := &search{subject: s, reader: r, chart: chart, authority: v.authority}
	for f := range found.files(ctx) {
		candidate := verify.Candidate{Authority: v.authority.Name, Source: f.source, Format: format}
		voucher, err := v.judge(ctx, chart, r, f)
		candidate.Signer = verify.Signer{KeyID: voucher.Signer, Verified: voucher.Signer != ""}
		var refused *attached.Refusal
		switch {
		case errors.As(err, &refused):
			candidate.Reason = refused.Reason
			evidence.Seen = append(evidence.Seen, candidate)
		case err != nil:
			evidence.Unread = errors.Join(evidence.Unread, err)
		default:
			evidence.Seen = append(evidence.Seen, candidate)
			evidence.Vouchers = append(evidence.Vouchers, voucher)
		}
		if ctx.Err() != nil || (len(evidence.Vouchers) > 0 && !v.authority.Every) {
			break
		}
	}
	if !evidence.IsZero() {
		return evidence, nil
	}
	if err := errors.Join(evidence.Unread, ctx.Err()); err != nil {
		return verify.Evidence{}, err
	}
	return verify.Evidence{}, &verify.Rejection{Authority: v.authority.Name, Looked: found.looked(), Candidates: evidence.Seen}
}

// undecided is the error where it is not known which chart a manifest is of: a
// rejection where its configuration says nothing that could be signed.
func (v *Verifier) undecided(s verify.Subject, err error) error {
	var refused *attached.Refusal
	if errors.As(err, &refused) {
		return &verify.Rejection{Authority: v.authority.Name, Candidates: []verify.Candidate{{
			Authority: v.authority.Name, Source: "manifest " + s.Manifest.Digest.String(), Format: "configuration", Reason: refused.Reason,
		}}}
	}
	return err
}

// judge returns the voucher that a file is. A *attached.Refusal says why it is
// none, and comes with the signer where that is proven; any other error that it
// could not be found out.
func (v *Verifier) judge(ctx context.Context, c identity, r registry.Reader, f file) (verify.Voucher, error) {
	raw, err := f.read(ctx, r)
	if err != nil {
		return verify.Voucher{}, err
	}
	text, signature, err := v.authority.Keyring.Verify(raw, openpgp.Options{Now: v.authority.Now(), AllowExpiredKeys: v.authority.AllowExpiredKeys})
	if err != nil {
		return verify.Voucher{}, &attached.Refusal{Reason: err.Error()}
	}
	voucher := verify.Voucher{
		Authority: v.authority.Name, Provider: Provider, Signer: "OPENPGP:" + signature.Primary, Key: signature.UserID,
		Format: format, Source: f.source,
	}
	signed, err := document.Parse(text)
	if err == nil {
		err = signed.Binds(c.name, c.version, c.archive)
	}
	if err != nil {
		return voucher, &attached.Refusal{Reason: fmt.Sprintf("the signature is genuine, but %v", err)}
	}
	return voucher, nil
}
