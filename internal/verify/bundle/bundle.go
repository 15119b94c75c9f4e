// SPDX-License-Identifier: Apache-2.0

// Package bundle verifies one Sigstore bundle: whether its signature was made over an artifact, by whom, and
// when, as far as keys and a trusted root prove it.
//
// It reads the bundle formats v0.1 to v0.3. It also converts legacy signatures of cosign into bundles, so that
// there is only one way to verify. It does not know where signatures are stored, which identities are accepted,
// or what a signature is for.
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

	// MediaTypePrefix starts the media types of all versions of the format.
	MediaTypePrefix = "application/vnd.dev.sigstore.bundle"

	// CosignSign is the predicate type of the statement with which cosign signs an image.
	CosignSign = "https://sigstore.dev/cosign/sign/v1"
)

// ErrMalformed is matched by the error for bytes that are not a bundle, or a bundle that can never be trusted.
var ErrMalformed = errors.New("not a usable Sigstore bundle")

// Bundle is a parsed bundle. None of its content is proven.
type Bundle struct {
	entity    parsed
	statement *intoto.Statement // nil for a message signature
}

// parsed is a bundle whose log entries are parsed only once, because parsing takes as long as verifying a
// signature.
type parsed struct {
	*sigstore.Bundle
	entries []*tlog.Entry
}

// TlogEntries implements verify.SignedEntity.
func (p parsed) TlogEntries() ([]*tlog.Entry, error) { return p.entries, nil }

// Parse reads a bundle of version v0.1 to v0.3. The error matches ErrMalformed.
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

// contained converts a panic of the libraries that read untrusted bytes into an error: one hostile candidate
// must not hide the others.
func contained[T any](read func() (T, error)) (result T, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("reading it failed: %v", p)
		}
	}()
	return read()
}

func newBundle(decoded *pbbundle.Bundle) (*Bundle, error) {
	// Check first, before any code reads the proofs: sigstore-go verifies some of them while reading.
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
	// maxEntry bounds the body of a log entry in bytes: an entry with a certificate and signature by RSA-4096
	// has 5,000. Reading an entry verifies the signature in it with the key in it, which would take minutes for
	// an entry as long as a whole bundle.
	maxEntry = 8 << 10
	// maxStamp bounds a timestamp in bytes: a timestamp with its certificate chain has 7,000.
	maxStamp = 16 << 10
)

// checkProofs refuses proofs that would take longer to verify than any real proof.
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

// isStatement reports whether the type of an in-toto statement is known: the type defines how to read the rest.
func isStatement(kind string) bool {
	return kind == intoto.StatementTypeUri || kind == "https://in-toto.io/Statement/v0.1"
}

// PredicateType returns the predicate type that the statement in the bundle claims; empty for a signature of
// the artifact itself.
func (b *Bundle) PredicateType() string { return b.statement.GetPredicateType() }

// IsSignature reports whether the bundle is a signature: of the artifact itself, or with cosign's statement.
// Any other statement describes the artifact, such as an SBOM or a provenance statement, and does not sign it.
func (b *Bundle) IsSignature() bool { return b.statement == nil || b.PredicateType() == CosignSign }

// Signer is the signer that a signature claims: a key or an identity.
type Signer struct {
	// KeyID is the ID of a Key; empty if the signature does not name one.
	KeyID string
	// Issuer and Subject are the OpenID Connect issuer and the subject alternative name of a certificate.
	Issuer, Subject string
	// Claims are the other claims of Fulcio in the certificate.
	Claims certificate.Extensions
}

// Claimed returns the signer that the bundle claims. It is not proven.
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

// hinted returns the ID of the key that a hint names. By convention, the hint is the base64 encoded SHA-256 of
// the SPKI of the key; any other hint names no key.
func hinted(hint string) string {
	sum, err := base64.StdEncoding.DecodeString(hint)
	if err != nil || len(sum) != 32 {
		return ""
	}
	return keyID(sum)
}
