// SPDX-License-Identifier: Apache-2.0

// Package bundle verifies one Sigstore bundle: whether the signature in it was
// made over an artifact, by whom and when, as far as keys and a trusted root prove it.
//
// It knows the bundle formats v0.1 to v0.3, and cosign's legacy signatures,
// which it turns into bundles, so that there is one way to verify. It does not
// know where signatures are kept, which identities are wanted, or what a signature is for.
package bundle

import (
	"encoding/base64"
	"errors"
	"fmt"

	intoto "github.com/in-toto/attestation/go/v1"
	pbbundle "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"
	sigstore "github.com/sigstore/sigstore-go/pkg/bundle"
	"github.com/sigstore/sigstore-go/pkg/fulcio/certificate"
	"github.com/sigstore/sigstore-go/pkg/tlog"
	"google.golang.org/protobuf/encoding/protojson"
)

const (
	// MaxSize bounds a bundle in bytes.
	MaxSize = 1 << 20

	// MediaTypePrefix is how the media types of all versions of the format begin.
	MediaTypePrefix = "application/vnd.dev.sigstore.bundle"

	// CosignSign is the predicate type of the statement that is cosign's signature of an image.
	CosignSign = "https://sigstore.dev/cosign/sign/v1"
)

// ErrMalformed is matched by the error for bytes that are no bundle, or none that could ever be trusted.
var ErrMalformed = errors.New("not a usable Sigstore bundle")

// Bundle is a parsed bundle, of which nothing is proven.
type Bundle struct {
	entity    parsed
	statement *intoto.Statement // nil for a message signature
}

// parsed is a bundle of which the log entries are parsed once: that takes as
// long as to check a signature.
type parsed struct {
	*sigstore.Bundle
	entries []*tlog.Entry
}

// TlogEntries implements verify.SignedEntity.
func (p parsed) TlogEntries() ([]*tlog.Entry, error) { return p.entries, nil }

// Parse reads a bundle of the versions v0.1 to v0.3. The error matches ErrMalformed.
func Parse(raw []byte) (*Bundle, error) {
	if len(raw) > MaxSize {
		return nil, fmt.Errorf("%w: it has %d bytes, more than %d", ErrMalformed, len(raw), MaxSize)
	}
	return readable(func() (*Bundle, error) {
		var decoded pbbundle.Bundle
		if err := protojson.Unmarshal(raw, &decoded); err != nil {
			return nil, err
		}
		return newBundle(&decoded)
	})
}

// readable makes an error of read match ErrMalformed.
func readable(read func() (*Bundle, error)) (*Bundle, error) {
	b, err := contained(read)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return b, nil
}

// contained makes an error of a panic in the libraries that read what anybody
// may have written: one hostile candidate must not hide the others.
func contained[T any](read func() (T, error)) (result T, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("reading it failed: %v", p)
		}
	}()
	return read()
}

func newBundle(decoded *pbbundle.Bundle) (*Bundle, error) {
	// Before anything looks into the proofs: sigstore-go verifies some as it reads them.
	if err := checkProofs(decoded.GetVerificationMaterial()); err != nil {
		return nil, err
	}
	entity, err := sigstore.NewBundle(decoded)
	if err != nil {
		return nil, err
	}
	content, err := entity.SignatureContent()
	if err != nil {
		return nil, err
	}
	entries, err := entity.TlogEntries()
	if err != nil {
		return nil, err
	}
	b := &Bundle{entity: parsed{entity, entries}}
	if envelope := content.EnvelopeContent(); envelope != nil {
		if b.statement, err = envelope.Statement(); err != nil {
			return nil, err
		}
		if !isStatement(b.statement.GetType()) {
			return nil, fmt.Errorf("its statement is of type %q", b.statement.GetType())
		}
	}
	return b, nil
}

