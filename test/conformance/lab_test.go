// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"encoding/json"
	"math/big"
	"time"

	"github.com/digitorus/timestamp"
	. "github.com/onsi/gomega"
	pbcommon "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	pbrekor "github.com/sigstore/protobuf-specs/gen/pb-go/rekor/v1"
	pbtrustroot "github.com/sigstore/protobuf-specs/gen/pb-go/trustroot/v1"
	"github.com/sigstore/rekor/pkg/util"
	"github.com/sigstore/sigstore/pkg/signature"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// lab is a transparency log (Rekor v1) and a timestamp authority. The test holds their keys, so that they state
// what no honest ones would: any time, for anything.
type lab struct {
	log    *ecdsa.PrivateKey
	tsa    *x509.Certificate
	ca     *x509.Certificate
	tsaKey *ecdsa.PrivateKey
}

// newLab returns a lab with timestamp certificates that are valid for a period.
func newLab(from, until time.Time) *lab {
	caKey, l := newKey(), &lab{log: newKey(), tsaKey: newKey()}
	usage, err := asn1.Marshal([]asn1.ObjectIdentifier{{1, 3, 6, 1, 5, 5, 7, 3, 8}})
	Expect(err).NotTo(HaveOccurred())
	l.ca = certify(&x509.Certificate{
		Subject: pkix.Name{CommonName: "lab root"}, NotBefore: from, NotAfter: until,
		KeyUsage: x509.KeyUsageCertSign, IsCA: true, BasicConstraintsValid: true,
	}, nil, caKey, caKey)
	l.tsa = certify(&x509.Certificate{
		Subject: pkix.Name{CommonName: "lab timestamps"}, NotBefore: from, NotAfter: until, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtraExtensions: []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 37}, Critical: true, Value: usage}},
	}, l.ca, l.tsaKey, caKey)
	return l
}

// usualLab returns a lab with certificates that are valid for a year around the epoch of our Sigstore.
func usualLab() *lab { return newLab(ours.Epoch.AddDate(-1, 0, 0), ours.Epoch.AddDate(1, 0, 0)) }

func newKey() *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	Expect(err).NotTo(HaveOccurred())
	return key
}

// certify issues a certificate for subject's key; one with no parent is self-signed.
func certify(template, parent *x509.Certificate, subject crypto.Signer, issuer crypto.Signer) *x509.Certificate {
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	Expect(err).NotTo(HaveOccurred())
	template.SerialNumber = serial
	if parent == nil {
		parent = template
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, subject.Public(), issuer)
	Expect(err).NotTo(HaveOccurred())
	certificate, err := x509.ParseCertificate(der)
	Expect(err).NotTo(HaveOccurred())
	return certificate
}

func spki(key *ecdsa.PrivateKey) []byte {
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	Expect(err).NotTo(HaveOccurred())
	return der
}

func logID(key *ecdsa.PrivateKey) *pbcommon.LogId {
	sum := sha256.Sum256(spki(key))
	return &pbcommon.LogId{KeyId: sum[:]}
}

func period(from, until time.Time) *pbcommon.TimeRange {
	return &pbcommon.TimeRange{Start: timestamppb.New(from), End: timestamppb.New(until)}
}

// always is a period around everything that tests do.
func always() *pbcommon.TimeRange {
	return period(ours.Epoch.AddDate(-2, 0, 0), ours.Epoch.AddDate(2, 0, 0))
}

func describeLog(key *ecdsa.PrivateKey) *pbtrustroot.TransparencyLogInstance {
	return &pbtrustroot.TransparencyLogInstance{
		BaseUrl: "https://rekor.lab", HashAlgorithm: pbcommon.HashAlgorithm_SHA2_256, LogId: logID(key),
		PublicKey: &pbcommon.PublicKey{RawBytes: spki(key), KeyDetails: pbcommon.PublicKeyDetails_PKIX_ECDSA_P256_SHA_256, ValidFor: always()},
	}
}

func describeAuthority(uri string, chain ...*x509.Certificate) *pbtrustroot.CertificateAuthority {
	described := &pbtrustroot.CertificateAuthority{Uri: uri, CertChain: &pbcommon.X509CertificateChain{}, ValidFor: always()}
	for _, c := range chain {
		described.CertChain.Certificates = append(described.CertChain.Certificates, &pbcommon.X509Certificate{RawBytes: c.Raw})
	}
	return described
}

// trustedBy adds the lab to the trusted root.
func (l *lab) trustedBy(root *pbtrustroot.TrustedRoot) {
	root.Tlogs = append(root.Tlogs, describeLog(l.log))
	root.TimestampAuthorities = append(root.TimestampAuthorities, describeAuthority("https://tsa.lab", l.tsa, l.ca))
}

// stamp returns a timestamp of a signature.
func (l *lab) stamp(signature []byte, at time.Time) []byte {
	sum := sha256.Sum256(signature)
	response, err := (&timestamp.Timestamp{
		HashAlgorithm: crypto.SHA256, HashedMessage: sum[:], Time: at, Policy: []int{1, 3, 6, 1, 4, 1, 57264, 2},
	}).CreateResponseWithOpts(l.tsa, l.tsaKey, crypto.SHA256)
	Expect(err).NotTo(HaveOccurred())
	return response
}

// enter replaces the log entry by one of the lab's log with the same or another body, at any time. The entry is
// the first of two in the log.
func (l *lab) enter(g *given, body []byte, kind, version string, at time.Time) {
	entry := &pbrekor.TransparencyLogEntry{
		LogIndex: 7, LogId: logID(l.log), KindVersion: &pbrekor.KindVersion{Kind: kind, Version: version},
		IntegratedTime: at.Unix(), CanonicalizedBody: body,
	}
	promised, err := json.Marshal(map[string]any{
		"body": body, "integratedTime": entry.IntegratedTime, "logID": hex.EncodeToString(entry.LogId.KeyId), "logIndex": entry.LogIndex,
	})
	Expect(err).NotTo(HaveOccurred())
	sum := sha256.Sum256(promised)
	promise, err := ecdsa.SignASN1(rand.Reader, l.log, sum[:])
	Expect(err).NotTo(HaveOccurred())
	entry.InclusionPromise = &pbrekor.InclusionPromise{SignedEntryTimestamp: promise}

	leaf := sha256.Sum256(append([]byte{0}, body...)) // RFC 6962 §2.1
	other := sha256.Sum256([]byte("\x00another entry"))
	head := sha256.Sum256(append(append([]byte{1}, leaf[:]...), other[:]...))
	signer, err := signature.LoadECDSASigner(l.log, crypto.SHA256)
	Expect(err).NotTo(HaveOccurred())
	checkpoint, err := util.CreateAndSignCheckpoint(context.Background(), "rekor.lab", 1193050959916656506, 2, head[:], signer)
	Expect(err).NotTo(HaveOccurred())
	entry.InclusionProof = &pbrekor.InclusionProof{
		LogIndex: 0, TreeSize: 2, RootHash: head[:], Hashes: [][]byte{other[:]}, Checkpoint: &pbrekor.Checkpoint{Envelope: string(checkpoint)},
	}
	g.material().TlogEntries = []*pbrekor.TransparencyLogEntry{entry}
}

// enterAgain logs an entry a second time.
func (l *lab) enterAgain(g *given, at time.Time) {
	was := g.entry()
	l.enter(g, was.CanonicalizedBody, was.KindVersion.Kind, was.KindVersion.Version, at)
}

func hexOf(raw []byte) string { return hex.EncodeToString(raw) }
