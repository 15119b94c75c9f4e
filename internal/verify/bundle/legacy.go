// SPDX-License-Identifier: Apache-2.0

package bundle

import (
	"crypto"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"

	"github.com/opencontainers/go-digest"
	cosign "github.com/sigstore/cosign/v2/pkg/cosign/bundle"
	pbbundle "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"
	pbcommon "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	pbrekor "github.com/sigstore/protobuf-specs/gen/pb-go/rekor/v1"
)

// Legacy is a signature in the format that cosign used before bundles (SIGNATURE_SPEC of cosign): a payload,
// the signature over it, and the proofs as annotations.
type Legacy struct {
	// Payload is the signed data; nil if only its SHA-256 is known.
	Payload []byte
	// Digest is the SHA-256 of the signed data if Payload is nil.
	Digest digest.Digest
	// Signature is base64 encoded.
	Signature string
	// Certificate of the signer, PEM encoded; empty if a key signed.
	Certificate string
	// RekorBundle and Timestamp hold cosign's JSON for the entry in a transparency log and for an RFC 3161
	// timestamp; empty if there is none.
	RekorBundle, Timestamp string
}

// FromLegacy converts a legacy signature into a bundle over its payload, with only the proofs that t requires:
// a broken proof that is not required must not invalidate the signature. The error matches ErrMalformed. The
// caller verifies the content of the payload.
func FromLegacy(l Legacy, t Trust) (*Bundle, error) {
	return readable(func() (*Bundle, error) {
		material := &pbbundle.VerificationMaterial{}
		var logged *loggedEntry
		var err error
		if t.logged() && l.RekorBundle != "" {
			if logged, err = parseRekorBundle(l.RekorBundle); err != nil {
				return nil, err
			}
			material.TlogEntries = []*pbrekor.TransparencyLogEntry{logged.entry}
		}
		if t.timed() && l.Timestamp != "" {
			if material.TimestampVerificationData, err = parseTimestamp(l.Timestamp); err != nil {
				return nil, err
			}
		}
		if err := l.signedWith(material, t); err != nil {
			return nil, err
		}
		signed, err := l.message(logged)
		if err != nil {
			return nil, err
		}
		return newBundle(&pbbundle.Bundle{
			MediaType:            MediaTypePrefix + "+json;version=0.1",
			VerificationMaterial: material,
			Content:              signed,
		})
	})
}

// signedWith adds the key or certificate of the signature. It leaves out the chain that cosign adds:
// intermediate certificates come only from the trusted root.
func (l Legacy) signedWith(material *pbbundle.VerificationMaterial, t Trust) error {
	if t.keyed() {
		material.Content = &pbbundle.VerificationMaterial_PublicKey{PublicKey: &pbcommon.PublicKeyIdentifier{}}
		return nil
	}
	block, _ := pem.Decode([]byte(l.Certificate))
	if block == nil || block.Type != "CERTIFICATE" {
		return ErrNoCertificate
	}
	material.Content = &pbbundle.VerificationMaterial_X509CertificateChain{X509CertificateChain: &pbcommon.X509CertificateChain{
		Certificates: []*pbcommon.X509Certificate{{RawBytes: block.Bytes}},
	}}
	return nil
}

// message returns the signature with the digest of the payload, by the hash in the log entry: the entry must be
// for exactly that digest.
func (l Legacy) message(logged *loggedEntry) (*pbbundle.Bundle_MessageSignature, error) {
	signature, err := base64.StdEncoding.DecodeString(l.Signature)
	if err != nil {
		return nil, errors.New("the signature is not base64")
	}
	algorithm, hash := pbcommon.HashAlgorithm_SHA2_256, crypto.SHA256
	switch {
	case logged == nil:
	case logged.hash == "sha384":
		algorithm, hash = pbcommon.HashAlgorithm_SHA2_384, crypto.SHA384
	case logged.hash == "sha512":
		algorithm, hash = pbcommon.HashAlgorithm_SHA2_512, crypto.SHA512
	}
	sum, err := l.sum(hash)
	if err != nil {
		return nil, err
	}
	return &pbbundle.Bundle_MessageSignature{MessageSignature: &pbcommon.MessageSignature{
		MessageDigest: &pbcommon.HashOutput{Algorithm: algorithm, Digest: sum},
		Signature:     signature,
	}}, nil
}

// sum returns the hash of the payload.
func (l Legacy) sum(hash crypto.Hash) ([]byte, error) {
	switch {
	case l.Payload != nil:
		h := hash.New()
		h.Write(l.Payload)
		return h.Sum(nil), nil
	case hash != crypto.SHA256 || l.Digest.Algorithm() != digest.SHA256:
		return nil, errors.New("the signature is not over a SHA-256 digest")
	}
	return hex.DecodeString(l.Digest.Encoded())
}

// loggedEntry is an entry in a transparency log, and the hash that it names.
type loggedEntry struct {
	entry *pbrekor.TransparencyLogEntry
	hash  string
}

func parseRekorBundle(raw string) (*loggedEntry, error) {
	var b cosign.RekorBundle
	if err := json.Unmarshal([]byte(raw), &b); err != nil {
		return nil, fmt.Errorf("the Rekor bundle is not JSON: %w", err)
	}
	encoded, _ := b.Payload.Body.(string)
	body, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil || len(body) == 0 {
		return nil, errors.New("the Rekor bundle has no body")
	}
	logID, err := hex.DecodeString(b.Payload.LogID)
	if err != nil {
		return nil, errors.New("the Rekor bundle has no log ID")
	}
	var kind struct {
		Kind       string `json:"kind"`
		APIVersion string `json:"apiVersion"`
		Spec       struct {
			Data struct {
				Hash struct {
					Algorithm string `json:"algorithm"`
				} `json:"hash"`
			} `json:"data"`
		} `json:"spec"`
	}
	if err := json.Unmarshal(body, &kind); err != nil {
		return nil, fmt.Errorf("the entry in the Rekor bundle is not JSON: %w", err)
	}
	return &loggedEntry{hash: kind.Spec.Data.Hash.Algorithm, entry: &pbrekor.TransparencyLogEntry{
		LogIndex:          b.Payload.LogIndex,
		LogId:             &pbcommon.LogId{KeyId: logID},
		KindVersion:       &pbrekor.KindVersion{Kind: kind.Kind, Version: kind.APIVersion},
		IntegratedTime:    b.Payload.IntegratedTime,
		InclusionPromise:  &pbrekor.InclusionPromise{SignedEntryTimestamp: b.SignedEntryTimestamp},
		CanonicalizedBody: body,
	}}, nil
}

func parseTimestamp(raw string) (*pbbundle.TimestampVerificationData, error) {
	var t cosign.RFC3161Timestamp
	if err := json.Unmarshal([]byte(raw), &t); err != nil {
		return nil, fmt.Errorf("the timestamp is not JSON: %w", err)
	}
	return &pbbundle.TimestampVerificationData{
		Rfc3161Timestamps: []*pbcommon.RFC3161SignedTimestamp{{SignedTimestamp: t.SignedRFC3161Timestamp}},
	}, nil
}
