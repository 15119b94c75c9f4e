// SPDX-License-Identifier: Apache-2.0

package sigstoretest

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"net/url"
	"strings"
	"time"

	ct "github.com/google/certificate-transparency-go"
	"github.com/google/certificate-transparency-go/tls"
	ctx509 "github.com/google/certificate-transparency-go/x509"
	"github.com/google/certificate-transparency-go/x509util"
	"github.com/sigstore/sigstore-go/pkg/fulcio/certificate"
)

// lifetime is that of a signer's certificate.
const lifetime = 10 * time.Minute

// issue returns a certificate for the identity in how, with or without a promise of the log.
func (s *Sigstore) issue(how How, public crypto.PublicKey) *x509.Certificate {
	template := &x509.Certificate{
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning},
		NotBefore: s.at(how).Add(-time.Minute), NotAfter: s.at(how).Add(lifetime),
		ExtraExtensions: extensions(how),
	}
	if strings.Contains(how.Subject, "://") {
		uri, err := url.Parse(how.Subject)
		must(err)
		template.URIs = []*url.URL{uri}
	} else {
		template.EmailAddresses = []string{how.Subject}
	}
	leaf := s.certify(template, s.ca.chain[0], public, s.ca.key)
	if how.WithoutSCT {
		return leaf
	}
	logKey := s.ctlog
	if how.ForeignSCT {
		logKey = newKey(logKey.Curve)
	}
	template.ExtraExtensions = append(template.ExtraExtensions, s.promise(leaf, logKey))
	// Issue the same certificate again, now with the promise: a verifier removes the promise to check it.
	der, err := x509.CreateCertificate(rand.Reader, template, s.ca.chain[0], public, s.ca.key)
	must(err)
	logged, err := x509.ParseCertificate(der)
	must(err)
	return logged
}

// extensions returns the extensions that Fulcio writes for an identity.
func extensions(how How) []pkix.Extension {
	claims := how.Claims
	claims.Issuer = how.Issuer
	rendered, err := renderExtensions(claims)
	must(err)
	return rendered
}

// renderExtensions encodes the claims that tests use (Fulcio's OID registry, 1.3.6.1.4.1.57264.1).
func renderExtensions(c certificate.Extensions) ([]pkix.Extension, error) {
	var rendered []pkix.Extension
	for _, claim := range []struct {
		oid   asn1.ObjectIdentifier
		value string
	}{
		{certificate.OIDIssuerV2, c.Issuer},
		{certificate.OIDBuildSignerURI, c.BuildSignerURI},
		{certificate.OIDBuildSignerDigest, c.BuildSignerDigest},
		{certificate.OIDRunnerEnvironment, c.RunnerEnvironment},
		{certificate.OIDSourceRepositoryURI, c.SourceRepositoryURI},
		{certificate.OIDSourceRepositoryDigest, c.SourceRepositoryDigest},
		{certificate.OIDSourceRepositoryRef, c.SourceRepositoryRef},
		{certificate.OIDBuildConfigURI, c.BuildConfigURI},
		{certificate.OIDBuildTrigger, c.BuildTrigger},
	} {
		if claim.value == "" {
			continue
		}
		value, err := asn1.MarshalWithParams(claim.value, "utf8")
		if err != nil {
			return nil, err
		}
		rendered = append(rendered, pkix.Extension{Id: claim.oid, Value: value})
	}
	return rendered, nil
}

// promise returns the signed certificate timestamp of a log for a certificate (RFC 6962 §3.2).
func (s *Sigstore) promise(leaf *x509.Certificate, key *ecdsa.PrivateKey) pkix.Extension {
	sct := ct.SignedCertificateTimestamp{SCTVersion: ct.V1, Timestamp: uint64(leaf.NotBefore.UnixMilli())}
	copy(sct.LogID.KeyID[:], logID(key))
	issuer := s.ca.chain[0]
	signed, err := ct.SerializeSCTSignatureInput(sct, ct.LogEntry{Leaf: ct.MerkleTreeLeaf{
		Version: ct.V1, LeafType: ct.TimestampedEntryLeafType,
		TimestampedEntry: &ct.TimestampedEntry{
			Timestamp: sct.Timestamp, EntryType: ct.PrecertLogEntryType,
			PrecertEntry: &ct.PreCert{IssuerKeyHash: sha256.Sum256(issuer.RawSubjectPublicKeyInfo), TBSCertificate: leaf.RawTBSCertificate},
		},
	}})
	must(err)
	sum := sha256.Sum256(signed)
	signature, err := ecdsa.SignASN1(rand.Reader, key, sum[:])
	must(err)
	sct.Signature = ct.DigitallySigned{
		Algorithm: tls.SignatureAndHashAlgorithm{Hash: tls.SHA256, Signature: tls.ECDSA}, Signature: signature,
	}
	list, err := x509util.MarshalSCTsIntoSCTList([]*ct.SignedCertificateTimestamp{&sct})
	must(err)
	var encoded bytes.Buffer
	raw, err := tls.Marshal(*list)
	must(err)
	encoded.Write(raw)
	value, err := asn1.Marshal(encoded.Bytes())
	must(err)
	return pkix.Extension{Id: asn1.ObjectIdentifier(ctx509.OIDExtensionCTSCT), Value: value}
}
