// SPDX-License-Identifier: Apache-2.0

package openpgp_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"time"
	"unicode/utf16"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
	v2 "github.com/ProtonMail/go-crypto/openpgp/v2"

	"github.com/verifiedchart/verifiedchart/internal/verify/openpgp"
	. "github.com/verifiedchart/verifiedchart/internal/verify/openpgp/openpgptest"
)

var ctx = context.Background()

// maxKeys is the maximum number of keys with one self-signature each in a keyring.
const maxKeys = 500

// unreadable expects that the entries are refused as a whole, and returns the Keyring.
func unreadable(entries map[string][]byte) (*openpgp.Keyring, error) {
	GinkgoHelper()
	k, err := openpgp.Parse(context.Background(), entries)
	Expect(err).To(MatchError(openpgp.ErrUnreadable))
	Expect(err).To(MatchError(openpgp.ErrKeyring))
	Expect(err).NotTo(MatchError(openpgp.ErrUntrusted))
	Expect(len(err.Error())).To(BeNumerically("<=", 700))
	Expect(k.Len()).To(BeZero())
	return k, err
}

// restless returns a key with that many different self-signatures.
func restless(n int, options ...KeyOption) *v2.Entity {
	key := NewKey(options...)
	for i := range n - 1 {
		Certify(key, ada, Created.Add(time.Duration(i+1)*time.Second), nil)
	}
	return key
}

// manyNamed returns a key with that many user ids.
func manyNamed(n int) *v2.Entity {
	key := NewKey()
	for i := range n - 1 {
		Certify(key, fmt.Sprint(i), Created, nil)
	}
	return key
}

func utf16Of(text []byte, order binary.AppendByteOrder, mark bool) (encoded []byte) {
	units := utf16.Encode([]rune(string(text)))
	if mark {
		units = append([]uint16{0xfeff}, units...)
	}
	for _, u := range units {
		encoded = order.AppendUint16(encoded, u)
	}
	return encoded
}

