// SPDX-License-Identifier: Apache-2.0

package bundle_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"encoding/pem"
	"strings"
	"testing"
	"unicode/utf16"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/verifiedchart/verifiedchart/internal/verify/bundle"
	. "github.com/verifiedchart/verifiedchart/internal/verify/verifytest"
)

func encoded(kind string, der []byte, err error) []byte {
	Expect(err).NotTo(HaveOccurred())
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

var _ = DescribeTable("K5: A public key is read", Label("cosign"), func(change func([]byte) []byte) {
	raw := publicKey()
	good, err := bundle.ParseKey("cosign.pub", raw)
	Expect(err).NotTo(HaveOccurred())
	key, err := bundle.ParseKey("cosign.pub", change(raw))
	Expect(err).NotTo(HaveOccurred())
	Expect(key.ID).To(Equal(good.ID))
},
	Entry("after a byte order mark", func(raw []byte) []byte { return append([]byte("\ufeff"), raw...) }),
	Entry("after blank lines", func(raw []byte) []byte { return append([]byte("\n \t\n"), raw...) }),
	Entry("indented by blanks", func(raw []byte) []byte { return indent(raw, "    ") }),
	Entry("indented by tabs", func(raw []byte) []byte { return indent(raw, "\t") }),
	Entry("with Windows line ends", func(raw []byte) []byte { return bytes.ReplaceAll(raw, []byte("\n"), []byte("\r\n")) }),
	Entry("with a byte order mark, indentation and Windows line ends", func(raw []byte) []byte {
		return append([]byte("\ufeff"), bytes.ReplaceAll(indent(raw, "  "), []byte("\n"), []byte("\r\n"))...)
	}),
)

var _ = DescribeTable("K5: A public key in another encoding is refused, and the encoding is named", Label("cosign"), func(change func([]byte) []byte, name string) {
	_, err := bundle.ParseKey("cosign.pub", change(publicKey()))
	Expect(err).To(MatchError(bundle.ErrKey))
	Expect(err.Error()).To(ContainSubstring(name))
},
	Entry("UTF-16, little endian", func(raw []byte) []byte { return utf16Of(raw, binary.LittleEndian, true) }, "UTF-16"),
	Entry("UTF-16, big endian", func(raw []byte) []byte { return utf16Of(raw, binary.BigEndian, true) }, "UTF-16"),
	Entry("UTF-16 without a byte order mark", func(raw []byte) []byte { return utf16Of(raw, binary.LittleEndian, false) }, "UTF-16"),
	Entry("DER", func(raw []byte) []byte { block, _ := pem.Decode(raw); return block.Bytes }, "DER"),
	Entry("base64 twice", func(raw []byte) []byte { return []byte(base64.StdEncoding.EncodeToString(raw)) }, "base64 twice"),
)

// publicKey returns a PEM encoded public key.
func publicKey() []byte {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	Expect(err).NotTo(HaveOccurred())
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	Expect(err).NotTo(HaveOccurred())
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
}

// indent puts blanks before each line.
func indent(raw []byte, blanks string) []byte {
	return []byte(blanks + strings.ReplaceAll(strings.TrimSpace(string(raw)), "\n", "\n"+blanks) + "\n")
}

// utf16Of returns the text in UTF-16.
func utf16Of(raw []byte, order binary.AppendByteOrder, mark bool) (out []byte) {
	text := string(raw)
	if mark {
		text = "\ufeff" + text
	}
	for _, unit := range utf16.Encode([]rune(text)) {
		out = order.AppendUint16(out, unit)
	}
	return out
}

var _ = Describe("ParseKey", Label("cosign"), func() {
	DescribeTable("takes one public key",
		func(raw func() []byte) {
			key, err := bundle.ParseKey("cosign.pub", raw())
			Expect(err).NotTo(HaveOccurred())
			Expect(key.Name).To(Equal("cosign.pub"))
			Expect(key.ID).To(MatchRegexp("^SHA256:[0-9a-f]{64}$"))
		},
		Entry("as cosign writes it", func() []byte { return P256().Public }),
		Entry("with blank lines around it", func() []byte { return append([]byte("\n\n"), append(P256().Public, "\n\n"...)...) }),
		Entry("RSA in PKCS#1", func() []byte {
			key, err := rsa.GenerateKey(rand.Reader, 2048)
			return encoded("RSA PUBLIC KEY", x509.MarshalPKCS1PublicKey(&key.PublicKey), err)
		}),
	)

	DescribeTable("D9: refuses everything else, without quoting it",
		func(raw func() []byte) {
			in := raw()
			_, err := bundle.ParseKey("cosign.pub", in)
			Expect(err).To(MatchError(bundle.ErrKey))
			for _, line := range bytes.Split(in, []byte("\n")) {
				if len(line) > 30 {
					Expect(err.Error()).NotTo(ContainSubstring(string(line)))
				}
			}
		},
		Entry("nothing", func() []byte { return nil }),
		Entry("blank lines", func() []byte { return []byte("\n \n") }),
		Entry("a text that is not PEM", func() []byte { return []byte("cosign.pub") }),
		Entry("DER", func() []byte { block, _ := pem.Decode(P256().Public); return block.Bytes }),
		Entry("a private key", func() []byte {
			key, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
			der, err := x509.MarshalPKCS8PrivateKey(key)
			return encoded("PRIVATE KEY", der, err)
		}),
		Entry("cosign's encrypted private key", func() []byte { return encoded("ENCRYPTED SIGSTORE PRIVATE KEY", []byte("secret"), nil) }),
		Entry("two keys", func() []byte { return append(P256().Public, P256().Public...) }),
		Entry("a key and a private key", func() []byte {
			return append(P256().Public, encoded("EC PRIVATE KEY", []byte("secret"), nil)...)
		}),
		Entry("a certificate", func() []byte { return encoded("CERTIFICATE", []byte("x"), nil) }),
		Entry("a block that holds no key", func() []byte { return encoded("PUBLIC KEY", []byte("x"), nil) }),
		Entry("RSA of 1024 bits", func() []byte { return weakRSA(1024) }),
		Entry("ECDSA on P-224", func() []byte {
			key, _ := ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
			der, err := x509.MarshalPKIXPublicKey(key.Public())
			return encoded("PUBLIC KEY", der, err)
		}),
		Entry("a megabyte", func() []byte { return append(P256().Public, bytes.Repeat([]byte(" "), 1<<20)...) }),
	)

	It("gives the same key the same ID however it is encoded", func() {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		pkcs1 := encoded("RSA PUBLIC KEY", x509.MarshalPKCS1PublicKey(&key.PublicKey), err)
		der, err := x509.MarshalPKIXPublicKey(key.Public())
		a, errA := bundle.ParseKey("a.pub", pkcs1)
		b, errB := bundle.ParseKey("b.pub", encoded("PUBLIC KEY", der, err))
		Expect(errA).NotTo(HaveOccurred())
		Expect(errB).NotTo(HaveOccurred())
		Expect(a.ID).To(Equal(b.ID))
	})

	DescribeTable("can be restricted to one hash",
		func(signer func() Signer, hash crypto.Hash, expected error) {
			key, err := bundle.ParseKey("a.pub", signer().Public)
			Expect(err).NotTo(HaveOccurred())
			_, err = key.WithHash(hash)
			if expected == nil {
				Expect(err).NotTo(HaveOccurred())
				return
			}
			Expect(err).To(MatchError(expected))
		},
		Entry("SHA-512 with P-256", P256, crypto.SHA512, nil),
		Entry("SHA-384 with RSA", func() Signer { return RSA(2048, crypto.SHA256) }, crypto.SHA384, nil),
		Entry("SHA-512 with Ed25519, its only hash", Ed25519, crypto.SHA512, nil),
		Entry("SHA-256 with Ed25519, which only uses SHA-512", Ed25519, crypto.SHA256, bundle.ErrKey),
	)
})

// weakRSA encodes a key that crypto/rsa would not generate.
func weakRSA(bits int) []byte {
	p, err := rand.Prime(rand.Reader, bits/2)
	Expect(err).NotTo(HaveOccurred())
	q, err := rand.Prime(rand.Reader, bits/2)
	Expect(err).NotTo(HaveOccurred())
	der, err := x509.MarshalPKIXPublicKey(&rsa.PublicKey{N: p.Mul(p, q), E: 65537})
	return encoded("PUBLIC KEY", der, err)
}

func FuzzParseKey(f *testing.F) {
	f.Add(P256().Public)
	f.Add(Ed25519().Public)
	f.Add(RSA(2048, crypto.SHA256).Public)
	f.Add([]byte("-----BEGIN PUBLIC KEY-----\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		key, err := bundle.ParseKey("fuzz.pub", raw)
		if (err == nil) != (key.ID != "") {
			t.Fatalf("key %q with error %v", key.ID, err)
		}
	})
}
