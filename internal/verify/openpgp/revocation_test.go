// SPDX-License-Identifier: Apache-2.0

package openpgp_test

import (
	"bytes"
	"crypto"
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
	v2 "github.com/ProtonMail/go-crypto/openpgp/v2"

	"github.com/verifiedchart/verifiedchart/internal/verify/openpgp"
	. "github.com/verifiedchart/verifiedchart/internal/verify/openpgp/openpgptest"
)

// revoking returns the revocation certificate of a key as a separate packet.
func revoking(key *v2.Entity, change ...func(*packet.Signature)) []byte {
	GinkgoHelper()
	revoked := *key
	revoked.Revocations = nil
	Revoke(&revoked, now.Add(-day), packet.KeyCompromised, change...)
	return serialized(revoked.Revocations[0].Packet)
}

// revokingSubkey returns the revocation certificate of the last subkey.
func revokingSubkey(key *v2.Entity) []byte {
	GinkgoHelper()
	revoked := *key
	revoked.Subkeys = append([]v2.Subkey{}, key.Subkeys...)
	last := &revoked.Subkeys[len(key.Subkeys)-1]
	last.Revocations = nil
	RevokeSubkey(&revoked, now.Add(-day), packet.KeyCompromised)
	return serialized(last.Revocations[0].Packet)
}

// nameless returns a copy of the key whose signatures do not name its fingerprint.
func nameless(key *v2.Entity) *v2.Entity {
	private := *key.PrivateKey
	private.Fingerprint = nil
	unnamed := *key
	unnamed.PrivateKey = &private
	return &unnamed
}

func withoutIssuer(s *packet.Signature) { s.IssuerKeyId = nil }

// An arrangement puts two keys of a keyring, and a revocation by the first, into entries.
type arrangement func(a, b *v2.Entity, revocation []byte) map[string][]byte

