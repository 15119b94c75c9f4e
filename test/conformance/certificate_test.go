// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/json"
	"encoding/pem"
	"net/url"

	ct "github.com/google/certificate-transparency-go"
	"github.com/google/certificate-transparency-go/tls"
	ctx509 "github.com/google/certificate-transparency-go/x509"
	"github.com/google/certificate-transparency-go/x509util"
	. "github.com/onsi/gomega"
	pbbundle "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"
	pbcommon "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	pbtrustroot "github.com/sigstore/protobuf-specs/gen/pb-go/trustroot/v1"
	"github.com/sigstore/sigstore-go/pkg/fulcio/certificate"
	"github.com/sigstore/sigstore-go/pkg/root"
)

// loggedWith returns the input for a signature with a certificate from a single-certificate authority; its CT
// log wrote extensions into its promise.
func loggedWith(extensions []byte) *given {
	l, authorityKey, ctlog, signer := usualLab(), newKey(), newKey(), newKey()
	authority := certify(&x509.Certificate{
		Subject: pkix.Name{CommonName: "lab authority"}, NotBefore: ours.Epoch.AddDate(-1, 0, 0), NotAfter: ours.Epoch.AddDate(1, 0, 0),
		KeyUsage: x509.KeyUsageCertSign, IsCA: true, BasicConstraintsValid: true,
	}, nil, authorityKey, authorityKey)
	leaf := issue(authority, authorityKey, ctlog, signer, extensions)

	g := &given{artifact: []byte("artifact"), identity: identity, issuer: issuer, root: &pbtrustroot.TrustedRoot{
		MediaType:              root.TrustedRootMediaType01,
		CertificateAuthorities: []*pbtrustroot.CertificateAuthority{describeAuthority("https://fulcio.lab", authority)},
		Ctlogs:                 []*pbtrustroot.TransparencyLogInstance{describeLog(ctlog)},
	}}
	l.trustedBy(g.root)
	sum := sha256.Sum256(g.artifact)
	signature, err := signer.Sign(rand.Reader, sum[:], crypto.SHA256)
	Expect(err).NotTo(HaveOccurred())
	g.bundle = &pbbundle.Bundle{
		MediaType: "application/vnd.dev.sigstore.bundle.v0.3+json",
		VerificationMaterial: &pbbundle.VerificationMaterial{Content: &pbbundle.VerificationMaterial_Certificate{
			Certificate: &pbcommon.X509Certificate{RawBytes: leaf.Raw},
		}},
		Content: &pbbundle.Bundle_MessageSignature{MessageSignature: &pbcommon.MessageSignature{
			MessageDigest: &pbcommon.HashOutput{Algorithm: pbcommon.HashAlgorithm_SHA2_256, Digest: sum[:]}, Signature: signature,
		}},
	}
	entry, err := json.Marshal(map[string]any{"apiVersion": "0.0.1", "kind": "hashedrekord", "spec": map[string]any{
		"data": map[string]any{"hash": map[string]any{"algorithm": "sha256", "value": hexOf(sum[:])}},
		"signature": map[string]any{"content": signature, "publicKey": map[string]any{
			"content": pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: leaf.Raw}),
		}},
	}})
	Expect(err).NotTo(HaveOccurred())
	l.enter(g, entry, "hashedrekord", "0.0.1", ours.Epoch)
	return g
}

// issue returns the certificate of a signer with the promise of a CT log (RFC 6962 §3.2) in it.
func issue(authority *x509.Certificate, authorityKey, ctlog, signer *ecdsa.PrivateKey, extensions []byte) *x509.Certificate {
	uri, err := url.Parse(identity)
	Expect(err).NotTo(HaveOccurred())
	claim, err := asn1.MarshalWithParams(issuer, "utf8")
	Expect(err).NotTo(HaveOccurred())
	template := &x509.Certificate{
		NotBefore: ours.Epoch.Add(-minute), NotAfter: ours.Epoch.Add(minute), URIs: []*url.URL{uri},
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning},
		ExtraExtensions: []pkix.Extension{{Id: certificate.OIDIssuerV2, Value: claim}},
	}
	unlogged := certify(template, authority, signer, authorityKey)
	template.ExtraExtensions = append(template.ExtraExtensions, promise(unlogged, authority, ctlog, extensions))
	der, err := x509.CreateCertificate(rand.Reader, template, authority, signer.Public(), authorityKey)
	Expect(err).NotTo(HaveOccurred())
	leaf, err := x509.ParseCertificate(der)
	Expect(err).NotTo(HaveOccurred())
	return leaf
}

func promise(leaf, authority *x509.Certificate, ctlog *ecdsa.PrivateKey, extensions []byte) pkix.Extension {
	sct := ct.SignedCertificateTimestamp{SCTVersion: ct.V1, Timestamp: uint64(leaf.NotBefore.UnixMilli()), Extensions: extensions}
	copy(sct.LogID.KeyID[:], logID(ctlog).KeyId)
	signed, err := ct.SerializeSCTSignatureInput(sct, ct.LogEntry{Leaf: ct.MerkleTreeLeaf{
		Version: ct.V1, LeafType: ct.TimestampedEntryLeafType,
		TimestampedEntry: &ct.TimestampedEntry{
			Timestamp: sct.Timestamp, EntryType: ct.PrecertLogEntryType, Extensions: extensions,
			PrecertEntry: &ct.PreCert{IssuerKeyHash: sha256.Sum256(authority.RawSubjectPublicKeyInfo), TBSCertificate: leaf.RawTBSCertificate},
		},
	}})
	Expect(err).NotTo(HaveOccurred())
	sum := sha256.Sum256(signed)
	signature, err := ecdsa.SignASN1(rand.Reader, ctlog, sum[:])
	Expect(err).NotTo(HaveOccurred())
	sct.Signature = ct.DigitallySigned{Algorithm: tls.SignatureAndHashAlgorithm{Hash: tls.SHA256, Signature: tls.ECDSA}, Signature: signature}
	list, err := x509util.MarshalSCTsIntoSCTList([]*ct.SignedCertificateTimestamp{&sct})
	Expect(err).NotTo(HaveOccurred())
	raw, err := tls.Marshal(*list)
	Expect(err).NotTo(HaveOccurred())
	value, err := asn1.Marshal(raw)
	Expect(err).NotTo(HaveOccurred())
	return pkix.Extension{Id: asn1.ObjectIdentifier(ctx509.OIDExtensionCTSCT), Value: value}
}
