// SPDX-License-Identifier: Apache-2.0

package openpgp_test

import (
	"crypto"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
	v2 "github.com/ProtonMail/go-crypto/openpgp/v2"

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

// isRefused expects that the signature is refused, even if expired keys are allowed.
func isRefused(make func() example) {
	GinkgoHelper()
	e := make()
	refused(ring(e.key), e.message, byNow)
	refused(ring(e.key), e.message, lenient)
}

var _ = Describe("The key of a good signature", Label("provenance"), func() {
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
		Entry("F15: created a few minutes ahead of our clock", func() example {
			return byPrimary(NewKey(CreatedAt(now.Add(time.Minute))), At(now.Add(2*time.Minute)))
		}),
		Entry("F15: in the second in which the key was created", func() example { return byPrimary(NewKey(), At(Created)) }),
		Entry("F11: before the signature expires", func() example { return byPrimary(NewKey(), Expiring(30*day)) }),
	)

	DescribeTable("is refused", isRefused,
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
		Entry("F14: the primary key is for certification", func() example { return byPrimary(NewKey(CertifyOnly())) }),
		Entry("F14: the primary key has no flags", func() example {
			return byPrimary(NewKey(SelfSigned(func(s *packet.Signature) { s.FlagsValid = false })))
		}),
		Entry("F15: the signature is older than the primary key", func() example { return byPrimary(NewKey(), At(Created.Add(-time.Second))) }),
		Entry("F15: the signature is from the future", func() example { return byPrimary(NewKey(), At(now.Add(6*time.Minute))) }),
		Entry("F15: the key is from the future", func() example {
			return byPrimary(NewKey(CreatedAt(now.Add(day))), At(now.Add(time.Minute)))
		}),
		Entry("the version of the signature differs from that of the key", func() example {
			key := NewKey(V6())
			older := *key.PrivateKey
			older.Version, older.Fingerprint = 4, nil
			return byPrimary(key, With(&older))
		}),
	)
})