var _ = Describe("A keyring that cannot be read to its end", Label("provenance"), func() {
	DescribeTable("J11: is refused as a whole, since the rest of it may revoke any key",
		func(content func() []byte, reason string) {
			good := NewKey()
			k, err := unreadable(map[string][]byte{"good": Public(good), "odd": content()})
			Expect(err).To(MatchError(ContainSubstring(reason)))
			refused(k, Sign(good, text), byNow)
			k, err = unreadable(map[string][]byte{"z-good": Public(good), "odd": content()})
			Expect(err).To(MatchError(ContainSubstring(reason)))
			refused(k, Sign(good, text), byNow)
			unreadable(entry(content()))
		},
		Entry("a key that is cut short", func() []byte { return cutShort(Public(NewKey())) }, `odd: packet 3 is broken`),
		Entry("a packet that is cut short after a key", func() []byte { return append(Public(NewKey()), 0xc2, 0xff) }, "packet 4 is broken"),
		Entry("a byte after a key that does not start a packet", func() []byte { return append(Public(NewKey()), 0) }, "packet 4 is broken"),
		Entry("a packet without a length, which would hide the packets after it", func() []byte {
			return append(Public(NewKey()), append([]byte{0x80 | 60>>2<<2 | 3}, Public(NewKey())...)...)
		}, "packet 4 is broken"),
		Entry("a key without a length", func() []byte { return endless(6, Packet(6, Garbage("x", 40))) }, "packet 1 is broken"),
		Entry("packets without end", func() []byte { return bytes.Repeat(Packet(60, nil), 20_001) }, "more than 20000 packets"),
		Entry("endless packets in many blocks", func() []byte {
			return bytes.Repeat(Armored(bytes.Repeat(Packet(60, nil), 2001)), 10)
		}, "more than 20000 packets"),
		Entry("a compressed packet", func() []byte { return append(Public(NewKey()), Packet(8, []byte{1, 0x4b, 4, 0})...) }, "compressed"),
		Entry("an encrypted packet", func() []byte { return append(Public(NewKey()), Packet(18, []byte{1, 2, 3})...) }, "encrypted"),
		Entry("garbage", func() []byte { return append([]byte{0xff}, Garbage("keyring", 1000)...) }, "broken"),
		Entry("an ASCII-armored block that is not Base64", func() []byte {
			return []byte("-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n!!!!\n-----END PGP PUBLIC KEY BLOCK-----\n")
		}, "broken"),
		Entry("an ASCII-armored block that has no end", func() []byte {
			return bytes.Split(Armored(Public(NewKey())), []byte("\n="))[0]
		}, "broken"),
		Entry("an ASCII-armored block that is cut short", func() []byte { return Armored(Public(NewKey()))[:120] }, "broken"),
		Entry("an empty ASCII-armored block", func() []byte {
			return []byte("-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n-----END PGP PUBLIC KEY BLOCK-----\n")
		}, "broken"),
		Entry("an ASCII-armored block whose last line names a different type", func() []byte {
			return bytes.Replace(Armored(Public(NewKey())), []byte("END PGP PUBLIC KEY BLOCK"), []byte("END PGP SIGNATURE"), 1)
		}, "broken"),
		Entry("an ASCII-armored block with more Base64 after the checksum", func() []byte {
			return bytes.Replace(Armored(Public(NewKey())), []byte("\n-----END"), []byte("\niA==\n-----END"), 1)
		}, "broken"),
		Entry("an ASCII-armored block with quoted lines", func() []byte {
			return bytes.ReplaceAll(Armored(Public(NewKey())), []byte("\n"), []byte("\n> "))
		}, "broken"),
		Entry("an ASCII-armored block with a missing dash", func() []byte {
			return append(Armored(Public(NewKey())), Armored(Public(NewKey()))[1:]...)
		}, "altered"),
		Entry("an ASCII-armored block with longer dashes", func() []byte {
			return bytes.ReplaceAll(Armored(Public(NewKey())), []byte("-----"), []byte("–––"))
		}, "altered"),
		Entry("an ASCII-armored block in small letters", func() []byte {
			return []byte("-----begin pgp public key block-----\n\niA==\n-----end pgp public key block-----\n")
		}, "altered"),
		Entry("an ASCII-armored block in UTF-16, little-endian as PowerShell writes it", func() []byte {
			return utf16Of(Armored(Public(NewKey())), binary.LittleEndian, true)
		}, "broken"),
		Entry("an ASCII-armored block in UTF-16, big-endian", func() []byte {
			return utf16Of(Armored(Public(NewKey())), binary.BigEndian, true)
		}, "broken"),
		Entry("an ASCII-armored block in UTF-16 without a mark", func() []byte {
			return utf16Of(Armored(Public(NewKey())), binary.LittleEndian, false)
		}, "binary data"),
		Entry("an ASCII-armored block that was also encoded in Base64", func() []byte {
			return base64.StdEncoding.AppendEncode(nil, Armored(Public(NewKey())))
		}, "decode it first"),
		Entry("a binary key in Base64", func() []byte {
			return base64.StdEncoding.AppendEncode(nil, Public(NewKey()))
		}, "decode it first"),
		Entry("binary packets after an ASCII-armored block", func() []byte {
			return append(Armored(Public(NewKey())), Public(NewKey())...)
		}, "binary data"),
		Entry("an ASCII-armored block after binary packets", func() []byte {
			return append(Public(NewKey()), Armored(Public(NewKey()))...)
		}, "packet 4 is broken"),
		Entry("a keybox that is cut short", func() []byte { return cutShort(Keybox(NewKey())) }, "broken"),
		Entry("a keybox with binary packets after it", func() []byte { return append(Keybox(NewKey()), Public(NewKey())...) }, "broken"),
		Entry("a keybox with a blob of no length", func() []byte { return append(Keybox(), 0, 0, 0, 0, 2) }, "broken"),
		Entry("a keybox with a key outside its blob", func() []byte {
			blob := KeyboxBlob(Public(NewKey()))
			binary.BigEndian.PutUint32(blob[12:], 1<<31)
			return append(Keybox(), blob...)
		}, "broken"),
		Entry("a keybox with a blob too short for a key", func() []byte { return append(Keybox(), 0, 0, 0, 6, 2, 1) }, "broken"),
		Entry("an ASCII-armored private key that cannot be read", func() []byte {
			return []byte("-----BEGIN PGP PRIVATE KEY BLOCK-----")
		}, "broken"),
		Entry("a private key that is cut short", func() []byte { return cutShort(Private(NewKey())) }, "broken"),
	)

	It("reports a private key even if it is cut short", func() {
		k, _ := unreadable(entry(Private(NewKey())[:40]))
		Expect(k.Skipped()).To(ContainElement(HaveField("Reason", ContainSubstring("replace the key pair"))))
	})

	DescribeTable("J12: is refused only if it exceeds the bound",
		func(content func(n int) []byte, most int, reason string) {
			Expect(parsed(entry(content(most))).Len()).NotTo(BeZero())
			_, err := unreadable(entry(content(most + 1)))
			Expect(err).To(MatchError(ContainSubstring(reason)))
		},
		Entry("in self-signatures of one key", func(n int) []byte { return Public(restless(n)) }, 500, "more than 500 self-signatures"),
		Entry("in user ids", func(n int) []byte { return Public(manyNamed(n)) }, 500, "more than 500 self-signatures"),
		Entry("in user ids without signatures", func(n int) []byte {
			content := Public(NewKey())
			for i := range n - 1 {
				content = append(content, Packet(13, fmt.Append(nil, i))...)
			}
			return content
		}, 2000, "more than 2000 user ids and subkeys"),
		Entry("in bindings and their cross-signatures", func(n int) []byte {
			key := withSubkey()
			for i := range n - 1 {
				Rebind(key, SubkeyCreatedAt(Created.Add(time.Duration(i+1)*time.Second)))
			}
			return Public(key)
		}, 249, "more than 500 self-signatures"),
		Entry("in self-signatures and forged revocations", func(n int) []byte {
			key := restless(n - 200)
			forger := forging(key)
			for i := range 200 {
				Revoke(forger, Created.Add(time.Duration(i)*time.Second), packet.KeyRetired)
			}
			key.Revocations = forger.Revocations
			return Public(key)
		}, 500, "more than 500 self-signatures"),
		Entry("in keys", func(n int) []byte { return Public(crowd(n)...) }, maxKeys, "more than 500"),
		Entry("in bytes", func(n int) []byte {
			key := Armored(Public(NewKey()))
			return append(key, bytes.Repeat([]byte(" "), n-len(key))...)
		}, openpgp.MaxKeyring, "4194304 bytes"),
	)

	It("J12: is refused if its entries together hold too many packets", func() {
		fill := bytes.Repeat(Packet(60, nil), 7000)
		_, err := unreadable(map[string][]byte{"1": fill, "2": Public(NewKey()), "3": fill, "4": fill})
		Expect(err).To(MatchError(ContainSubstring("more than 20000 packets")))
	})

	It("J12: is refused quickly if it holds forged signatures by long keys", func() {
		content := hostile(80, 240)
		_, err := openpgp.Parse(context.Background(), entry(content))
		Expect(err).To(MatchError(openpgp.ErrKeyring))
	})
})