const (
	// maxProofs bounds the log entries of a bundle, and its timestamps, as sigstore-go does (CVE-2024-45395).
	maxProofs = 32
	// maxProofsSize bounds all log entries together in bytes, and all timestamps.
	maxProofsSize = 128 << 10
	// maxEntry bounds the body of a log entry in bytes: one with a certificate and
	// signature by RSA-4096 has 5,000. The signature in it is checked as it is read,
	// by the key in it, and one as long as a whole bundle would take minutes.
	maxEntry = 8 << 10
	// maxStamp bounds a timestamp in bytes: one with its chain of certificates has 7,000.
	maxStamp = 16 << 10
)

// checkProofs refuses proofs that take longer to verify than any that are real.
func checkProofs(m *pbbundle.VerificationMaterial) error {
	var entries, stamps []int
	for _, entry := range m.GetTlogEntries() {
		entries = append(entries, len(entry.GetCanonicalizedBody()))
	}
	for _, stamp := range m.GetTimestampVerificationData().GetRfc3161Timestamps() {
		stamps = append(stamps, len(stamp.GetSignedTimestamp()))
	}
	if err := errors.Join(checkSizes("log entries", entries, maxEntry), checkSizes("timestamps", stamps, maxStamp)); err != nil {
		return err
	}
	for _, entry := range m.GetTlogEntries() {
		if err := checkEntryKeys(entry.GetCanonicalizedBody()); err != nil {
			return err
		}
	}
	for _, stamp := range m.GetTimestampVerificationData().GetRfc3161Timestamps() {
		if err := checkStampKeys(stamp.GetSignedTimestamp()); err != nil {
			return err
		}
	}
	return nil
}

func checkSizes(what string, sizes []int, limit int) error {
	total := 0
	for _, size := range sizes {
		if size > limit {
			return fmt.Errorf("one of its %s has %d bytes, more than %d", what, size, limit)
		}
		total += size
	}
	if len(sizes) > maxProofs || total > maxProofsSize {
		return fmt.Errorf("it has %d %s of %d bytes, and at most %d of %d bytes are considered", len(sizes), what, total, maxProofs, maxProofsSize)
	}
	return nil
}

// isStatement reports whether an in-toto statement is of a type that there is:
// the type says how the rest is to be read.
func isStatement(kind string) bool {
	return kind == intoto.StatementTypeUri || kind == "https://in-toto.io/Statement/v0.1"
}

// PredicateType is what the statement in the bundle says it states; empty for a signature of the artifact itself.
func (b *Bundle) PredicateType() string { return b.statement.GetPredicateType() }

// IsSignature reports whether the bundle is a signature: of the artifact itself,
// or by cosign's statement. Any other statement accepts something else
// about the artifact, as an SBOM or its provenance, and not for the artifact.
func (b *Bundle) IsSignature() bool { return b.statement == nil || b.PredicateType() == CosignSign }

// Signer is who a signature says it is by: a key or an identity.
type Signer struct {
	// KeyID is the ID of a Key; empty if the signature does not say.
	KeyID string
	// Issuer and Subject are the OpenID Connect issuer and the subject alternative name of a certificate.
	Issuer, Subject string
	// Claims are what else Fulcio wrote into the certificate.
	Claims certificate.Extensions
}

// Claimed returns who the bundle says has signed it. Nothing of it is proven.
func (b *Bundle) Claimed() Signer {
	signer, _ := contained(func() (Signer, error) {
		content, err := b.entity.VerificationContent()
		if err != nil {
			return Signer{}, err
		}
		if leaf := content.Certificate(); leaf != nil {
			summary, err := certificate.SummarizeCertificate(leaf)
			return signerOf(summary), err
		}
		return Signer{KeyID: hinted(content.PublicKey().Hint())}, nil
	})
	return signer
}

func signerOf(summary certificate.Summary) Signer {
	return Signer{Issuer: summary.Issuer, Subject: summary.SubjectAlternativeName, Claims: summary.Extensions}
}

// hinted returns the ID of the key that a hint means. By convention it is the
// base64 encoded SHA-256 of the key's SPKI; any other says nothing.
func hinted(hint string) string {
	sum, err := base64.StdEncoding.DecodeString(hint)
	if err != nil || len(sum) != 32 {
		return ""
	}
	return keyID(sum)
}
