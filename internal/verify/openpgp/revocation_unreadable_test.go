// SPDX-License-Identifier: Apache-2.0

package openpgp_test

import (
	"bytes"
	"fmt"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	v2 "github.com/ProtonMail/go-crypto/openpgp/v2"

	. "github.com/verifiedchart/verifiedchart/internal/verify/openpgp/openpgptest"
)

var _ = Describe("A revocation in a keyring that cannot be read to its end", Label("provenance", "revocation"), func() {
	DescribeTable("J11: is reported, and the key does not count, if it is in the part that was read or in another entry:",
		func(entries func(key *v2.Entity, r []byte) map[string][]byte) {
			key := withSubkey()
			k, _ := unreadable(entries(key, revoking(key)))
			refused(k, Sign(key, text), byNow)
			Expect(k.Revoked()).To(Equal([]string{fingerprintOf(key.PrimaryKey)}))
			k, _ = unreadable(entries(key, revokingSubkey(key)))
			Expect(k.Revoked()).To(Equal([]string{fingerprintOf(key.Subkeys[0].PublicKey)}))
			k, _ = unreadable(entries(key, revoking(forging(key))))
			Expect(k.Revoked()).To(BeEmpty())
		},
		Entry("before a broken packet", func(key *v2.Entity, r []byte) map[string][]byte { return entry(Public(key), r, []byte{0xc2, 0xff}) }),
		Entry("before a byte that starts no packet", func(key *v2.Entity, r []byte) map[string][]byte { return entry(Public(key), r, []byte{0}) }),
		Entry("in another entry, first", func(key *v2.Entity, r []byte) map[string][]byte {
			return map[string][]byte{"1": r, "2": append(Public(key), 0)}
		}),
		Entry("in another entry, last", func(key *v2.Entity, r []byte) map[string][]byte {
			return map[string][]byte{"1": append(Public(key), 0), "2": Armored(r)}
		}),
		Entry("in another entry than endless packets", func(key *v2.Entity, r []byte) map[string][]byte {
			return map[string][]byte{"1": bytes.Repeat(Packet(60, nil), 21_000), "2": append(Public(key), r...)}
		}),
		Entry("in another entry than the key and endless packets", func(key *v2.Entity, r []byte) map[string][]byte {
			return map[string][]byte{"1": append(Public(key), bytes.Repeat(Packet(60, nil), 21_000)...), "2": r}
		}),
		Entry("after more self-signatures than are verified", func(key *v2.Entity, r []byte) map[string][]byte {
			return entry(Public(restless(501)), Public(key), r)
		}),
		Entry("after more user ids than are kept", func(key *v2.Entity, r []byte) map[string][]byte {
			content := Public(key)
			for i := range 2100 {
				content = append(content, Packet(13, fmt.Append(nil, i))...)
			}
			return entry(content, r)
		}),
		Entry("after more keys than a keyring holds", func(key *v2.Entity, r []byte) map[string][]byte {
			return entry(Public(crowd(maxKeys)...), Public(key), r)
		}),
		Entry("in an ASCII-armored block that is cut short", func(key *v2.Entity, r []byte) map[string][]byte {
			armored := Armored(append(append(Public(key), r...), Public(NewKey())...))
			return entry(armored[:len(armored)-100])
		}),
		Entry("in an ASCII-armored block before a broken one", func(key *v2.Entity, r []byte) map[string][]byte {
			return entry(Armored(Public(key)), Armored(r), Armored(r)[:60])
		}),
		Entry("in an ASCII-armored block after a broken one", func(key *v2.Entity, r []byte) map[string][]byte {
			return entry(Armored(Public(key))[:80], []byte("\n"), Armored(r), Armored(Public(key)))
		}),
		Entry("in binary after an ASCII-armored block: cat key.asc rev.gpg", func(key *v2.Entity, r []byte) map[string][]byte {
			return entry(Armored(Public(key)), r)
		}),
		Entry("in ASCII armor after a binary key: cat key.gpg rev.asc", func(key *v2.Entity, r []byte) map[string][]byte {
			return entry(Public(key), Armored(r))
		}),
		Entry("before the broken end of a keybox", func(key *v2.Entity, r []byte) map[string][]byte {
			return entry(Keybox(key), KeyboxBlob(r), []byte{0, 0, 0, 9})
		}),
	)

	DescribeTable("J11: is not reported, but the key does not count either, if it is",
		func(entries func(key *v2.Entity, r []byte) map[string][]byte) {
			key := NewKey()
			k, _ := unreadable(entries(key, revoking(key)))
			refused(k, Sign(key, text), byNow)
			Expect(k.Revoked()).To(BeEmpty())
		},
		Entry("behind endless packets", func(key *v2.Entity, r []byte) map[string][]byte {
			return entry(Public(key), bytes.Repeat(Packet(60, nil), 20_000), r)
		}),
		Entry("behind a broken packet", func(key *v2.Entity, r []byte) map[string][]byte { return entry(Public(key), []byte{0}, r) }),
		Entry("in a packet without a length", func(key *v2.Entity, r []byte) map[string][]byte {
			return entry(Public(key), append([]byte{0x80 | 60>>2<<2 | 3}, r...))
		}),
		Entry("in a compressed packet", func(key *v2.Entity, r []byte) map[string][]byte {
			return entry(Public(key), Packet(8, append([]byte{0}, r...)))
		}),
		Entry("after the checksum of an ASCII-armored block", func(key *v2.Entity, r []byte) map[string][]byte {
			encoded := bytes.Split(Armored(r), []byte("\n\n"))[1]
			return entry(bytes.Split(Armored(Public(key)), []byte("-----END"))[0], encoded)
		}),
	)

	DescribeTable("J11: refuses the keyring if it cannot be parsed, but names a key of the keyring",
		func(entries func(key *v2.Entity) []byte) {
			key := NewKey()
			for _, content := range []map[string][]byte{
				entry(Public(key), entries(key)), entry(entries(key), Public(key)), {"1": Public(key), "2": Armored(entries(key))},
			} {
				k, err := unreadable(content)
				Expect(err).To(MatchError(ContainSubstring("a revocation cannot be read")))
				refused(k, Sign(key, text), byNow)
			}
			accepted(parsed(entry(Public(key), entries(NewKey()))), Sign(key, text), byNow)
		},
		Entry("because its hash is MD5", func(key *v2.Entity) []byte { return altered(revoking(key), 3, 1) }),
		Entry("because its hash is RIPEMD-160", func(key *v2.Entity) []byte { return altered(revoking(key), 3, 3) }),
		Entry("because its algorithm is unknown", func(key *v2.Entity) []byte { return altered(revoking(key), 2, 99) }),
		Entry("because its version is 3", func(key *v2.Entity) []byte {
			id := key.PrimaryKey.KeyId
			return Packet(2, append([]byte{3, 5, 0x20, 0, 0, 0, 0}, append(key.PrimaryKey.Fingerprint[12:20:20], byte(key.PrimaryKey.PubKeyAlgo), 8, byte(id), 0, 0, 8, 1)...))
		}),
		Entry("because it is cut short inside its packet", func(key *v2.Entity) []byte {
			content := body(revoking(key))
			return Packet(2, content[:len(content)-10])
		}),
		Entry("because it holds an unknown critical part", func(key *v2.Entity) []byte {
			return altered(revoking(nameless(key)), 7, 0x80|99)
		}),
	)

	It("J11: refuses the keyring if it cannot be parsed, and names no key", func() {
		unreadable(entry(Public(NewKey()), Packet(2, []byte{4, 0x20, 99, 8, 0, 0, 0, 0, 1, 2})))
	})
})

// altered returns the packet with one byte of its content changed.
func altered(p []byte, at int, b byte) []byte {
	GinkgoHelper()
	content := body(p)
	content[at] = b
	return Packet(2, content)
}
