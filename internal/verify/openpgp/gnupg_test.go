// SPDX-License-Identifier: Apache-2.0

package openpgp_test

import (
	"bytes"
	"context"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/verifiedchart/verifiedchart/internal/verify/openpgp"
	. "github.com/verifiedchart/verifiedchart/internal/verify/openpgp/openpgptest"
	"github.com/verifiedchart/verifiedchart/test/realparts"
)

// gnupg is the real GnuPG; what it is asked for has to succeed.
type gnupg struct{ *realparts.GnuPG }

func newGnuPG() gnupg {
	GinkgoHelper()
	if err := realparts.MissingGnuPG(); err != nil {
		Skip(err.Error())
	}
	g, err := realparts.NewGnuPG()
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(g.Close)
	return gnupg{g}
}

func (g gnupg) run(stdin string, arguments ...string) []byte {
	GinkgoHelper()
	written, err := g.Run(context.Background(), []byte(stdin), arguments...)
	Expect(err).NotTo(HaveOccurred())
	return written
}

// generate makes a key that lives as long as GnuPG's expiry says, and returns its fingerprint.
func (g gnupg) generate(user, algorithm, usage, expiry string, options ...string) string {
	GinkgoHelper()
	g.run("", append(options, "--quick-generate-key", user, algorithm, usage, expiry)...)
	fingerprint, err := g.Field(context.Background(), user, "fpr", 9)
	Expect(err).NotTo(HaveOccurred())
	return fingerprint
}

func (g gnupg) sign(user, signed string, options ...string) []byte {
	GinkgoHelper()
	message, err := g.ClearSign(context.Background(), user, []byte(signed), options...)
	Expect(err).NotTo(HaveOccurred())
	return message
}

func (g gnupg) keybox() *openpgp.Keyring {
	GinkgoHelper()
	content, err := g.Keybox()
	Expect(err).NotTo(HaveOccurred())
	return parsed(entry(content))
}

