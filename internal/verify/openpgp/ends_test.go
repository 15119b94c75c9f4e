// SPDX-License-Identifier: Apache-2.0

package openpgp_test

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/ProtonMail/go-crypto/openpgp/packet"

	"github.com/verifiedchart/verifiedchart/internal/verify/openpgp"
	. "github.com/verifiedchart/verifiedchart/internal/verify/openpgp/openpgptest"
)

func living(d time.Duration) func(*packet.Signature) {
	seconds := uint32(d / time.Second)
	return func(s *packet.Signature) { s.KeyLifetimeSecs = &seconds }
}

func unsigning(s *packet.Signature) { s.FlagSign = false }

var _ = Describe("The end of a good signature", Label("provenance"), func() {
	// ends checks that the signature is good until that moment, and no longer from then on.
	ends := func(e example, o openpgp.Options, at time.Time) {
		GinkgoHelper()
		s := accepted(ring(e.key), e.message, o)
		Expect(s.Ends).To(Equal(at))
		if at.IsZero() {
			o.Now = o.Now.Add(50 * 365 * day)
			accepted(ring(e.key), e.message, o)
			return
		}
		o.Now = at.Add(-time.Second)
		Expect(accepted(ring(e.key), e.message, o).Ends).To(Equal(at))
		o.Now = at
		refused(ring(e.key), e.message, o)
	}

	DescribeTable("J9: is the first moment at which it is refused",
		func(make func() example, at time.Time) { ends(make(), byNow, at) },
		Entry("never, if nothing expires", func() example { return byPrimary(NewKey()) }, time.Time{}),
		Entry("never, of a subkey if nothing expires", func() example { return bySubkey(withSubkey()) }, time.Time{}),
		Entry("when the primary key expires", func() example { return byPrimary(NewKey(ExpiringAfter(40 * day))) }, Created.Add(40*day)),
		Entry("when a key of version 6 expires", func() example { return byPrimary(NewKey(V6(), ExpiringAfter(40*day))) }, Created.Add(40*day)),
		Entry("when the primary key of the subkey expires", func() example {
			key := NewKey(ExpiringAfter(40 * day))
			AddSubkey(key, SubkeyExpiringAfter(50*day))
			return bySubkey(key)
		}, Created.Add(40*day)),
		Entry("when the subkey expires", func() example {
			key := NewKey(ExpiringAfter(50 * day))
			AddSubkey(key, SubkeyExpiringAfter(40*day))
			return bySubkey(key)
		}, Created.Add(40*day)),
		Entry("when the subkey expires, which is younger than the primary key", func() example {
			return bySubkey(withSubkey(SubkeyCreatedAt(Created.Add(day)), SubkeyExpiringAfter(40*day)), At(Created.Add(2*day)))
		}, Created.Add(41*day)),
		Entry("not when another subkey expires", func() example {
			key := withSubkey()
			e := bySubkey(key)
			AddSubkey(key, SubkeyExpiringAfter(40*day))
			return e
		}, time.Time{}),
		Entry("when the signature expires", func() example { return byPrimary(NewKey(ExpiringAfter(50*day)), Expiring(40*day)) }, signedAt.Add(40*day)),
		Entry("when the self-signature expires", func() example { return byPrimary(NewKey(SelfSigned(lasting(40 * day)))) }, Created.Add(40*day)),
		Entry("when the binding expires", func() example { return bySubkey(withSubkey(Bound(lasting(40 * day)))) }, Created.Add(40*day)),
		Entry("when the cross-signature expires", func() example {
			return bySubkey(withSubkey(CrossSignatureExpiringAfter(40 * day)))
		}, Created.Add(40*day)),
		Entry("when the lifetime in the direct-key signature ends", func() example {
			key := NewKey()
			AddDirectSignature(key, Created, living(40*day))
			return byPrimary(key)
		}, Created.Add(40*day)),
		Entry("after its life was prolonged", func() example {
			key := NewKey(ExpiringAfter(35 * day))
			Certify(key, ada, Created.Add(day), living(40*day))
			return byPrimary(key)
		}, Created.Add(40*day)),
		Entry("after its life was shortened", func() example {
			key := NewKey(ExpiringAfter(300 * day))
			Certify(key, ada, Created.Add(day), living(40*day))
			return byPrimary(key)
		}, Created.Add(40*day)),
		Entry("not when the self-signature of one of two user ids expires", func() example {
			key := NewKey(SelfSigned(lasting(40 * day)))
			Certify(key, "Other", Created, nil)
			return byPrimary(key)
		}, time.Time{}),
		Entry("when the last user id that lets the key sign expires", func() example {
			key := NewKey(SelfSigned(lasting(40 * day)))
			Certify(key, "Other", Created, unsigning)
			return byPrimary(key)
		}, Created.Add(40*day)),
		Entry("when a later self-signature takes the right to sign", func() example {
			key := NewKey()
			Certify(key, ada, Created.Add(40*day), unsigning)
			return byPrimary(key)
		}, Created.Add(40*day-5*time.Minute)),
		Entry("when a later binding takes the right to sign", func() example {
			key := withSubkey()
			Rebind(key, SubkeyCreatedAt(Created.Add(40*day)), ForEncryption())
			return bySubkey(key)
		}, Created.Add(40*day-5*time.Minute)),
		Entry("not when a later self-signature prolongs its life in time", func() example {
			key := NewKey(ExpiringAfter(50 * day))
			Certify(key, ada, Created.Add(40*day), nil)
			return byPrimary(key)
		}, time.Time{}),
	)

	DescribeTable("J9: does not depend on the expiry of keys, if keys may have expired",
		func(make func() example, at time.Time) { ends(make(), lenient, at) },
		Entry("the primary key", func() example { return byPrimary(NewKey(ExpiringAfter(40 * day))) }, time.Time{}),
		Entry("the subkey", func() example { return bySubkey(withSubkey(SubkeyExpiringAfter(40 * day))) }, time.Time{}),
		Entry("the primary key that has expired", func() example { return byPrimary(NewKey(ExpiringAfter(7 * day))) }, time.Time{}),
		Entry("but on the lifetime of the signature", func() example {
			return byPrimary(NewKey(ExpiringAfter(35*day)), Expiring(40*day))
		}, signedAt.Add(40*day)),
		Entry("but on the lifetime of the self-signature", func() example {
			return byPrimary(NewKey(SelfSigned(func(s *packet.Signature) {
				living(35 * day)(s)
				lasting(40 * day)(s)
			})))
		}, Created.Add(40*day)),
		Entry("but on the lifetime of the binding", func() example { return bySubkey(withSubkey(Bound(lasting(40 * day)))) }, Created.Add(40*day)),
	)

	It("J9: is known for each key that signed", func() {
		a, b := NewKey(ExpiringAfter(40*day)), NewKey(ExpiringAfter(50*day))
		_, all, err := ring(a, b).VerifyAll(Message(text, Signature(a, text), Signature(b, text)), byNow)
		Expect(err).NotTo(HaveOccurred())
		Expect(all).To(HaveExactElements(HaveField("Ends", Created.Add(40*day)), HaveField("Ends", Created.Add(50*day))))
	})

	It("J9: is found for a key with many self-signatures", func() {
		key := NewKey()
		for i := range 400 {
			Certify(key, ada, Created.Add(time.Duration(i)*time.Second), living(time.Duration(4000+i)*day))
		}
		ends(byPrimary(key), byNow, Created.Add(4399*day))
	})
})