var arrangements = []struct {
	name    string
	entries arrangement
}{
	{"in an entry of its own that sorts first", func(a, b *v2.Entity, r []byte) map[string][]byte {
		return map[string][]byte{"a.rev": r, "keys": Public(a, b)}
	}},
	{"in an entry of its own that sorts last", func(a, b *v2.Entity, r []byte) map[string][]byte {
		return map[string][]byte{"z.rev": r, "keys": Public(a, b)}
	}},
	{"in an entry of its own, ASCII-armored, with a key on either side", func(a, b *v2.Entity, r []byte) map[string][]byte {
		return map[string][]byte{"1": Armored(Public(a)), "2": Armored(r), "3": Armored(Public(b))}
	}},
	{"in an entry of its own, ASCII-armored as a signature", func(a, b *v2.Entity, r []byte) map[string][]byte {
		return map[string][]byte{"keys": Public(a, b), "rev": ArmoredSignature(r)}
	}},
	{"in an ASCII-armored block of its own before the keys", func(a, b *v2.Entity, r []byte) map[string][]byte {
		return entry(Armored(r), Armored(Public(a, b)))
	}},
	{"in an ASCII-armored block of its own after the keys", func(a, b *v2.Entity, r []byte) map[string][]byte {
		return entry(Armored(Public(a, b)), Armored(r))
	}},
	{"in an ASCII-armored block of its own between the keys, with text and CRLF", func(a, b *v2.Entity, r []byte) map[string][]byte {
		content := bytes.Join([][]byte{Armored(Public(a)), []byte("Oh no: the key is lost\n"), Armored(r), Armored(Public(b))}, nil)
		return entry(bytes.ReplaceAll(content, []byte("\n"), []byte("\r\n")))
	}},
	{"in an ASCII-armored block with GnuPG's comment", func(a, b *v2.Entity, r []byte) map[string][]byte {
		commented := bytes.Replace(Armored(r), []byte("BLOCK-----\n"), []byte("BLOCK-----\nComment: This is a revocation certificate\n"), 1)
		return entry(Armored(Public(a, b)), commented)
	}},
	{"in an ASCII-armored block behind GnuPG's colon", func(a, b *v2.Entity, r []byte) map[string][]byte {
		return entry(Armored(Public(a, b)), []byte("Remove this colon with a text editor before importing\n:"), Armored(r))
	}},
	{"in an ASCII-armored block without a checksum and without an empty line", func(a, b *v2.Entity, r []byte) map[string][]byte {
		lines := bytes.Split(Armored(r), []byte("\n"))
		var kept [][]byte
		for _, l := range lines {
			if len(l) > 0 && l[0] != '=' {
				kept = append(kept, l)
			}
		}
		return entry(Armored(Public(a, b)), bytes.Join(kept, []byte("\n")))
	}},
	{"in an ASCII-armored block after text in another script", func(a, b *v2.Entity, r []byte) map[string][]byte {
		return entry([]byte("Ключи:\n"), Armored(Public(a, b)), Armored(r))
	}},
	{"in binary before the keys", func(a, b *v2.Entity, r []byte) map[string][]byte { return entry(r, Public(a, b)) }},
	{"in binary after both keys", func(a, b *v2.Entity, r []byte) map[string][]byte { return entry(Public(a, b), r) }},
	{"in binary after both keys, the other one last", func(a, b *v2.Entity, r []byte) map[string][]byte { return entry(Public(b, a), r) }},
	{"in binary between the keys, behind the wrong one", func(a, b *v2.Entity, r []byte) map[string][]byte {
		return entry(Public(b), r, Public(a))
	}},
	{"in binary after a user attribute", func(a, b *v2.Entity, r []byte) map[string][]byte {
		return entry(Public(b, a), Packet(17, []byte{5, 1, 1, 2, 3, 4}), r)
	}},
	{"in binary after a weak key", func(a, b *v2.Entity, r []byte) map[string][]byte {
		return entry(Public(a, b, NewKey(Using(RSA1024))), r)
	}},
	{"in binary after a key that cannot be read", func(a, b *v2.Entity, r []byte) map[string][]byte {
		return entry(Public(a, b), Packet(6, Garbage("key", 60)), r)
	}},
	{"in binary with GnuPG's trust packets around it", func(a, b *v2.Entity, r []byte) map[string][]byte {
		trust := Packet(12, []byte{0, 0})
		return entry(Public(a, b), trust, r, trust)
	}},
	{"in a packet with an old header", func(a, b *v2.Entity, r []byte) map[string][]byte {
		content := body(r)
		return entry(Public(a, b), append([]byte{0x89, byte(len(content) >> 8), byte(len(content))}, content...))
	}},
	{"in a packet in parts", func(a, b *v2.Entity, r []byte) map[string][]byte {
		content := body(r)
		parts := append(append([]byte{0xc2, 0xe0 | 5}, content[:32]...), byte(len(content)-32))
		return entry(Public(a, b), append(parts, content[32:]...))
	}},
	{"next to a keybox, in ASCII armor", func(a, b *v2.Entity, r []byte) map[string][]byte {
		return map[string][]byte{"pubring.kbx": Keybox(a, b), "0.asc": Armored(r)}
	}},
	{"in a keybox, in a blob of its own", func(a, b *v2.Entity, r []byte) map[string][]byte {
		return entry(Keybox(a, b), KeyboxBlob(r))
	}},
	{"in a keybox, with the key in another entry", func(a, b *v2.Entity, r []byte) map[string][]byte {
		return map[string][]byte{"keys": Public(a, b), "pubring.kbx": append(Keybox(), KeyboxBlob(r)...)}
	}},
	{"with only the key, without its user ids", func(a, b *v2.Entity, r []byte) map[string][]byte {
		return map[string][]byte{"keys": Public(a, b), "stub": append(serializedKey(a), r...)}
	}},
	{"twice", func(a, b *v2.Entity, r []byte) map[string][]byte { return entry(r, Public(a), r, Public(b), r) }},
	{"in an entry that holds another private key", func(a, b *v2.Entity, r []byte) map[string][]byte {
		return map[string][]byte{"keys": Public(a, b), "private": append(Private(NewKey()), r...)}
	}},
	{"in an entry that holds its private key", func(a, b *v2.Entity, r []byte) map[string][]byte {
		return map[string][]byte{"keys": Public(a, b), "private": ArmoredPrivate(append(Private(a), r...))}
	}},
}

func serializedKey(e *v2.Entity) []byte {
	GinkgoHelper()
	var b bytes.Buffer
	Expect(e.PrimaryKey.Serialize(&b)).To(Succeed())
	return b.Bytes()
}

