// SPDX-License-Identifier: Apache-2.0

package openpgp_test

import (
	"bytes"
	"context"
	"crypto"
	"fmt"
	"strings"
	"sync"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
	v2 "github.com/ProtonMail/go-crypto/openpgp/v2"

	"github.com/verifiedchart/verifiedchart/internal/verify/openpgp"
	. "github.com/verifiedchart/verifiedchart/internal/verify/openpgp/openpgptest"
)

func parsed(entries map[string][]byte) *openpgp.Keyring {
	GinkgoHelper()
	k, err := openpgp.Parse(context.Background(), entries)
	Expect(err).NotTo(HaveOccurred())
	return k
}

func entry(content ...[]byte) map[string][]byte {
	return map[string][]byte{"keys": bytes.Join(content, nil)}
}

var _ = Describe("A keyring", Label("provenance"), func() {
	DescribeTable("holds the keys of an entry in every form",
		func(content func(a, b *v2.Entity) []byte) {
			a, b := NewKey(), NewKey(V6())
			AddSubkey(a)
			k := parsed(entry(content(a, b)))
			Expect(k.Len()).To(Equal(2))
			Expect(k.Skipped()).To(BeEmpty())
			accepted(k, Sign(a, text, With(a.Subkeys[0].PrivateKey)), byNow)
			accepted(k, Sign(b, text), byNow)
		},
		Entry("binary", func(a, b *v2.Entity) []byte { return Public(a, b) }),
		Entry("binary, with GnuPG's trust packets", func(a, b *v2.Entity) []byte {
			trust := Packet(12, []byte{0, 0})
			return bytes.Join([][]byte{Public(a), trust, Public(b), trust}, nil)
		}),
		Entry("ASCII-armored in one block", func(a, b *v2.Entity) []byte { return Armored(Public(a, b)) }),
		Entry("ASCII-armored in two blocks", func(a, b *v2.Entity) []byte {
			return append(Armored(Public(a)), Armored(Public(b))...)
		}),
		Entry("ASCII-armored with text around the blocks", func(a, b *v2.Entity) []byte {
			return fmt.Appendf(nil, "The keys of Ada:\n\n%s\nand of version 6:\n%s\n-- \n", Armored(Public(a)), Armored(Public(b)))
		}),
		Entry("ASCII-armored with CRLF line ends and a byte order mark", func(a, b *v2.Entity) []byte {
			content := append(Armored(Public(a)), Armored(Public(b))...)
			return append([]byte("\xef\xbb\xbf"), bytes.ReplaceAll(content, []byte("\n"), []byte("\r\n"))...)
		}),
		Entry("ASCII-armored without a newline between the blocks", func(a, b *v2.Entity) []byte {
			return append(bytes.TrimSpace(Armored(Public(a))), bytes.TrimSpace(Armored(Public(b)))...)
		}),
		Entry("a GnuPG keybox", func(a, b *v2.Entity) []byte { return Keybox(a, b) }),
		Entry("a GnuPG keybox with a deleted key", func(a, b *v2.Entity) []byte {
			deleted := KeyboxBlob(Public(NewKey()))
			deleted[4] = 0
			return append(Keybox(a, b), deleted...)
		}),
	)

	It("holds the keys of several entries, each once", func() {
		a, b := NewKey(), NewKey()
		k := parsed(map[string][]byte{"a": Public(a), "b": Armored(Public(b)), "both": Keybox(a, b)})
		Expect(k.Len()).To(Equal(2))
		Expect(k.Skipped()).To(BeEmpty())
	})

	DescribeTable("merges all statements about a key, wherever they are",
		func(change func(newer *v2.Entity)) {
			older := withSubkey()
			message := bySubkey(older).message
			accepted(parsed(entry(Public(older))), message, byNow)
			before := Public(older)
			change(older)
			refused(parsed(map[string][]byte{"1": before, "2": Public(older)}), message, byNow)
			refused(parsed(map[string][]byte{"1": Public(older), "2": before}), message, byNow)
			refused(parsed(entry(Armored(before), Armored(Public(older)))), message, byNow)
		},
		Entry("that it is revoked", func(k *v2.Entity) { Revoke(k, now.Add(-day), packet.KeyRetired) }),
		Entry("that its subkey is revoked", func(k *v2.Entity) { RevokeSubkey(k, now.Add(-day), packet.KeyRetired) }),
		Entry("that its subkey has a shorter life", func(k *v2.Entity) {
			Rebind(k, SubkeyCreatedAt(Created.Add(day)), SubkeyExpiringAfter(2*day))
		}),
	)

	DescribeTable("skips and lists unusable keys and entries, and keeps the good key",
		func(content func() []byte, parts ...string) {
			good := NewKey()
			k := parsed(map[string][]byte{"good": Public(good), "odd": content()})
			Expect(k.Len()).To(Equal(1))
			accepted(k, Sign(good, text), byNow)
			Expect(k.Skipped()).NotTo(BeEmpty())
			for _, s := range k.Skipped() {
				Expect(s.Entry).To(Equal("odd"))
				Expect(s.Reason).NotTo(BeEmpty())
				Expect(len(s.Reason)).To(BeNumerically("<=", 300))
			}
			for _, part := range parts {
				Expect(k.Skipped()).To(ContainElement(HaveField("Reason", ContainSubstring(part))))
			}
			none, err := openpgp.Parse(context.Background(), entry(content()))
			Expect(err).To(MatchError(openpgp.ErrKeyring))
			Expect(err).NotTo(MatchError(openpgp.ErrUnreadable))
			Expect(err).NotTo(MatchError(openpgp.ErrUntrusted))
			Expect(none.Len()).To(BeZero())
		},
		Entry("F10: an RSA-1024 key", func() []byte { return Public(NewKey(Using(RSA1024))) }, "1024"),
		Entry("F10: an RSA key of less than 2048 bits", func() []byte { return Public(NewKey(Using(RSA2040))) }, "2040"),
		Entry("F10: an RSA key with too many bits", func() []byte {
			modulus := append([]byte{0x20, 0x01}, Garbage("modulus", 1025)...) // 8193 bits
			modulus[2] = 1
			return Packet(6, append(append([]byte{4, 0, 0, 0, 0, 1}, modulus...), 0, 2, 3))
		}, "8193"),
		Entry("F10: a DSA key", func() []byte {
			return Public(NewKey(Using(DSA), SelfSigned(hashing(crypto.SHA256))))
		}, "DSA"),
		Entry("F10: an ECDSA key on secp256k1", func() []byte { return Public(NewKey(Using(Secp256k1))) }, "SecP256k1"),
		Entry("F10: an ECDSA key on a Brainpool curve", func() []byte { return Public(NewKey(Using(BrainpoolP256))) }),
		Entry("F10: an Ed448 key", func() []byte { return Public(NewKey(Using(Ed448))) }),
		Entry("F10: a weak primary key with a strong subkey", func() []byte {
			key := NewKey(Using(RSA1024))
			AddSubkey(key)
			return Public(key)
		}),
		Entry("F9: a key whose self-signature hashes with SHA-1", func() []byte {
			return Public(NewKey(SelfSigned(hashing(crypto.SHA1))))
		}, "SHA-1"),
		Entry("a key of an unknown algorithm", func() []byte { return Packet(6, []byte{4, 0, 0, 0, 0, 99, 0, 0}) }),
		Entry("a key of an unknown version", func() []byte { return Packet(6, []byte{3, 0, 0, 0, 0, 0, 0, 1, 0}) }),
		Entry("a key without a signature", func() []byte {
			key := NewKey()
			key.Identities = nil
			return Public(key)
		}),
		Entry("a key that only another key signed", func() []byte {
			key := NewKey()
			key.Identities = NewKey().Identities
			return Public(key)
		}),
		Entry("a key of version 6 without a direct-key signature", func() []byte {
			key := NewKey(V6())
			key.DirectSignatures = nil
			return Public(key)
		}),
		Entry("a key whose user id was changed", func() []byte {
			return bytes.Replace(Public(NewKey()), []byte("Ada"), []byte("Eve"), 1)
		}),
		Entry("a subkey without its primary key", func() []byte {
			var b bytes.Buffer
			Expect(withSubkey().Subkeys[0].Serialize(&b, false)).To(Succeed())
			return b.Bytes()
		}, "belong to no key"),
		Entry("an empty entry", func() []byte { return nil }, "empty"),
		Entry("white space", func() []byte { return []byte(" \n") }, "empty"),
		Entry("text", func() []byte { return []byte("the key is on the server") }, "no OpenPGP keyring"),
		Entry("an ASCII-armored message", func() []byte { return ArmoredSignature(Signature(NewKey(), text)) }, "no keys"),
		Entry("a private key", func() []byte { return Private(NewKey()) }, "replace the key pair"),
		Entry("an ASCII-armored private key", func() []byte { return ArmoredPrivate(Private(NewKey())) }, "replace the key pair"),
		Entry("a private key in a public key block", func() []byte { return Armored(Private(NewKey())) }, "replace the key pair"),
		Entry("a private key in a keybox", func() []byte { return append(Keybox(), KeyboxBlob(Private(NewKey()))...) },
			"replace the key pair"),
		Entry("a private key in a keybox, after a public one", func() []byte {
			return append(Keybox(NewKey()), KeyboxBlob(Private(NewKey()))...)
		}, "replace the key pair"),
		Entry("a private subkey after a public key", func() []byte {
			key := withSubkey()
			var b bytes.Buffer
			Expect(key.Subkeys[0].Serialize(&b, true)).To(Succeed())
			return append(Public(NewKey()), b.Bytes()...)
		}, "replace the key pair"),
		Entry("a private key after a public one", func() []byte { return append(Public(NewKey()), Private(NewKey())...) },
			"replace the key pair"),
	)

	DescribeTable("keeps the good keys before and after a bad one in the same entry",
		func(bad func() []byte) {
			a, b := NewKey(), NewKey()
			k := parsed(entry(Public(a), bad(), Public(b)))
			Expect(k.Len()).To(Equal(2))
			Expect(k.Skipped()).To(HaveLen(1))
			accepted(k, Sign(a, text), byNow)
			accepted(k, Sign(b, text), byNow)
		},
		Entry("a weak key", func() []byte { return Public(NewKey(Using(RSA1024))) }),
		Entry("a key of an unknown algorithm", func() []byte {
			return append(Packet(6, []byte{4, 0, 0, 0, 0, 99, 0, 0}), Packet(13, []byte("Ada"))...)
		}),
		Entry("a garbage key", func() []byte { return Packet(6, Garbage("key", 100)) }),
		Entry("a key without a signature", func() []byte {
			key := NewKey()
			key.Identities = nil
			return Public(key)
		}),
	)

	It("lists an entry with a private key once, and uses the public key from another entry", func() {
		key := NewKey()
		k := parsed(map[string][]byte{"1-private": append(Private(key), Public(NewKey())...), "2-public": Public(key)})
		accepted(k, Sign(key, text), byNow)
		Expect(k.Skipped()).To(ConsistOf(And(HaveField("Entry", "1-private"), HaveField("Reason", ContainSubstring("replace the key pair")))))
	})

	It("skips a user attribute and its signatures", func() {
		key := NewKey()
		var certification bytes.Buffer
		Expect(key.Identities[ada].SelfCertifications[0].Packet.Serialize(&certification)).To(Succeed())
		k := parsed(entry(Public(key), Packet(17, []byte{5, 1, 1, 2, 3, 4}), certification.Bytes()))
		Expect(accepted(k, Sign(key, text), byNow).UserID).To(Equal(ada))
	})

	DescribeTable("F3: is an error if it holds nothing",
		func(entries map[string][]byte) {
			_, err := openpgp.Parse(context.Background(), entries)
			Expect(err).To(MatchError(openpgp.ErrKeyring))
		},
		Entry("no entries", nil),
		Entry("an empty entry", map[string][]byte{"keys": nil}),
		Entry("an empty keybox", map[string][]byte{"keys": Keybox()}),
	)

	It("lists a hundred skipped keys, bounded and safe to display", func() {
		entries := map[string][]byte{"good": Public(NewKey())}
		for i := range 150 {
			entries[fmt.Sprintf("odd-%03d\x1b[31m%s", i, strings.Repeat("x", 400))] = []byte("no key")
		}
		skipped := parsed(entries).Skipped()
		Expect(skipped).To(HaveLen(100))
		Expect(skipped[0].Entry).To(HavePrefix("odd-000 [31m"))
		Expect(len(skipped[0].Entry)).To(BeNumerically("<=", 253))
		Expect(skipped[99].Reason).To(ContainSubstring("51"))
	})

	It("can be used concurrently", func() {
		key := withSubkey()
		k := ring(NewKey(), key)
		message := bySubkey(key).message
		var group sync.WaitGroup
		for range 8 {
			group.Go(func() {
				defer GinkgoRecover()
				for range 20 {
					accepted(k, message, byNow)
				}
			})
		}
		group.Wait()
	})

	It("does not change if its input changes", func() {
		key := NewKey()
		content := Public(key)
		k := parsed(entry(content))
		clear(content)
		k.Skipped()
		accepted(k, Sign(key, text), byNow)
	})
})

