// SPDX-License-Identifier: Apache-2.0

package openpgp_test

import (
	"time"

	. "github.com/onsi/ginkgo/v2"

	"github.com/ProtonMail/go-crypto/openpgp/packet"

	"github.com/verifiedchart/verifiedchart/internal/verify/openpgp"
	. "github.com/verifiedchart/verifiedchart/internal/verify/openpgp/openpgptest"
)

var _ = Describe("The key of a good signature", Label("provenance"), func() {
	DescribeTable("is refused", isRefused,
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
		Entry("F11: a longer life claims to be by the primary key, and is not", func() example {
			key := NewKey(ExpiringAfter(2 * time.Hour))
			forger := forging(key)
			Certify(forger, ada, Created.Add(day), nil)
			return example{forger, Sign(key, text, At(Created.Add(day)))}
		}),
	)

	DescribeTable("F11: is refused if it has expired since it signed, unless that is allowed:",
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
})
