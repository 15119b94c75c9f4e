// SPDX-License-Identifier: Apache-2.0

package openpgp_test

import (
	"crypto"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
	v2 "github.com/ProtonMail/go-crypto/openpgp/v2"

	"github.com/verifiedchart/verifiedchart/internal/verify/openpgp"
	. "github.com/verifiedchart/verifiedchart/internal/verify/openpgp/openpgptest"
)

// An example is a signed message and its trusted key.
type example struct {
	key     *v2.Entity
	message []byte
}

func byPrimary(key *v2.Entity, options ...SignOption) example {
	return example{key, Sign(key, text, options...)}
}

// bySubkey signs with the last subkey.
func bySubkey(key *v2.Entity, options ...SignOption) example {
	subkey := key.Subkeys[len(key.Subkeys)-1].PrivateKey
	return example{key, Sign(key, text, append([]SignOption{With(subkey)}, options...)...)}
}

func withSubkey(options ...SubkeyOption) *v2.Entity {
	key := NewKey()
	AddSubkey(key, options...)
	return key
}

// forging returns the key with a different private key, as a forger without the real one would use it.
func forging(key *v2.Entity) *v2.Entity {
	private := *NewKey().PrivateKey
	private.Fingerprint, private.KeyId = key.PrimaryKey.Fingerprint, key.PrimaryKey.KeyId
	forger := *key
	forger.PrivateKey = &private
	return &forger
}

func hashing(h crypto.Hash) func(*packet.Signature) {
	return func(s *packet.Signature) { s.Hash = h }
}

func lasting(d time.Duration) func(*packet.Signature) {
	seconds := uint32(d / time.Second)
	return func(s *packet.Signature) { s.SigLifetimeSecs = &seconds }
}

