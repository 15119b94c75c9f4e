// SPDX-License-Identifier: Apache-2.0

package openpgp_test

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
	v2 "github.com/ProtonMail/go-crypto/openpgp/v2"

	. "github.com/verifiedchart/verifiedchart/internal/verify/openpgp/openpgptest"
)

var _ = Describe("A key with a revoked user id", Label("provenance", "revocation"), func() {
	DescribeTable("is refused, and accepted without the revocation,",
		func(options ...KeyOption) {
			key := NewKey(append(options, WithUserIDs("Other"))...)
			Certify(key, ada, Created.Add(day), func(s *packet.Signature) {
				primary := true
				s.IsPrimaryId = &primary
			})
			message := Sign(key, text, At(Created.Add(2*day)))
			accepted(ring(key), message, byNow)
			RevokeUserID(key, ada, Created.Add(2*day))
			refused(ring(key), message, byNow)
		},
		Entry("F11: if the other user ids state that it has expired", ExpiringAfter(7*day)),
		Entry("F14: if the other user ids state that it only certifies", CertifyOnly()),
	)
})

var _ = Describe("The key of a good signature", Label("provenance"), func() {
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