var _ = Describe("A keyring of only some keys", Label("provenance"), func() {
	var (
		a, b *v2.Entity
		k    *openpgp.Keyring
	)
	BeforeEach(func() {
		a, b = NewKey(), NewKey(V6())
		AddSubkey(a)
		k = parsed(map[string][]byte{"keys": Public(a, b), "odd": nil})
	})

	DescribeTable("holds the keys with the fingerprints, in every spelling",
		func(write func(fingerprint string) string) {
			only, err := k.Only([]string{write(fingerprintOf(a.PrimaryKey))})
			Expect(err).NotTo(HaveOccurred())
			Expect(only.Len()).To(Equal(1))
			Expect(only.Skipped()).To(Equal(k.Skipped()))
			accepted(only, Sign(a, text), byNow)
			accepted(only, Sign(a, text, With(a.Subkeys[0].PrivateKey)), byNow)
			refused(only, Sign(b, text), byNow)
			Expect(k.Len()).To(Equal(2))
		},
		Entry("in capitals", func(f string) string { return f }),
		Entry("in small letters", strings.ToLower),
		Entry("in groups, like GnuPG", func(f string) string {
			var groups []string
			for i := 0; i < 40; i += 4 {
				groups = append(groups, f[i:i+4])
			}
			return strings.Join(groups[:5], " ") + "  " + strings.Join(groups[5:], " ")
		}),
	)

	It("holds keys of version 6", func() {
		only, err := k.Only([]string{fingerprintOf(b.PrimaryKey)})
		Expect(err).NotTo(HaveOccurred())
		accepted(only, Sign(b, text), byNow)
	})

	It("holds the keys that exist, if others do not", func() {
		only, err := k.Only([]string{fingerprintOf(a.PrimaryKey), fingerprintOf(NewKey().PrimaryKey), fingerprintOf(b.PrimaryKey)})
		Expect(err).NotTo(HaveOccurred())
		Expect(only.Len()).To(Equal(2))
	})

	DescribeTable("is an error",
		func(fingerprints func() []string) {
			_, err := k.Only(fingerprints())
			Expect(err).To(MatchError(openpgp.ErrKeyring))
		},
		Entry("of no fingerprint", func() []string { return nil }),
		Entry("of a key that it does not hold", func() []string { return []string{fingerprintOf(NewKey().PrimaryKey)} }),
		Entry("of a subkey", func() []string { return []string{fingerprintOf(a.Subkeys[0].PublicKey)} }),
		Entry("of a key id", func() []string { return []string{a.PrimaryKey.KeyIdString()} }),
		Entry("of a key id and a good fingerprint", func() []string {
			return []string{fingerprintOf(a.PrimaryKey), a.PrimaryKey.KeyIdString()}
		}),
		Entry("of a text that is not hexadecimal", func() []string { return []string{strings.Repeat("G", 40)} }),
		Entry("of an empty text", func() []string { return []string{""} }),
	)
})
