// SPDX-License-Identifier: Apache-2.0

package sigstoretest

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"time"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"
	pbbundle "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"
	pbcommon "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	pbdsse "github.com/sigstore/protobuf-specs/gen/pb-go/dsse"
	pbtiles "github.com/sigstore/rekor-tiles/v2/pkg/generated/protobuf"
	"github.com/sigstore/sigstore-go/pkg/fulcio/certificate"
	"github.com/sigstore/sigstore/pkg/signature"
	"google.golang.org/protobuf/encoding/protojson"
)

// LogKind is a kind of transparency log.
type LogKind int

// Kinds of transparency logs.
const (
	NoLog LogKind = iota
	RekorV1
	RekorV2
)

// CosignSign is the predicate type of cosign's signature of an image.
const CosignSign = "https://sigstore.dev/cosign/sign/v1"

// How describes how to sign. The zero value signs keyless, with no identity and no proof.
type How struct {
	// Key signs; if nil, the key of a new certificate signs.
	Key crypto.Signer
	// Hash is the hash of the signature; by default SHA-256.
	Hash crypto.Hash
	// Issuer, Subject (an email address, or a URI) and Claims of the certificate.
	Issuer, Subject string
	Claims          certificate.Extensions
	// Time of the signature and its proofs; by default the Sigstore's Epoch.
	Time time.Time
	// Statement signs an in-toto statement about the artifact with this predicate type, instead of the artifact
	// itself.
	Statement string
	// StatementType is the `_type` of the statement; by default that of version 1.
	StatementType string
	// Subjects is the number of additional subjects in the statement.
	Subjects int
	// Version of the bundle; by default 0.3.
	Version string
	// Log is the log of the signature; Stamped adds a timestamp.
	Log     LogKind
	Stamped bool
	// StampedAt is the time of the timestamp if it differs from Time.
	StampedAt time.Time
	// StampedBy is the Sigstore whose timestamp authority adds the timestamp; by default the one that signs.
	StampedBy *Sigstore
	// EmbedTSA puts the certificate of the timestamp authority into the timestamp.
	EmbedTSA bool
	// WithoutPromise omits the signed entry timestamp. WithoutSCT omits the signed certificate timestamp, and
	// ForeignSCT takes it from a log that is not trusted.
	WithoutPromise, WithoutSCT, ForeignSCT bool
	// LogAs is the kind of the Rekor v1 entry of a statement: "dsse" by default, "intoto" or "hashedrekord".
	LogAs string
	// PlainCheckpoint omits the name of the tree from a Rekor v1 checkpoint.
	PlainCheckpoint bool
	// Alter changes the finished bundle.
	Alter func(*pbbundle.Bundle)
}

func (h How) hash() crypto.Hash {
	if h.Hash == 0 {
		return crypto.SHA256
	}
	return h.Hash
}

func (s *Sigstore) at(how How) time.Time {
	if how.Time.IsZero() {
		return s.Epoch
	}
	return how.Time
}

// Bundle signs an artifact and returns the bundle in JSON.
func (s *Sigstore) Bundle(artifact []byte, how How) []byte {
	b := s.bundle(artifact, how)
	if how.Alter != nil {
		how.Alter(b)
	}
	raw, err := protojson.Marshal(b)
	must(err)
	return raw
}

func (s *Sigstore) bundle(artifact []byte, how How) *pbbundle.Bundle {
	what := signed{how: how, message: artifact}
	if how.Statement != "" {
		what.payload = statement(artifact, how)
		what.message = dsse.PAE(statementMediaType, what.payload)
	}
	b := &pbbundle.Bundle{MediaType: mediaType(how.Version), VerificationMaterial: s.sign(&what)}
	if what.payload != nil {
		b.Content = &pbbundle.Bundle_DsseEnvelope{DsseEnvelope: &pbdsse.Envelope{
			Payload: what.payload, PayloadType: statementMediaType, Signatures: []*pbdsse.Signature{{Sig: what.signature}},
		}}
	} else {
		h := how.hash().New()
		h.Write(artifact)
		b.Content = &pbbundle.Bundle_MessageSignature{MessageSignature: &pbcommon.MessageSignature{
			MessageDigest: &pbcommon.HashOutput{Algorithm: protoHash(how.hash()), Digest: h.Sum(nil)}, Signature: what.signature,
		}}
	}
	return b
}

const statementMediaType = "application/vnd.in-toto+json"

func mediaType(version string) string {
	switch version {
	case "0.1", "0.2":
		return "application/vnd.dev.sigstore.bundle+json;version=" + version
	case "":
		version = "0.3"
	}
	return "application/vnd.dev.sigstore.bundle.v" + version + "+json"
}

func statement(artifact []byte, how How) []byte {
	kind := how.StatementType
	if kind == "" {
		kind = "https://in-toto.io/Statement/v1"
	}
	sum := sha256.Sum256(artifact)
	subjects := []any{map[string]any{"digest": map[string]any{"sha256": hex.EncodeToString(sum[:])}}}
	for i := range how.Subjects {
		other := sha256.Sum256([]byte{byte(i), byte(i >> 8)})
		subjects = append(subjects, map[string]any{"digest": map[string]any{"sha256": hex.EncodeToString(other[:])}})
	}
	raw, err := json.Marshal(map[string]any{"_type": kind, "subject": subjects, "predicateType": how.Statement, "predicate": map[string]any{}})
	must(err)
	return raw
}