var _ = Describe("What the real GnuPG writes", func() {
	const plain = "name: nginx\n-----dashes\n- dash\nFrom me\ntrailing \t\n\n...\nlast\n"
	const read = "name: nginx\n-----dashes\n- dash\nFrom me\ntrailing\n\n...\nlast"
	today := func() openpgp.Options { return openpgp.Options{Now: time.Now()} }

	DescribeTable("is accepted, with the keybox and with each of its exports",
		func(algorithm string) {
			g := newGnuPG()
			primary := g.generate(ada, algorithm, "sign,cert", "1y")
			g.run("", "--quick-add-key", primary, "default", "encr")
			g.generate("Other", "ed25519", "sign,cert", "never")
			message := g.sign(ada, plain)
			for _, k := range []*openpgp.Keyring{
				g.keybox(),
				parsed(entry(g.run("", "--export"))),
				parsed(entry(g.run("", "--armor", "--export"))),
			} {
				Expect(k.Len()).To(Equal(2))
				Expect(k.Skipped()).To(BeEmpty())
				got, s, err := k.Verify(message, today())
				Expect(err).NotTo(HaveOccurred())
				Expect(string(got)).To(Equal(read))
				Expect(s.Primary).To(Equal(primary))
				Expect(s.Signing).To(Equal(primary))
				Expect(s.UserID).To(Equal(ada))
				Expect(s.Time).To(BeTemporally("~", time.Now(), time.Minute))
			}
			refused(g.keybox(), bytes.Replace(message, []byte("last"), []byte("lost"), 1), today())
		},
		Entry("Ed25519", "ed25519"),
		Entry("NIST P-256", "nistp256"),
		Entry("NIST P-384", "nistp384"),
		Entry("NIST P-521", "nistp521"),
		Entry("RSA-2048", "rsa2048"),
	)

	It("is accepted of a signing subkey, and with its own headers and text line ends", func() {
		g := newGnuPG()
		primary := g.generate(ada, "ed25519", "cert", "never")
		g.run("", "--quick-add-key", primary, "rsa2048", "sign", "1y")
		message := g.sign(ada, plain, "--emit-version", "--comment", "a comment", "--digest-algo", "SHA384")
		s := accepted(g.keybox(), message, today())
		Expect(s.Primary).To(Equal(primary))
		Expect(s.Signing).NotTo(Equal(primary))
	})

	It("is accepted of the key that GnuPG makes by default", func() {
		g := newGnuPG()
		primary := g.generate(ada, "default", "default", "never")
		accepted(g.keybox(), g.sign(ada, plain), today())
		Expect(accepted(parsed(entry(g.run("", "--armor", "--export-options", "export-minimal", "--export"))),
			g.sign(ada, plain), today()).Primary).To(Equal(primary))
	})

	It("F11: is refused of a key that has expired since, unless that is allowed, and accepted once it is prolonged", func() {
		g := newGnuPG()
		past := []string{"--faked-system-time", "20240101T000000!"}
		primary := g.generate(ada, "ed25519", "sign,cert", "1y", past...)
		message := g.sign(ada, plain, past...)
		refused(g.keybox(), message, today())
		accepted(g.keybox(), message, openpgp.Options{Now: time.Now(), AllowExpiredKeys: true})
		g.run("", "--quick-set-expire", primary, "0")
		accepted(g.keybox(), message, today())
	})

	It("F9: is refused with SHA-1", func() {
		g := newGnuPG()
		g.generate(ada, "rsa2048", "sign,cert", "never")
		refused(g.keybox(), g.sign(ada, plain, "--digest-algo", "SHA1"), today())
	})

	It("F10: is refused by DSA", func() {
		g := newGnuPG()
		g.generate(ada, "dsa2048", "sign,cert", "never")
		g.generate("Other", "ed25519", "sign,cert", "never")
		k := g.keybox()
		Expect(k.Skipped()).To(HaveLen(1))
		refused(k, g.sign(ada, plain), today())
	})

	It("is refused of a key that is revoked", func() {
		g := newGnuPG()
		primary := g.generate(ada, "ed25519", "sign,cert", "never")
		message := g.sign(ada, plain)
		accepted(g.keybox(), message, today())
		Expect(g.Revoke(context.Background(), primary)).To(Succeed())
		refused(g.keybox(), message, today())
	})

	It("does not name a user id that is revoked", func() {
		g := newGnuPG()
		primary := g.generate(ada, "ed25519", "sign,cert", "never")
		g.run("", "--quick-add-uid", primary, "Other")
		g.run("", "--quick-revoke-uid", primary, ada)
		Expect(accepted(g.keybox(), g.sign(primary, plain), today()).UserID).To(Equal("Other"))
	})

	It("F16: is accepted of the second of two signers", func() {
		g := newGnuPG()
		g.generate(ada, "ed25519", "sign,cert", "never")
		other := g.generate("Other", "rsa2048", "sign,cert", "never")
		message := g.sign(ada, plain, "--local-user", "Other")
		only, err := g.keybox().Only([]string{other})
		Expect(err).NotTo(HaveOccurred())
		Expect(accepted(only, message, today()).Primary).To(Equal(other))
	})

	It("is a private key that is not used", func() {
		g := newGnuPG()
		g.generate(ada, "ed25519", "sign,cert", "never")
		_, err := openpgp.ParseKeyring(entry(g.run("", "--armor", "--export-secret-keys")))
		Expect(err).To(MatchError(openpgp.ErrKeyring))
	})

	It("agrees with what our tests write", func() {
		g := newGnuPG()
		key := NewKey(Using(Ed25519Legacy))
		AddSubkey(key, SubkeyUsing(P256))
		g.run(string(Armored(Public(key))), "--import")
		g.run(string(Sign(key, plain, With(key.Subkeys[0].PrivateKey))), "--verify")
		_, err := g.Run(context.Background(), bytes.Replace(Sign(key, plain), []byte("last"), []byte("lost"), 1), "--verify")
		Expect(err).To(MatchError(ContainSubstring("BAD signature")))
	})
})
