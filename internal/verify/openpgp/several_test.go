// SPDX-License-Identifier: Apache-2.0

package openpgp_test

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	v2 "github.com/ProtonMail/go-crypto/openpgp/v2"

	. "github.com/verifiedchart/verifiedchart/internal/verify/openpgp/openpgptest"
)

var _ = Describe("A clear-signed message", Label("provenance"), func() {
	DescribeTable("F16: is accepted for one good signature among several",
		func(signatures func(key *v2.Entity) [][]byte) {
			key := NewKey()
			s := accepted(ring(key), Message(text, signatures(key)...), byNow)
			Expect(s.Primary).To(Equal(fingerprintOf(key.PrimaryKey)))
		},
		Entry("an unknown signer first, and the good one second", func(k *v2.Entity) [][]byte {
			return [][]byte{Signature(NewKey(), text), Signature(k, text)}
		}),
		Entry("the good one first, and an unknown signer second", func(k *v2.Entity) [][]byte {
			return [][]byte{Signature(k, text), Signature(NewKey(), text)}
		}),
		Entry("a bad one by the same key first", func(k *v2.Entity) [][]byte {
			return [][]byte{Signature(k, "other"), Signature(k, text)}
		}),
		Entry("one of an unknown version first", func(k *v2.Entity) [][]byte {
			return [][]byte{Packet(2, []byte{3, 5, 0}), Signature(k, text)}
		}),
		Entry("garbage first", func(k *v2.Entity) [][]byte {
			return [][]byte{Packet(2, Garbage("signature", 80)), Signature(k, text)}
		}),
		Entry("the last of sixteen", func(k *v2.Entity) [][]byte {
			return append(many(15, Signature(NewKey(), text)), Signature(k, text))
		}),
	)

	It("F16: is refused with more than sixteen signatures, even good ones", func() {
		key := NewKey()
		refused(ring(key), Message(text, many(17, Signature(key, text))...), byNow)
	})

	It("F16: is refused if none of several signatures is good, with the reason for the known signer", func() {
		key, other := NewKey(), NewKey()
		message := Message(text, Signature(other, text), Signature(key, text, Expiring(day)), Signature(other, text))
		_, _, err := ring(key).Verify(message, byNow)
		Expect(err).To(MatchError(ContainSubstring(fingerprintOf(key.PrimaryKey))))
	})
})

func many(n int, one []byte) (all [][]byte) {
	for range n {
		all = append(all, one)
	}
	return all
}