// sign makes the signature, and returns its verification material.
func (s *Sigstore) sign(what *signed) *pbbundle.VerificationMaterial {
	m := &pbbundle.VerificationMaterial{}
	signer := what.how.Key
	if signer == nil {
		signer = newKey(s.log.Curve)
		leaf := s.issue(what.how, signer.Public())
		what.verifier = pemOf("CERTIFICATE", leaf.Raw)
		what.v2 = s.verifierV2(signer.Public(), leaf)
		setCertificate(m, leaf, what.how.Version)
	} else {
		sum := sha256.Sum256(spki(signer.Public()))
		what.verifier = pemOf("PUBLIC KEY", spki(signer.Public()))
		what.v2 = s.verifierV2(signer.Public(), nil)
		m.Content = &pbbundle.VerificationMaterial_PublicKey{PublicKey: &pbcommon.PublicKeyIdentifier{Hint: base64.StdEncoding.EncodeToString(sum[:])}}
	}
	what.signature = rawSignature(signer, what.how.hash(), what.message)
	if what.how.Log != NoLog {
		m.TlogEntries = append(m.TlogEntries, s.enter(*what))
	}
	if what.how.Stamped {
		stamper, at := s, what.how.StampedAt
		if at.IsZero() {
			at = s.at(what.how)
		}
		if what.how.StampedBy != nil {
			stamper = what.how.StampedBy
		}
		m.TimestampVerificationData = &pbbundle.TimestampVerificationData{
			Rfc3161Timestamps: []*pbcommon.RFC3161SignedTimestamp{{SignedTimestamp: stamper.stamp(what.how, at, what.signature)}},
		}
	}
	return m
}

// setCertificate stores the certificate in the field that the bundle version defines.
func setCertificate(m *pbbundle.VerificationMaterial, leaf *x509.Certificate, version string) {
	raw := &pbcommon.X509Certificate{RawBytes: leaf.Raw}
	if version == "0.1" || version == "0.2" {
		m.Content = &pbbundle.VerificationMaterial_X509CertificateChain{
			X509CertificateChain: &pbcommon.X509CertificateChain{Certificates: []*pbcommon.X509Certificate{raw}},
		}
		return
	}
	m.Content = &pbbundle.VerificationMaterial_Certificate{Certificate: raw}
}

func (s *Sigstore) verifierV2(public crypto.PublicKey, leaf *x509.Certificate) *pbtiles.Verifier {
	v := &pbtiles.Verifier{}
	if details, err := signature.GetDefaultAlgorithmDetails(public); err == nil {
		v.KeyDetails = details.GetSignatureAlgorithm()
	}
	if leaf != nil {
		v.Verifier = &pbtiles.Verifier_X509Certificate{X509Certificate: &pbcommon.X509Certificate{RawBytes: leaf.Raw}}
	} else {
		v.Verifier = &pbtiles.Verifier_PublicKey{PublicKey: &pbtiles.PublicKey{RawBytes: spki(public)}}
	}
	return v
}

func rawSignature(key crypto.Signer, hash crypto.Hash, message []byte) []byte {
	signer, err := signature.LoadSigner(key, hash)
	must(err)
	raw, err := signer.SignMessage(bytes.NewReader(message))
	must(err)
	return raw
}

// Legacy signs a payload in the format that cosign used before bundles, and returns the annotations of its
// layer.
func (s *Sigstore) Legacy(payload []byte, how How) map[string]string {
	what := signed{how: how, message: payload}
	m := s.sign(&what)
	annotations := map[string]string{"dev.cosignproject.cosign/signature": base64.StdEncoding.EncodeToString(what.signature)}
	if how.Key == nil {
		annotations["dev.sigstore.cosign/certificate"] = string(what.verifier)
		annotations["dev.sigstore.cosign/chain"] = string(pemOf("CERTIFICATE", s.ca.chain[0].Raw)) + string(pemOf("CERTIFICATE", s.ca.chain[1].Raw))
	}
	for _, entry := range m.TlogEntries {
		raw, err := json.Marshal(map[string]any{
			"SignedEntryTimestamp": entry.InclusionPromise.GetSignedEntryTimestamp(),
			"Payload": map[string]any{
				"body": entry.CanonicalizedBody, "integratedTime": entry.IntegratedTime,
				"logIndex": entry.LogIndex, "logID": hex.EncodeToString(entry.LogId.KeyId),
			},
		})
		must(err)
		annotations["dev.sigstore.cosign/bundle"] = string(raw)
	}
	for _, stamp := range m.TimestampVerificationData.GetRfc3161Timestamps() {
		raw, err := json.Marshal(map[string]any{"SignedRFC3161Timestamp": stamp.SignedTimestamp})
		must(err)
		annotations["dev.sigstore.cosign/rfc3161timestamp"] = string(raw)
	}
	return annotations
}

// PublicKey returns the PEM encoded public key of a key.
func PublicKey(key crypto.Signer) []byte { return pemOf("PUBLIC KEY", spki(key.Public())) }

// NewKey returns a new P-256 key, as cosign makes them.
func NewKey() *ecdsa.PrivateKey { return newKey(elliptic.P256()) }
