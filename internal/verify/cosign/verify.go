// SPDX-License-Identifier: Apache-2.0

package cosign

import (
	"context"
	"errors"
	"strings"

	"github.com/sigstore/cosign/v2/pkg/oci/static"

	"github.com/verifiedchart/verifiedchart/internal/printable"
	"github.com/verifiedchart/verifiedchart/internal/registry"
	"github.com/verifiedchart/verifiedchart/internal/verify"
	"github.com/verifiedchart/verifiedchart/internal/verify/attached"
	"github.com/verifiedchart/verifiedchart/internal/verify/bundle"
)

// maxSubject bounds the subject of a certificate in a short reason, in bytes.
const maxSubject = 80

// verifyCandidate returns the one verified signature of a candidate. A *verify.Refusal is the reason why there
// is none; any other error means that this could not be found out.
func (v *Verifier) verifyCandidate(ctx context.Context, s verify.Subject, r registry.Reader, c candidate) ([]verify.VerifiedSignature, error) {
	if c.problem != nil {
		return nil, c.problem
	}
	var signature bundle.Signature
	var err error
	switch {
	case c.signed != nil:
		signature, err = v.verifyBlob(s, *c.signed)
	case c.format == legacyFormat:
		signature, err = v.verifyLegacy(ctx, s, r, c)
	default:
		signature, err = v.verifyBundle(ctx, s, r, c)
	}
	if err != nil {
		return nil, err
	}
	verified, err := v.signatureOf(c, signature)
	if err != nil {
		return nil, err
	}
	return []verify.VerifiedSignature{verified}, nil
}

// signatureOf returns the verified signature, or a *verify.Refusal if the signer matches no identity of the
// authority. A signature by a key needs no such check: a key of the authority proved it.
func (v *Verifier) signatureOf(c candidate, signature bundle.Signature) (verify.VerifiedSignature, error) {
	verified := verify.VerifiedSignature{
		Authority: v.authority.Name, Provider: Provider, Signer: signature.KeyID, Key: signature.KeyName,
		Issuer: signature.Issuer, Subject: signature.Subject,
		Format: c.format, Source: c.source, Time: signature.Time, LogIndex: signature.LogIndex,
	}
	if len(v.authority.Trust.Keys) > 0 {
		return verified, nil
	}
	if reason := mismatch(v.authority.Identities, signature.Signer); reason != "" {
		return verify.VerifiedSignature{}, verify.Refuse("%s", reason).Shortly(strangerBrief(signature)).By(signerOf(signature.Signer, true))
	}
	verified.Signer = verify.Identity(signature.Issuer, signature.Subject)
	return verified, nil
}

// strangerBrief names the signer of a signature that matches no identity of the authority.
func strangerBrief(s bundle.Signature) string {
	return "signed by " + printable.String(s.Subject, maxSubject) + ", which no identity matches"
}

// verifyBundle verifies a Sigstore bundle, which signs the manifest or archive itself.
func (v *Verifier) verifyBundle(ctx context.Context, s verify.Subject, r registry.Reader, c candidate) (bundle.Signature, error) {
	raw, err := read(ctx, r, c, bundle.MaxSize)
	if err != nil {
		return bundle.Signature{}, err
	}
	b, err := bundle.Parse(raw)
	if err != nil {
		return bundle.Signature{}, verify.Refuse("%v", err)
	}
	claimed := signerOf(b.Claimed(), false)
	if !b.IsSignature() {
		return bundle.Signature{}, verify.Refuse("seen, not a signature: an attestation of type %q", b.PredicateType()).Shortly("attested, but not signed").By(claimed)
	}
	artifact, err := artifactOf(s)
	if err != nil {
		return bundle.Signature{}, err
	}
	signature, err := b.Verify(artifact, v.authority.Trust)
	if err != nil {
		return bundle.Signature{}, v.unproven(err).By(claimed)
	}
	return signature, nil
}

// artifactOf returns the object that a bundle must sign. Of an archive, only the digest is known.
func artifactOf(s verify.Subject) (bundle.Artifact, error) {
	if s.IsArchive() {
		return bundle.Digest(s.Manifest.Digest)
	}
	return bundle.Bytes(s.Raw), nil
}

// verifyBlob verifies a detached signature of an archive.
func (v *Verifier) verifyBlob(s verify.Subject, signed bundle.Legacy) (bundle.Signature, error) {
	b, err := bundle.FromLegacy(signed, v.authority.Trust)
	if err != nil {
		return bundle.Signature{}, v.unproven(err)
	}
	claimed := signerOf(b.Claimed(), false)
	artifact, err := artifactOf(s)
	if err != nil {
		return bundle.Signature{}, err
	}
	signature, err := b.Verify(artifact, v.authority.Trust)
	if err != nil {
		return bundle.Signature{}, v.unproven(err).By(claimed)
	}
	return signature, nil
}

// verifyLegacy verifies a legacy signature, which signs its payload, and checks that the payload names the
// manifest.
func (v *Verifier) verifyLegacy(ctx context.Context, s verify.Subject, r registry.Reader, c candidate) (bundle.Signature, error) {
	payload, err := payloadOf(ctx, s, r, c)
	if err != nil {
		return bundle.Signature{}, err
	}
	b, err := bundle.FromLegacy(bundle.Legacy{
		Payload:     payload,
		Signature:   c.layer.Annotations[static.SignatureAnnotationKey],
		Certificate: c.layer.Annotations[static.CertificateAnnotationKey],
		RekorBundle: c.layer.Annotations[static.BundleAnnotationKey],
		Timestamp:   c.layer.Annotations[static.RFC3161TimestampAnnotationKey],
	}, v.authority.Trust)
	if err != nil {
		return bundle.Signature{}, v.unproven(err)
	}
	claimed := signerOf(b.Claimed(), false)
	signature, err := b.Verify(bundle.Bytes(payload), v.authority.Trust)
	if err != nil {
		return bundle.Signature{}, v.unproven(err).By(claimed)
	}
	if err := checkClaim(payload, s.Manifest.Digest); err != nil {
		// The signer is proven to have signed the payload, not this chart: only the claim counts here.
		return bundle.Signature{}, verify.Refuse("the signature is genuine, but %v", err).By(claimed)
	}
	return signature, nil
}

// unproven returns the refusal of a signature that is not proven.
func (v *Verifier) unproven(err error) *verify.Refusal {
	refusal := verify.Refuse("%s", strings.TrimPrefix(err.Error(), bundle.ErrUntrusted.Error()+": "))
	switch {
	case errors.Is(err, bundle.ErrOtherKey):
		return refusal.Shortly("signed, but not with a key in " + v.authority.KeysIn)
	case errors.Is(err, bundle.ErrNoCertificate):
		return refusal.Shortly("signed with a key, not by an identity")
	}
	return refusal
}

// read returns the content of a candidate.
func read(ctx context.Context, r registry.Reader, c candidate, limit int64) ([]byte, error) {
	if c.file != nil {
		return c.file, nil
	}
	raw, err := r.Blob(ctx, c.layer, limit)
	if err != nil {
		return nil, attached.Unread(c.format+" at "+c.source, err)
	}
	return raw, nil
}

func signerOf(s bundle.Signer, verified bool) verify.Signer {
	return verify.Signer{KeyID: s.KeyID, Issuer: s.Issuer, Subject: s.Subject, Verified: verified}
}