var _ = Describe("The key of a good signature", func() {
	DescribeTable("is accepted",
		func(make func() example) {
			e := make()
			s := accepted(ring(e.key), e.message, byNow)
			Expect(s.Primary).To(Equal(fingerprintOf(e.key.PrimaryKey)))
		},
		Entry("as a primary key", func() example { return byPrimary(NewKey()) }),
		Entry("as a signing subkey", func() example { return bySubkey(withSubkey()) }),
		Entry("as a signing subkey of version 6", func() example {
			key := NewKey(V6())
			AddSubkey(key)
			return bySubkey(key)
		}),
		Entry("as a signing subkey of another algorithm", func() example { return bySubkey(withSubkey(SubkeyUsing(P256))) }),
		Entry("as the subkey of a primary key that only certifies", func() example {
			key := NewKey(CertifyOnly())
			AddSubkey(key)
			return bySubkey(key)
		}),
		Entry("as a subkey that came after the primary key", func() example {
			return bySubkey(withSubkey(SubkeyCreatedAt(Created.Add(day))), At(Created.Add(2*day)))
		}),
		Entry("of version 6 without a user id", func() example { return byPrimary(NewKey(V6(), WithUserIDs())) }),
		Entry("of version 4 with a direct-key signature and no user id", func() example {
			key := NewKey(WithUserIDs())
			AddDirectSignature(key, Created, nil)
			return byPrimary(key)
		}),
		Entry("while it lives", func() example { return byPrimary(NewKey(ExpiringAfter(31 * day))) }),
		Entry("while its subkey lives", func() example { return bySubkey(withSubkey(SubkeyExpiringAfter(31 * day))) }),
		Entry("after its life was prolonged", func() example {
			key := NewKey(ExpiringAfter(7 * day))
			Certify(key, ada, Created.Add(6*day), nil)
			return byPrimary(key)
		}),
		Entry("after the life of its subkey was prolonged", func() example {
			key := withSubkey(SubkeyExpiringAfter(7 * day))
			Rebind(key, SubkeyCreatedAt(Created.Add(6*day)))
			return bySubkey(key)
		}),
		Entry("after it was certified again, and the older signature was removed", func() example {
			key := NewKey()
			key.Identities[ada].SelfCertifications = nil
			Certify(key, ada, Created.Add(20*day), nil)
			return byPrimary(key)
		}),
		Entry("if an older self-signature is weak, and a newer one is not", func() example {
			key := NewKey(SelfSigned(hashing(crypto.SHA1)))
			Certify(key, ada, Created.Add(day), nil)
			return byPrimary(key)
		}),
		Entry("if a newer self-signature is weak, and an older one is not", func() example {
			key := NewKey()
			Certify(key, ada, Created.Add(day), hashing(crypto.SHA1))
			return byPrimary(key)
		}),
		Entry("if another key also certified it", func() example {
			key, other := NewKey(), NewKey()
			Expect(key.SignIdentity(ada, other, nil)).To(Succeed())
			return byPrimary(key)
		}),
		Entry("if another key's revocation follows it", func() example {
			key, other := NewKey(), NewKey()
			Revoke(other, signedAt, packet.KeyCompromised)
			key.Revocations = other.Revocations
			return byPrimary(key)
		}),
		Entry("if a revocation claims to be by the key, and is not", func() example {
			key := NewKey()
			forger := forging(key)
			Revoke(forger, signedAt, packet.KeyCompromised)
			return example{forger, Sign(key, text)}
		}),
		Entry("if a revocation of its subkey claims to be by the key, and is not", func() example {
			key := withSubkey()
			e := bySubkey(key)
			forger := forging(key)
			RevokeSubkey(forger, signedAt, packet.KeyCompromised)
			return example{forger, e.message}
		}),
		Entry("if a newer self-signature is from the future", func() example {
			key := NewKey()
			Certify(key, ada, now.Add(day), func(s *packet.Signature) { s.FlagSign = false })
			return byPrimary(key)
		}),
		Entry("if a newer binding of the subkey is from the future", func() example {
			key := withSubkey()
			Rebind(key, SubkeyCreatedAt(now.Add(day)), ForEncryption())
			return bySubkey(key)
		}),
		Entry("if another subkey is revoked", func() example {
			key := withSubkey()
			RevokeSubkey(key, signedAt, packet.KeyCompromised)
			AddSubkey(key)
			return bySubkey(key)
		}),
		Entry("if another subkey is for encryption", func() example {
			key := withSubkey()
			e := bySubkey(key)
			AddSubkey(key, ForEncryption(), WithoutCrossSignature())
			return e
		}),
		Entry("F15: a few minutes ahead of our clock", func() example { return byPrimary(NewKey(), At(now.Add(4*time.Minute))) }),
		Entry("F15: made a few minutes ahead of our clock", func() example {
			return byPrimary(NewKey(CreatedAt(now.Add(time.Minute))), At(now.Add(2*time.Minute)))
		}),
		Entry("F15: in the second in which the key was created", func() example { return byPrimary(NewKey(), At(Created)) }),
		Entry("F11: before the signature expires", func() example { return byPrimary(NewKey(), Expiring(30*day)) }),
	)

	DescribeTable("is refused",
		func(make func() example) {
			e := make()
			refused(ring(e.key), e.message, byNow)
			refused(ring(e.key), e.message, lenient)
		},
		Entry("F11: the signature has expired", func() example { return byPrimary(NewKey(), Expiring(day)) }),
		Entry("F11: the primary key had expired before it signed", func() example {
			return byPrimary(NewKey(ExpiringAfter(day)), At(Created.Add(2*day)))
		}),
		Entry("F11: the subkey had expired before it signed", func() example {
			return bySubkey(withSubkey(SubkeyExpiringAfter(day)), At(Created.Add(2*day)))
		}),
		Entry("F11: the primary key had expired before its subkey signed", func() example {
			key := NewKey(ExpiringAfter(day))
			AddSubkey(key)
			return bySubkey(key, At(Created.Add(2*day)))
		}),
		Entry("F11: the self-signature has expired", func() example { return byPrimary(NewKey(SelfSigned(lasting(day)))) }),
		Entry("F11: the newest self-signature has expired, and an older one has not", func() example {
			key := NewKey()
			Certify(key, ada, Created.Add(day), lasting(day))
			return byPrimary(key)
		}),
		Entry("F11: the binding of the subkey has expired", func() example { return bySubkey(withSubkey(Bound(lasting(day)))) }),
		Entry("F11: the newest binding of the subkey has expired, and an older one has not", func() example {
			key := withSubkey()
			Rebind(key, SubkeyCreatedAt(Created.Add(day)), Bound(lasting(day)))
			return bySubkey(key)
		}),
		Entry("F13: there is no cross-signature", func() example { return bySubkey(withSubkey(WithoutCrossSignature())) }),
		Entry("F13: the newest binding has no cross-signature", func() example {
			key := withSubkey()
			Rebind(key, SubkeyCreatedAt(Created.Add(day)), WithoutCrossSignature())
			return bySubkey(key)
		}),
		Entry("F13: the cross-signature is by another key", func() example { return bySubkey(withSubkey(CrossSignedBy(NewKey().PrivateKey))) }),
		Entry("F13: the subkey belongs to another key, and a third key also binds it", func() example {
			owner, thief := withSubkey(), NewKey()
			stolen := owner.Subkeys[0]
			AddSubkey(thief, SubkeyUsing(func(time.Time) *packet.PrivateKey { return stolen.PrivateKey }),
				CrossSignedBy(thief.PrivateKey))
			return bySubkey(thief)
		}),
		Entry("F13: the subkey belongs to another key, and the signer presents its binding", func() example {
			owner, thief := withSubkey(), NewKey()
			thief.Subkeys = owner.Subkeys
			return example{thief, Sign(owner, text, With(owner.Subkeys[0].PrivateKey))}
		}),
		Entry("F13: the binding claims to be by the primary key, and is not", func() example {
			forger := forging(NewKey())
			AddSubkey(forger)
			return bySubkey(forger)
		}),
		Entry("F11: a longer life claims to be by the primary key, and is not", func() example {
			key := NewKey(ExpiringAfter(2 * time.Hour))
			forger := forging(key)
			Certify(forger, ada, Created.Add(day), nil)
			return example{forger, Sign(key, text, At(Created.Add(day)))}
		}),
		Entry("F14: a direct-key signature claims to be by the primary key, and is not", func() example {
			key := NewKey(WithUserIDs())
			forger := forging(key)
			AddDirectSignature(forger, Created, nil)
			AddDirectSignature(key, Created, func(s *packet.Signature) { s.FlagSign = false })
			key.DirectSignatures = append(forger.DirectSignatures, key.DirectSignatures...)
			return byPrimary(key)
		}),
		Entry("F14: the primary key of version 6 is for signing only by its user id", func() example {
			key := NewKey(V6(), WithUserIDs(), CertifyOnly())
			Certify(key, ada, Created.Add(day), nil)
			return byPrimary(key)
		}),
		Entry("F13: the cross-signature has expired", func() example { return bySubkey(withSubkey(CrossSignatureExpiringAfter(day))) }),
		Entry("F13: the cross-signature is from the future", func() example {
			return bySubkey(withSubkey(CrossSigned(func(s *packet.Signature) { s.CreationTime = now.Add(day) })))
		}),
		Entry("F13: the cross-signature hashes with SHA-1", func() example { return bySubkey(withSubkey(CrossSigned(hashing(crypto.SHA1)))) }),
		Entry("F9: the binding hashes with SHA-1", func() example { return bySubkey(withSubkey(Bound(hashing(crypto.SHA1)))) }),
		Entry("F14: the subkey is for encryption", func() example { return bySubkey(withSubkey(ForEncryption())) }),
		Entry("F14: the subkey is for encryption by its newest binding", func() example {
			key := withSubkey()
			Rebind(key, SubkeyCreatedAt(Created.Add(day)), ForEncryption())
			return bySubkey(key)
		}),
		Entry("F14: the subkey has no flags", func() example {
			return bySubkey(withSubkey(Bound(func(s *packet.Signature) { s.FlagsValid = false })))
		}),
		Entry("F14: the primary key is for certification", func() example { return byPrimary(NewKey(CertifyOnly())) }),
		Entry("F14: the primary key has no flags", func() example {
			return byPrimary(NewKey(SelfSigned(func(s *packet.Signature) { s.FlagsValid = false })))
		}),
		Entry("F15: the signature is older than the primary key", func() example { return byPrimary(NewKey(), At(Created.Add(-time.Second))) }),
		Entry("F15: the signature is older than the subkey", func() example {
			return bySubkey(withSubkey(SubkeyCreatedAt(Created.Add(2*day))), At(Created.Add(day)))
		}),
		Entry("F15: the signature is from the future", func() example { return byPrimary(NewKey(), At(now.Add(6*time.Minute))) }),
		Entry("F15: the key is from the future", func() example {
			return byPrimary(NewKey(CreatedAt(now.Add(day))), At(now.Add(time.Minute)))
		}),
		Entry("F15: the binding of the subkey is from the future", func() example {
			return bySubkey(withSubkey(Bound(func(s *packet.Signature) { s.CreationTime = now.Add(day) })))
		}),
		Entry("the primary key is revoked as compromised", func() example {
			key := NewKey()
			Revoke(key, now.Add(-day), packet.KeyCompromised)
			return byPrimary(key)
		}),
		Entry("the primary key is revoked as retired, after it signed", func() example {
			key := NewKey()
			Revoke(key, now.Add(-day), packet.KeyRetired)
			return byPrimary(key)
		}),
		Entry("the primary key is revoked from a future time", func() example {
			key := NewKey()
			Revoke(key, now.Add(day), packet.KeyRetired)
			return byPrimary(key)
		}),
		Entry("the primary key is revoked with SHA-1", func() example {
			key := NewKey()
			Revoke(key, now.Add(-day), packet.KeyRetired, hashing(crypto.SHA1))
			return byPrimary(key)
		}),
		Entry("the primary key is revoked by a signature that does not name it", func() example {
			key := NewKey()
			private := *key.PrivateKey
			private.Fingerprint = nil
			unnamed := *key
			unnamed.PrivateKey = &private
			Revoke(&unnamed, now.Add(-day), packet.KeyRetired, func(s *packet.Signature) { s.IssuerKeyId = nil })
			return example{&unnamed, Sign(key, text)}
		}),
		Entry("the primary key is revoked by a revocation that has expired", func() example {
			key := NewKey()
			Revoke(key, Created.Add(day), packet.KeyRetired, lasting(day))
			return byPrimary(key)
		}),
		Entry("the version of the subkey differs from that of the primary key", func() example {
			return bySubkey(withSubkey(SubkeyUsing(func(created time.Time) *packet.PrivateKey {
				subkey := Ed25519(created)
				Expect(subkey.UpgradeToV6()).To(Succeed())
				return subkey
			})))
		}),
		Entry("the version of the signature differs from that of the key", func() example {
			key := NewKey(V6())
			older := *key.PrivateKey
			older.Version, older.Fingerprint = 4, nil
			return byPrimary(key, With(&older))
		}),
		Entry("the primary key of version 6 is revoked", func() example {
			key := NewKey(V6())
			Revoke(key, now.Add(-day), packet.KeySuperseded)
			return byPrimary(key)
		}),
		Entry("the primary key of the subkey is revoked", func() example {
			key := withSubkey()
			Revoke(key, now.Add(-day), packet.KeySuperseded)
			return bySubkey(key)
		}),
		Entry("the subkey is revoked as compromised", func() example {
			key := withSubkey()
			RevokeSubkey(key, now.Add(-day), packet.KeyCompromised)
			return bySubkey(key)
		}),
		Entry("the subkey is revoked as retired, after it signed", func() example {
			key := withSubkey()
			RevokeSubkey(key, now.Add(-day), packet.KeyRetired)
			return bySubkey(key)
		}),
		Entry("the subkey is revoked, and bound again", func() example {
			key := withSubkey()
			RevokeSubkey(key, Created.Add(day), packet.KeyRetired)
			Rebind(key, SubkeyCreatedAt(Created.Add(2*day)))
			return bySubkey(key)
		}),
	)

	DescribeTable("F11: that has expired since it signed is refused, unless that is allowed",
		func(make func() example) {
			e := make()
			refused(ring(e.key), e.message, byNow)
			accepted(ring(e.key), e.message, lenient)
		},
		Entry("a primary key", func() example { return byPrimary(NewKey(ExpiringAfter(7 * day))) }),
		Entry("a primary key of version 6", func() example { return byPrimary(NewKey(V6(), ExpiringAfter(7*day))) }),
		Entry("a subkey", func() example { return bySubkey(withSubkey(SubkeyExpiringAfter(7 * day))) }),
		Entry("the primary key of a subkey", func() example {
			key := NewKey(ExpiringAfter(7 * day))
			AddSubkey(key)
			return bySubkey(key)
		}),
		Entry("a primary key with the lifetime in a direct-key signature", func() example {
			key := NewKey()
			AddDirectSignature(key, Created, func(s *packet.Signature) {
				week := uint32(7 * day / time.Second)
				s.KeyLifetimeSecs = &week
			})
			return byPrimary(key)
		}),
		Entry("a primary key whose life was shortened", func() example {
			key := NewKey(ExpiringAfter(300 * day))
			Certify(key, ada, Created.Add(day), func(s *packet.Signature) {
				week := uint32(7 * day / time.Second)
				s.KeyLifetimeSecs = &week
			})
			return byPrimary(key)
		}),
	)

	It("F11: expires at the exact second", func() {
		key := NewKey(ExpiringAfter(day))
		message := Sign(key, text)
		accepted(ring(key), message, openpgp.Options{Now: Created.Add(day - time.Second)})
		refused(ring(key), message, openpgp.Options{Now: Created.Add(day)})
	})

	DescribeTable("is named by its primary user id",
		func(name string, make func() *v2.Entity) {
			key := make()
			Expect(accepted(ring(key), Sign(key, text), byNow).UserID).To(Equal(name))
		},
		Entry("the flagged one, even if another is newer", ada, func() *v2.Entity {
			key := NewKey()
			Certify(key, "Other", Created.Add(day), nil)
			return key
		}),
		Entry("the newest, if none is flagged", "Other", func() *v2.Entity {
			key := NewKey(SelfSigned(func(s *packet.Signature) { s.IsPrimaryId = nil }))
			Certify(key, "Other", Created.Add(day), nil)
			return key
		}),
		Entry("not a revoked one", "Other", func() *v2.Entity {
			key := NewKey()
			Certify(key, "Other", Created, nil)
			RevokeUserID(key, ada, Created.Add(day))
			return key
		}),
		Entry("one that was revoked, and certified again since", ada, func() *v2.Entity {
			key := NewKey()
			RevokeUserID(key, ada, Created.Add(day))
			Certify(key, ada, Created.Add(2*day), nil)
			return key
		}),
		Entry("not one that only another key certified", ada, func() *v2.Entity {
			key, other := NewKey(), NewKey()
			Certify(other, "Mallory", Created, nil)
			key.Identities["Mallory"] = other.Identities["Mallory"]
			return key
		}),
		Entry("safe to display", "Ada [31m", func() *v2.Entity { return NewKey(WithUserIDs("Ada\x1b[31m")) }),
	)
})
