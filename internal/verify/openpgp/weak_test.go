// SPDX-License-Identifier: Apache-2.0

package openpgp_test

import (
	"crypto"

	. "github.com/onsi/ginkgo/v2"

	. "github.com/verifiedchart/verifiedchart/internal/verify/openpgp/openpgptest"
)

var _ = Describe("A clear-signed message", Label("provenance"), func() {
	DescribeTable("is refused if its hash is weak",
		func(hash crypto.Hash) {
			key := NewKey(Using(RSA2048))
			accepted(ring(key), Message(text, RawSignature(key, text, crypto.SHA256, signedAt)), byNow)
			refused(ring(key), Message(text, RawSignature(key, text, hash, signedAt)), byNow)
		},
		Entry("F9: SHA-1", crypto.SHA1),
		Entry("F9: MD5", crypto.MD5),
	)

	DescribeTable("is refused if its hash is not one of the three accepted ones",
		func(hash crypto.Hash) {
			key := NewKey()
			refused(ring(key), Sign(key, text, Hashed(hash)), byNow)
		},
		Entry("F9: SHA-1", crypto.SHA1),
		Entry("F9: SHA-224", crypto.SHA224),
		Entry("F9: SHA3-256", crypto.SHA3_256),
	)

	DescribeTable("is refused if the subkey that signed is weak",
		func(a Algorithm, hash crypto.Hash) {
			key := NewKey()
			subkey := AddSubkey(key, SubkeyUsing(a))
			refused(ring(key), Sign(key, text, With(subkey), Hashed(hash)), byNow)
		},
		Entry("F10: RSA-1024", RSA1024, crypto.SHA256),
		Entry("F10: RSA with less than 2048 bits", RSA2040, crypto.SHA256),
		Entry("F10: DSA", DSA, crypto.SHA256),
		Entry("F10: ECDSA on secp256k1", Secp256k1, crypto.SHA256),
		Entry("F10: ECDSA on a Brainpool curve", BrainpoolP256, crypto.SHA256),
		Entry("F10: Ed448", Ed448, crypto.SHA512),
	)
})