var _ = Describe("A revocation certificate", func() {
	rows := make([]any, 0, len(arrangements))
	for _, a := range arrangements {
		rows = append(rows, Entry(a.name, a.entries))
	}

	DescribeTable("J11: revokes the key that made it, and no other, wherever it is:", append([]any{
		func(entries arrangement) {
			a, b := withSubkey(), NewKey(Using(P256))
			k := parsed(entries(a, b, revoking(a)))
			refused(k, Sign(a, text), byNow)
			refused(k, Sign(a, text), lenient)
			refused(k, bySubkey(a).message, byNow)
			accepted(k, Sign(b, text), byNow)
			Expect(k.Revoked()).To(Equal([]string{fingerprintOf(a.PrimaryKey)}))
		},
	}, rows...)...)

	DescribeTable("J11: of a subkey revokes that subkey, and no other, wherever it is:", append([]any{
		func(entries arrangement) {
			a, b := NewKey(), withSubkey(SubkeyUsing(P256))
			other := AddSubkey(a)
			subkey := AddSubkey(a)
			k := parsed(entries(a, b, revokingSubkey(a)))
			refused(k, Sign(a, text, With(subkey)), byNow)
			accepted(k, Sign(a, text, With(other)), byNow)
			accepted(k, Sign(a, text), byNow)
			accepted(k, bySubkey(b).message, byNow)
			Expect(k.Revoked()).To(Equal([]string{fingerprintOf(&subkey.PublicKey)}))
		},
	}, rows...)...)

	DescribeTable("J11: revokes nothing if it only claims to be by the key:", append([]any{
		func(entries arrangement) {
			a, b := withSubkey(), NewKey(Using(P256))
			for _, forged := range [][]byte{
				revoking(forging(a)), revokingSubkey(forging(a)), revoking(NewKey()), revoking(nameless(NewKey()), withoutIssuer),
			} {
				k := parsed(entries(a, b, forged))
				accepted(k, Sign(a, text), byNow)
				accepted(k, bySubkey(a).message, byNow)
				accepted(k, Sign(b, text), byNow)
				Expect(k.Revoked()).To(BeEmpty())
			}
		},
	}, rows...)...)

	DescribeTable("J11: is accepted in every form",
		func(revocation func() (*v2.Entity, []byte)) {
			key, r := revocation()
			other := NewKey()
			for _, entries := range []map[string][]byte{entry(Public(key, other), r), entry(r, Public(key, other)), {"k": Public(other, key), "r": Armored(r)}} {
				k := parsed(entries)
				refused(k, Sign(key, text), byNow)
				accepted(k, Sign(other, text), byNow)
				Expect(k.Revoked()).To(Equal([]string{fingerprintOf(key.PrimaryKey)}))
			}
		},
		Entry("hashed with SHA-1", func() (*v2.Entity, []byte) { k := NewKey(); return k, revoking(k, hashing(crypto.SHA1)) }),
		Entry("by a key of version 6", func() (*v2.Entity, []byte) { k := NewKey(V6()); return k, revoking(k) }),
		Entry("by an RSA key", func() (*v2.Entity, []byte) { k := NewKey(Using(RSA2048)); return k, revoking(k) }),
		Entry("by a key on P-521", func() (*v2.Entity, []byte) { k := NewKey(Using(P521)); return k, revoking(k) }),
		Entry("without a name of the key", func() (*v2.Entity, []byte) { k := NewKey(); return k, revoking(nameless(k), withoutIssuer) }),
		Entry("with only the id of the key", func() (*v2.Entity, []byte) { k := NewKey(); return k, revoking(nameless(k)) }),
		Entry("with an unsigned id of another key, and the fingerprint", func() (*v2.Entity, []byte) {
			k := NewKey()
			return k, misnamed(revoking(k))
		}),
		Entry("made in the future", func() (*v2.Entity, []byte) {
			k := NewKey()
			return k, revoking(k, func(s *packet.Signature) { s.CreationTime = now.Add(day) })
		}),
		Entry("made before the key", func() (*v2.Entity, []byte) {
			k := NewKey()
			return k, revoking(k, func(s *packet.Signature) { s.CreationTime = Created.Add(-day) })
		}),
		Entry("expired", func() (*v2.Entity, []byte) { k := NewKey(); return k, revoking(k, lasting(time.Hour)) }),
	)

	It("J11: of a user id counts wherever it is", func() {
		key := NewKey()
		signed := Sign(key, text)
		without := Public(key)
		RevokeUserID(key, ada, now.Add(-day))
		r := serialized(key.Identities[ada].Revocations[0].Packet)
		for _, entries := range []map[string][]byte{{"k": without, "r": Armored(r)}, entry(r, without), entry(without, Public(NewKey()), r)} {
			refused(parsed(entries), signed, byNow)
		}
	})

	It("J11: by a key without a self-signature leaves no usable key, and is reported", func() {
		key := NewKey()
		k, err := openpgp.Parse(ctx, entry(serializedKey(key), revoking(key)))
		Expect(err).To(MatchError(openpgp.ErrKeyring))
		Expect(err).NotTo(MatchError(openpgp.ErrUnreadable))
		Expect(k.Revoked()).To(Equal([]string{fingerprintOf(key.PrimaryKey)}))
	})

	It("is listed if it revokes no key of the keyring", func() {
		k := parsed(map[string][]byte{"keys": Public(NewKey()), "rev": Armored(revoking(NewKey()))})
		Expect(k.Skipped()).To(ConsistOf(And(HaveField("Entry", "rev"), HaveField("Reason", ContainSubstring("not by a key of this keyring")))))
	})

	It("is not listed as skipped if it revokes a key", func() {
		key := NewKey()
		Expect(parsed(map[string][]byte{"keys": Public(key), "rev": Armored(revoking(key))}).Skipped()).To(BeEmpty())
	})

	It("is kept if the keyring is restricted to other keys", func() {
		a, b := NewKey(), NewKey()
		only, err := parsed(entry(revoking(a), Public(a, b))).Only([]string{fingerprintOf(b.PrimaryKey)})
		Expect(err).NotTo(HaveOccurred())
		Expect(only.Revoked()).To(Equal([]string{fingerprintOf(a.PrimaryKey)}))
	})

	It("is never reported by a nil keyring", func() {
		var none *openpgp.Keyring
		Expect(none.Revoked()).To(BeEmpty())
	})
})

