// SPDX-License-Identifier: Apache-2.0

// Package sigstoretest is a Sigstore in memory: a certificate authority, a certificate transparency log, a
// transparency log (Rekor v1 and v2) and a timestamp authority, which sign at the times that a test chooses.
//
// It makes genuine signatures and proofs, and ones with a single fault. It does not know how they are verified,
// and knows no registry.
package sigstoretest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"time"

	pbcommon "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	pbtrustroot "github.com/sigstore/protobuf-specs/gen/pb-go/trustroot/v1"
	"github.com/sigstore/sigstore-go/pkg/root"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// Sigstore is a complete instance. Its authorities are valid for a year before and after Epoch.
type Sigstore struct {
	// Epoch is the default signing time.
	Epoch      time.Time
	ca, tsa    authority
	log, ctlog *ecdsa.PrivateKey
	entries    int64
}

// authority is a chain of certificates, the issuing one first, and the key of the issuing one.
type authority struct {
	chain []*x509.Certificate
	key   *ecdsa.PrivateKey
}

const validity = 365 * 24 * time.Hour

// New returns a Sigstore in the shape of the public one: P-384 authorities with
// an intermediate certificate, on P-256 logs.
func New() *Sigstore { return newSigstore(elliptic.P384(), time.Time{}) }

// NewSmall returns a Sigstore like that of a company: P-256 throughout.
func NewSmall() *Sigstore { return newSigstore(elliptic.P256(), time.Time{}) }

// NewExpiring returns a Sigstore whose certificate authority has an intermediate certificate that ends at a
// time.
func NewExpiring(intermediateEnd time.Time) *Sigstore {
	return newSigstore(elliptic.P256(), intermediateEnd)
}

func newSigstore(curve elliptic.Curve, intermediateEnd time.Time) *Sigstore {
	s := &Sigstore{Epoch: time.Now().Add(-time.Hour).Truncate(time.Second)}
	s.ca = s.newAuthority(curve, x509.ExtKeyUsageCodeSigning, intermediateEnd)
	tsa := s.newAuthority(curve, x509.ExtKeyUsageTimeStamping, time.Time{})
	s.tsa = s.timestampAuthority(tsa)
	s.log, s.ctlog = newKey(elliptic.P256()), newKey(elliptic.P256())
	return s
}

func newKey(curve elliptic.Curve) *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	must(err)
	return key
}

// newAuthority returns an intermediate and a root certificate.
func (s *Sigstore) newAuthority(curve elliptic.Curve, usage x509.ExtKeyUsage, intermediateEnd time.Time) authority {
	rootKey, key := newKey(curve), newKey(curve)
	rootCertificate := s.certify(&x509.Certificate{
		Subject: pkix.Name{CommonName: "root", Organization: []string{"sigstoretest"}}, KeyUsage: x509.KeyUsageCertSign, IsCA: true, BasicConstraintsValid: true,
	}, nil, rootKey.Public(), rootKey)
	template := &x509.Certificate{
		Subject: pkix.Name{CommonName: "intermediate", Organization: []string{"sigstoretest"}}, KeyUsage: x509.KeyUsageCertSign, IsCA: true, BasicConstraintsValid: true,
		ExtKeyUsage: []x509.ExtKeyUsage{usage}, NotAfter: intermediateEnd,
	}
	return authority{chain: []*x509.Certificate{s.certify(template, rootCertificate, key.Public(), rootKey), rootCertificate}, key: key}
}

// timestampAuthority adds the certificate that signs timestamps.
func (s *Sigstore) timestampAuthority(ca authority) authority {
	key := newKey(elliptic.P256())
	usage, err := asn1.Marshal([]asn1.ObjectIdentifier{{1, 3, 6, 1, 5, 5, 7, 3, 8}})
	must(err)
	leaf := s.certify(&x509.Certificate{
		Subject: pkix.Name{CommonName: "timestamps"}, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtraExtensions: []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 37}, Critical: true, Value: usage}}, // RFC 3161: critical
	}, ca.chain[0], key.Public(), ca.key)
	return authority{chain: append([]*x509.Certificate{leaf}, ca.chain...), key: key}
}