var _ = Describe("A large keyring", Label("provenance"), func() {
	It("holds five hundred keys", func() {
		keys := crowd(maxKeys)
		k := ring(keys...)
		Expect(k.Len()).To(Equal(500))
		for _, key := range []*v2.Entity{keys[0], keys[250], keys[499]} {
			Expect(accepted(k, Sign(key, text), byNow).Primary).To(Equal(fingerprintOf(key.PrimaryKey)))
		}
		refused(k, Sign(NewKey(), text), byNow)
	})

	DescribeTable("is read, because only self-signatures are counted",
		func(content func(key *v2.Entity) map[string][]byte) {
			key := NewKey()
			accepted(parsed(content(key)), Sign(key, text), byNow)
		},
		Entry("with a thousand certifications by other keys", func(key *v2.Entity) map[string][]byte {
			return entry(append(Public(key), bytes.Repeat(certification(key, NewKey()), 1000)...))
		}),
		Entry("with a thousand certifications by other keys, all different", func(key *v2.Entity) map[string][]byte {
			content, other := Public(key), NewKey()
			for range 1000 {
				content = append(content, certification(key, other)...)
			}
			return entry(content)
		}),
		Entry("with a thousand copies of one self-signature", func(key *v2.Entity) map[string][]byte {
			return entry(append(Public(key), bytes.Repeat(serialized(key.Identities[ada].SelfCertifications[0].Packet), 1000)...))
		}),
		Entry("with the same keys in three forms", func(key *v2.Entity) map[string][]byte {
			keys := append(crowd(300), key)
			return map[string][]byte{"a": Public(keys...), "b": Armored(Public(keys...)), "c": Keybox(keys...)}
		}),
		Entry("with hundreds of bindings of a subkey that cannot sign", func(key *v2.Entity) map[string][]byte {
			AddSubkey(key, SubkeyUsing(DSA), WithoutCrossSignature())
			for i := range 600 {
				Rebind(key, SubkeyCreatedAt(Created.Add(time.Duration(i+1)*time.Second)), WithoutCrossSignature())
			}
			return entry(Public(key))
		}),
	)
})

func cutShort(content []byte) []byte { return content[:len(content)-1] }

// endless returns the packet with an old header that has no length.
func endless(tag byte, p []byte) []byte { return append([]byte{0x80 | tag<<2 | 3}, body(p)...) }

// body returns the content of the only packet in p.
func body(p []byte) []byte {
	GinkgoHelper()
	read, err := packet.NewOpaqueReader(bytes.NewReader(p)).Next()
	Expect(err).NotTo(HaveOccurred())
	return read.Contents
}

func serialized(s *packet.Signature) []byte {
	GinkgoHelper()
	var b bytes.Buffer
	Expect(s.Serialize(&b)).To(Succeed())
	return b.Bytes()
}

// certification returns a signature over the user id of the key by another key.
func certification(key, by *v2.Entity) []byte {
	GinkgoHelper()
	certified := Reread(key)
	Expect(certified.SignIdentity(ada, by, nil)).To(Succeed())
	return serialized(certified.Identities[ada].OtherCertifications[0].Packet)
}