var _ = Describe("A revocation in a keyring that cannot be read to its end", func() {
	DescribeTable("J11: is reported if it is in the part that was read, or in another entry, and the key does not count",
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
		Entry("in another entry than packets without end", func(key *v2.Entity, r []byte) map[string][]byte {
			return map[string][]byte{"1": bytes.Repeat(Packet(60, nil), 21_000), "2": append(Public(key), r...)}
		}),
		Entry("in another entry than the key and packets without end", func(key *v2.Entity, r []byte) map[string][]byte {
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

	DescribeTable("J11: is not reported, and the key does not count either, if it is",
		func(entries func(key *v2.Entity, r []byte) map[string][]byte) {
			key := NewKey()
			k, _ := unreadable(entries(key, revoking(key)))
			refused(k, Sign(key, text), byNow)
			Expect(k.Revoked()).To(BeEmpty())
		},
		Entry("behind packets without end", func(key *v2.Entity, r []byte) map[string][]byte {
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
		Entry("since its hash is MD5", func(key *v2.Entity) []byte { return altered(revoking(key), 3, 1) }),
		Entry("since its hash is RIPEMD-160", func(key *v2.Entity) []byte { return altered(revoking(key), 3, 3) }),
		Entry("since its algorithm is not known", func(key *v2.Entity) []byte { return altered(revoking(key), 2, 99) }),
		Entry("since its version is 3", func(key *v2.Entity) []byte {
			id := key.PrimaryKey.KeyId
			return Packet(2, append([]byte{3, 5, 0x20, 0, 0, 0, 0}, append(key.PrimaryKey.Fingerprint[12:20:20], byte(key.PrimaryKey.PubKeyAlgo), 8, byte(id), 0, 0, 8, 1)...))
		}),
		Entry("since it is cut short inside its packet", func(key *v2.Entity) []byte {
			content := body(revoking(key))
			return Packet(2, content[:len(content)-10])
		}),
		Entry("since it holds an unknown critical part", func(key *v2.Entity) []byte {
			return altered(revoking(nameless(key)), 7, 0x80|99)
		}),
	)

	It("J11: refuses the keyring if it cannot be parsed, and names no key", func() {
		unreadable(entry(Public(NewKey()), Packet(2, []byte{4, 0x20, 99, 8, 0, 0, 0, 0, 1, 2})))
	})
})

// misnamed returns the signature with the id of another key in the unsigned part.
func misnamed(p []byte) []byte {
	GinkgoHelper()
	content := body(p)
	at := 6 + int(binary.BigEndian.Uint16(content[4:]))
	Expect(content[at : at+2]).To(Equal([]byte{0, 0}))
	id := []byte{0, 10, 9, 16, 1, 2, 3, 4, 5, 6, 7, 8}
	return Packet(2, slices.Concat(content[:at], id, content[at+2:]))
}

// altered returns the packet with one byte of its content changed.
func altered(p []byte, at int, b byte) []byte {
	GinkgoHelper()
	content := body(p)
	content[at] = b
	return Packet(2, content)
}
