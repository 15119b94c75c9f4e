// SPDX-License-Identifier: Apache-2.0

package openpgp_test

import (
	. "github.com/onsi/ginkgo/v2"

	"github.com/ProtonMail/go-crypto/openpgp/packet"

	. "github.com/verifiedchart/verifiedchart/internal/verify/openpgp/openpgptest"
)

var _ = Describe("A key with a revoked user id", func() {
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
