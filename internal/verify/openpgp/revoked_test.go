// SPDX-License-Identifier: Apache-2.0

package openpgp_test

import (
	"crypto"

	. "github.com/onsi/ginkgo/v2"

	"github.com/ProtonMail/go-crypto/openpgp/packet"

	. "github.com/verifiedchart/verifiedchart/internal/verify/openpgp/openpgptest"
)

var _ = Describe("The key of a good signature", Label("provenance", "revocation"), func() {
	DescribeTable("is refused", isRefused,
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
})
