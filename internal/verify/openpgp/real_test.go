// SPDX-License-Identifier: Apache-2.0

package openpgp_test

import (
	"context"
	"crypto"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
	v2 "github.com/ProtonMail/go-crypto/openpgp/v2"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/verifiedchart/verifiedchart/internal/problem"
	"github.com/verifiedchart/verifiedchart/internal/verify/openpgp"
	. "github.com/verifiedchart/verifiedchart/internal/verify/openpgp/openpgptest"
)

// withoutUserIDs returns a key as some keyservers send it.
func withoutUserIDs(options ...KeyOption) *v2.Entity {
	key := NewKey(options...)
	key.Identities = nil
	return key
}

// exported returns why the key that GnuPG exports is not usable.
func exported(g gnupg) error {
	_, err := openpgp.Parse(context.Background(), entry(g.run("", "--export", ada)))
	return err
}

var _ = Describe("A keyring of keys that people have", Label("provenance"), func() {
	DescribeTable("names the true reason why its only key is not used, and the fix",
		func(content func() []byte, fault, fix string) {
			_, err := openpgp.Parse(context.Background(), entry(content()))
			Expect(err).To(MatchError(openpgp.ErrKeyring))
			Expect(err).NotTo(MatchError(openpgp.ErrUnreadable))
			Expect(problem.Brief(err)).To(And(MatchRegexp(`: key [0-9A-F]{16} `), HaveSuffix(fault)))
			Expect(len(problem.Brief(err))).To(BeNumerically("<=", 70))
			Expect(err.Error()).To(ContainSubstring(fix))
		},
		Entry("K4: a self-signature with SHA-1", func() []byte { return Public(NewKey(SelfSigned(hashing(crypto.SHA1)))) },
			"is self-signed with SHA-1", "gpg --cert-digest-algo SHA512 --quick-set-expire"),
		Entry("K4: self-signatures with SHA-1 over two user ids", func() []byte {
			return Public(NewKey(WithUserIDs("Ada <ada@example.com>", "Ada <ada@example.org>"), SelfSigned(hashing(crypto.SHA1))))
		}, "is self-signed with SHA-1", "--quick-set-expire"),
		Entry("K4: a self-signature with SHA-1 of a key that has a subkey", func() []byte {
			key := NewKey(SelfSigned(hashing(crypto.SHA1)))
			AddSubkey(key)
			return Public(key)
		}, "is self-signed with SHA-1", "--quick-set-expire"),
		Entry("K4: a self-signature with SHA-1, ASCII-armored", func() []byte { return Armored(Public(NewKey(SelfSigned(hashing(crypto.SHA1))))) },
			"is self-signed with SHA-1", "--quick-set-expire"),

		Entry("K6: no user id", func() []byte { return Public(withoutUserIDs()) }, "has no user id", "ask its owner"),
		Entry("K6: no user id, but a subkey", func() []byte {
			key := withoutUserIDs()
			AddSubkey(key)
			return Public(key)
		}, "has no user id", "gpg --export"),
		Entry("K6: no user id, ASCII-armored", func() []byte { return Armored(Public(withoutUserIDs(Using(RSA2048)))) }, "has no user id", "keyservers"),
		Entry("K6: a user id that only another key signed", func() []byte {
			key := NewKey()
			key.Identities = NewKey().Identities
			return Public(key)
		}, "has no valid self-signature", "ask its owner"),
		Entry("K6: version 6 without a direct-key signature", func() []byte {
			key := NewKey(V6())
			key.DirectSignatures = nil
			return Public(key)
		}, "has no valid direct-key signature", "ask its owner"),
		Entry("K6: a Brainpool curve", func() []byte { return Public(NewKey(Using(BrainpoolP256))) }, "is on the unsupported curve BrainpoolP256", "P-256"),
		Entry("K6: secp256k1", func() []byte { return Public(NewKey(Using(Secp256k1))) }, "is on the unsupported curve SecP256k1", "P-256"),
		Entry("K6: DSA", func() []byte { return Public(NewKey(Using(DSA), SelfSigned(hashing(crypto.SHA256)))) }, "is a DSA key", "RSA"),
		Entry("K6: a short RSA key", func() []byte { return Public(NewKey(Using(RSA1024))) }, "is an RSA key of 1024 bits", "RSA with 2048 to 8192 bits"),
	)

	It("K4: has a key with an old self-signature by SHA-1 and a new one by SHA-2", func() {
		key := NewKey(SelfSigned(hashing(crypto.SHA1)))
		old := Public(key)
		for id := range key.Identities {
			Certify(key, id, Created.Add(time.Hour), hashing(crypto.SHA512))
		}
		k := parsed(map[string][]byte{"a": old, "b": Public(key)})
		Expect(k.Skipped()).To(BeEmpty())
		accepted(k, Sign(key, text), byNow)
	})

	It("K6: has a key without a user id that a direct-key signature makes whole", func() {
		key := withoutUserIDs()
		AddDirectSignature(key, Created, func(*packet.Signature) {})
		accepted(parsed(entry(Public(key))), Sign(key, text), byNow)
	})

	It("K4: has a key that GnuPG self-signed with SHA-1, until the fix of the message renews it", func() {
		g := newGnuPG()
		fingerprint := g.generate(ada, "rsa3072", "sign,cert", "never", "--cert-digest-algo", "SHA1")
		message := g.sign(ada, text)
		err := exported(g)
		Expect(err).To(MatchError(openpgp.ErrKeyring))
		Expect(problem.Brief(err)).To(HaveSuffix("key " + fingerprint[24:] + " is self-signed with SHA-1"))
		Expect(err.Error()).To(ContainSubstring("gpg --cert-digest-algo SHA512 --quick-set-expire " + fingerprint + " 2y"))

		g.run("", "--cert-digest-algo", "SHA512", "--quick-set-expire", fingerprint, "2y")
		_, _, err = parsed(entry(g.run("", "--export", ada))).Verify(message, openpgp.Options{Now: time.Now()})
		Expect(err).NotTo(HaveOccurred())
	})

	It("K6: has a key of GnuPG on a Brainpool curve, which the message names", func() {
		g := newGnuPG()
		g.generate(ada, "brainpoolP256r1", "sign,cert", "never")
		Expect(problem.Brief(exported(g))).To(HaveSuffix("is on the unsupported curve BrainpoolP256"))
	})
})
