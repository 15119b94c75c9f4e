// SPDX-License-Identifier: Apache-2.0

package bundle_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"math/big"

	"github.com/digitorus/pkcs7"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	pbbundle "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"
	pbcommon "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"

	"github.com/verifiedchart/verifiedchart/internal/verify/bundle"
	. "github.com/verifiedchart/verifiedchart/internal/verify/sigstoretest"
)

// cheapRSA is an RSA key of many small primes, which is fast to make at any size.
type cheapRSA struct {
	public rsa.PublicKey
	secret *big.Int
}

func newCheapRSA(primes int, exponent int64) cheapRSA {
	GinkgoHelper()
	one, n, phi := big.NewInt(1), big.NewInt(1), big.NewInt(1)
	e := big.NewInt(exponent)
	for made := 0; made < primes; {
		p, err := rand.Prime(rand.Reader, 512)
		Expect(err).NotTo(HaveOccurred())
		less := new(big.Int).Sub(p, one)
		if new(big.Int).GCD(nil, nil, less, e).Cmp(one) == 0 {
			n.Mul(n, p)
			phi.Mul(phi, less)
			made++
		}
	}
	return cheapRSA{rsa.PublicKey{N: n, E: int(exponent)}, new(big.Int).ModInverse(e, phi)}
}

// costly is an RSA key of primes of 512 bits, and whether a bundle that holds the key is parsed.
type costly struct {
	primes   int
	exponent int64
	parsed   bool
}

// entry returns the body of a log entry with a genuine signature by the key.
func (k cheapRSA) entry() []byte {
	GinkgoHelper()
	digest := sha256.Sum256([]byte("anything"))
	padded := make([]byte, (k.public.N.BitLen()+7)/8)
	for i := range padded {
		padded[i] = 0xff
	}
	info := append([]byte{0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20}, digest[:]...)
	padded[0], padded[1], padded[len(padded)-len(info)-1] = 0, 1, 0
	copy(padded[len(padded)-len(info):], info)
	signature := new(big.Int).Exp(new(big.Int).SetBytes(padded), k.secret, k.public.N).FillBytes(make([]byte, len(padded)))
	der, err := x509.MarshalPKIXPublicKey(&k.public)
	Expect(err).NotTo(HaveOccurred())
	encoded := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	return fmt.Appendf(nil, `{"apiVersion":"0.0.1","kind":"hashedrekord","spec":{"data":{"hash":{"algorithm":"sha256","value":"%s"}},"signature":{"content":"%s","publicKey":{"content":"%s"}}}}`,
		hex.EncodeToString(digest[:]), base64.StdEncoding.EncodeToString(signature), base64.StdEncoding.EncodeToString(encoded))
}

var _ = DescribeTable("J12: A log entry with a key that is slow to verify with is refused before its signature is verified", Label("cosign", "keyless"),
	func(row costly) {
		body := newCheapRSA(row.primes, row.exponent).entry()
		raw := public.Bundle(artifact, keyless(func(h *How) {
			h.Alter = func(b *pbbundle.Bundle) { b.VerificationMaterial.TlogEntries[0].CanonicalizedBody = body }
		}))
		_, err := bundle.Parse(raw)
		if row.parsed {
			Expect(err).NotTo(HaveOccurred())
		} else {
			Expect(err).To(MatchError(bundle.ErrMalformed))
		}
	},
	Entry("but not RSA of 4096 bits", costly{primes: 8, exponent: 65537, parsed: true}),
	Entry("but not RSA of 8192 bits", costly{primes: 16, exponent: 65537, parsed: true}),
	Entry("RSA of more than 8192 bits", costly{primes: 17, exponent: 65537}),
	Entry("RSA with an exponent of 31 bits", costly{primes: 4, exponent: 1<<31 - 1}),
)

// stamp returns a response of a timestamp authority that embeds a certificate of the key.
func (k cheapRSA) stamp() []byte {
	GinkgoHelper()
	issuer := NewKey()
	template := &x509.Certificate{SerialNumber: big.NewInt(1)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &k.public, issuer)
	Expect(err).NotTo(HaveOccurred())
	certificate, err := x509.ParseCertificate(der)
	Expect(err).NotTo(HaveOccurred())
	signed, err := pkcs7.NewSignedData([]byte("anything"))
	Expect(err).NotTo(HaveOccurred())
	signed.AddCertificate(certificate)
	token, err := signed.Finish()
	Expect(err).NotTo(HaveOccurred())
	raw, err := asn1.Marshal(struct {
		Status struct{ Status int }
		Token  asn1.RawValue
	}{Token: asn1.RawValue{FullBytes: token}})
	Expect(err).NotTo(HaveOccurred())
	return raw
}

var _ = DescribeTable("J12: A timestamp with a certificate whose key is slow to verify with is refused before it is verified", Label("cosign", "keyless"),
	func(row costly) {
		stamp := newCheapRSA(row.primes, row.exponent).stamp()
		raw := public.Bundle(artifact, keyless(func(h *How) {
			h.Alter = func(b *pbbundle.Bundle) {
				b.VerificationMaterial.TimestampVerificationData.Rfc3161Timestamps = []*pbcommon.RFC3161SignedTimestamp{{SignedTimestamp: stamp}}
			}
		}))
		_, err := bundle.Parse(raw)
		if row.parsed {
			Expect(err).NotTo(HaveOccurred())
		} else {
			Expect(err).To(MatchError(bundle.ErrMalformed))
		}
	},
	Entry("but not RSA of 8192 bits", costly{primes: 16, exponent: 65537, parsed: true}),
	Entry("RSA of more than 8192 bits", costly{primes: 17, exponent: 65537}),
	Entry("RSA with an exponent of 31 bits", costly{primes: 4, exponent: 1<<31 - 1}),
)
