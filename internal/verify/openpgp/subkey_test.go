// SPDX-License-Identifier: Apache-2.0

package openpgp_test

import (
	"crypto"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/ProtonMail/go-crypto/openpgp/packet"

	. "github.com/verifiedchart/verifiedchart/internal/verify/openpgp/openpgptest"
)

var _ = Describe("The key of a good signature", Label("provenance"), func() {
	DescribeTable("is refused", isRefused,
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
		Entry("F15: the signature is older than the subkey", func() example {
			return bySubkey(withSubkey(SubkeyCreatedAt(Created.Add(2*day))), At(Created.Add(day)))
		}),
		Entry("F15: the binding of the subkey is from the future", func() example {
			return bySubkey(withSubkey(Bound(func(s *packet.Signature) { s.CreationTime = now.Add(day) })))
		}),
		Entry("the version of the subkey differs from that of the primary key", func() example {
			return bySubkey(withSubkey(SubkeyUsing(func(created time.Time) *packet.PrivateKey {
				subkey := Ed25519(created)
				Expect(subkey.UpgradeToV6()).To(Succeed())
				return subkey
			})))
		}),
	)
})
