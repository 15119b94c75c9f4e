// SPDX-License-Identifier: Apache-2.0

package openpgp_test

import (
	"bytes"
	"crypto"
	"encoding/binary"
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

func serializedKey(e *v2.Entity) []byte {
	GinkgoHelper()
	var b bytes.Buffer
	Expect(e.PrimaryKey.Serialize(&b)).To(Succeed())
	return b.Bytes()
}

var _ = Describe("A revocation certificate", Label("provenance", "revocation"), func() {
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

// misnamed returns the signature with the id of another key in the unsigned part.
func misnamed(p []byte) []byte {
	GinkgoHelper()
	content := body(p)
	at := 6 + int(binary.BigEndian.Uint16(content[4:]))
	Expect(content[at : at+2]).To(Equal([]byte{0, 0}))
	id := []byte{0, 10, 9, 16, 1, 2, 3, 4, 5, 6, 7, 8}
	return Packet(2, slices.Concat(content[:at], id, content[at+2:]))
}