// certify issues a certificate. Without a parent it is self-signed.
func (s *Sigstore) certify(template, parent *x509.Certificate, public crypto.PublicKey, key crypto.Signer) *x509.Certificate {
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	must(err)
	template.SerialNumber = serial
	if template.NotBefore.IsZero() {
		template.NotBefore = s.Epoch.Add(-validity)
	}
	if template.NotAfter.IsZero() {
		template.NotAfter = s.Epoch.Add(validity)
	}
	if parent == nil {
		parent = template
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, key)
	must(err)
	certificate, err := x509.ParseCertificate(der)
	must(err)
	return certificate
}

// Part is a part of a trusted root.
type Part int

// Parts that a trusted root may lack.
const (
	Authority Part = iota
	Log
	CTLog
	TimestampAuthority
)

// Root returns the trusted_root.json of the Sigstore, without the given parts.
func (s *Sigstore) Root(without ...Part) []byte {
	lacks := map[Part]bool{}
	for _, part := range without {
		lacks[part] = true
	}
	r := &pbtrustroot.TrustedRoot{MediaType: root.TrustedRootMediaType01}
	if !lacks[Authority] {
		r.CertificateAuthorities = []*pbtrustroot.CertificateAuthority{s.describe("https://fulcio.test", s.ca.chain)}
	}
	if !lacks[TimestampAuthority] {
		r.TimestampAuthorities = []*pbtrustroot.CertificateAuthority{s.describe("https://tsa.test", s.tsa.chain)}
	}
	if !lacks[Log] {
		r.Tlogs = []*pbtrustroot.TransparencyLogInstance{s.describeLog("https://"+origin, s.log)}
	}
	if !lacks[CTLog] {
		r.Ctlogs = []*pbtrustroot.TransparencyLogInstance{s.describeLog("https://ctlog.test", s.ctlog)}
	}
	raw, err := protojson.Marshal(r)
	must(err)
	return raw
}

func (s *Sigstore) validFor() *pbcommon.TimeRange {
	return &pbcommon.TimeRange{Start: timestamppb.New(s.Epoch.Add(-validity)), End: timestamppb.New(s.Epoch.Add(validity))}
}

func (s *Sigstore) describe(uri string, chain []*x509.Certificate) *pbtrustroot.CertificateAuthority {
	described := &pbtrustroot.CertificateAuthority{
		Uri: uri, Subject: &pbcommon.DistinguishedName{CommonName: "test", Organization: "sigstoretest"},
		CertChain: &pbcommon.X509CertificateChain{}, ValidFor: s.validFor(),
	}
	for _, certificate := range chain {
		described.CertChain.Certificates = append(described.CertChain.Certificates, &pbcommon.X509Certificate{RawBytes: certificate.Raw})
	}
	return described
}

func (s *Sigstore) describeLog(url string, key *ecdsa.PrivateKey) *pbtrustroot.TransparencyLogInstance {
	return &pbtrustroot.TransparencyLogInstance{
		BaseUrl: url, HashAlgorithm: pbcommon.HashAlgorithm_SHA2_256,
		PublicKey: &pbcommon.PublicKey{
			RawBytes: spki(key.Public()), KeyDetails: pbcommon.PublicKeyDetails_PKIX_ECDSA_P256_SHA_256, ValidFor: s.validFor(),
		},
		LogId: &pbcommon.LogId{KeyId: logID(key)},
	}
}

func spki(key crypto.PublicKey) []byte {
	der, err := x509.MarshalPKIXPublicKey(key)
	must(err)
	return der
}

func logID(key *ecdsa.PrivateKey) []byte {
	sum := sha256.Sum256(spki(key.Public()))
	return sum[:]
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}
