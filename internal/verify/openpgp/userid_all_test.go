// SPDX-License-Identifier: Apache-2.0

package openpgp_test

import (
	. "github.com/onsi/ginkgo/v2"

	. "github.com/verifiedchart/verifiedchart/internal/verify/openpgp/openpgptest"
)

var _ = Describe("A key with only revoked user ids", Label("provenance", "revocation"), func() {
	// The statements of the key about itself are no longer valid, so the library finds no primary identity in it.
	It("is refused, and accepted without the revocation", func() {
		key := NewKey()
		message := Sign(key, text)
		accepted(ring(key), message, byNow)
		RevokeUserID(key, ada, Created.Add(day))
		refused(ring(key), message, byNow)
		refused(ring(key), message, lenient)
	})
})
