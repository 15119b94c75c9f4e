// SPDX-License-Identifier: Apache-2.0

package openpgp_test

import (
	"bytes"
	"context"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/ProtonMail/go-crypto/openpgp/packet"

	"github.com/verifiedchart/verifiedchart/internal/verify/openpgp"
	. "github.com/verifiedchart/verifiedchart/internal/verify/openpgp/openpgptest"
	"github.com/verifiedchart/verifiedchart/test/realparts"
)

// gnupg runs the real GnuPG; every command must succeed.
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

// generate makes a key with the expiry in GnuPG's notation, and returns its fingerprint.
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

var _ = Describe("The output of the real GnuPG", Label("provenance"), func() {
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

	It("is accepted if a subkey signed it, with GnuPG's own headers and line ends", func() {
		g := newGnuPG()
		primary := g.generate(ada, "ed25519", "cert", "never")
		g.run("", "--quick-add-key", primary, "rsa2048", "sign", "1y")
		message := g.sign(ada, plain, "--emit-version", "--comment", "a comment", "--digest-algo", "SHA384")
		s := accepted(g.keybox(), message, today())
		Expect(s.Primary).To(Equal(primary))
		Expect(s.Signing).NotTo(Equal(primary))
	})

	It("is accepted if GnuPG's default key signed it", func() {
		g := newGnuPG()
		primary := g.generate(ada, "default", "default", "never")
		accepted(g.keybox(), g.sign(ada, plain), today())
		Expect(accepted(parsed(entry(g.run("", "--armor", "--export-options", "export-minimal", "--export"))),
			g.sign(ada, plain), today()).Primary).To(Equal(primary))
	})

	It("F11: is refused if the key has expired since, unless that is allowed, and accepted once the key is prolonged", func() {
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

	It("F10: is refused if a DSA key signed it", func() {
		g := newGnuPG()
		g.generate(ada, "dsa2048", "sign,cert", "never")
		g.generate("Other", "ed25519", "sign,cert", "never")
		k := g.keybox()
		Expect(k.Skipped()).To(HaveLen(1))
		refused(k, g.sign(ada, plain), today())
	})

	It("is refused if its key is revoked", func() {
		g := newGnuPG()
		primary := g.generate(ada, "ed25519", "sign,cert", "never")
		message := g.sign(ada, plain)
		accepted(g.keybox(), message, today())
		Expect(g.Revoke(context.Background(), primary)).To(Succeed())
		refused(g.keybox(), message, today())
	})

	It("J9: ends when its key expires", func() {
		g := newGnuPG()
		primary := g.generate(ada, "ed25519", "cert", "2y")
		g.run("", "--quick-add-key", primary, "ed25519", "sign", "1y")
		s := accepted(g.keybox(), g.sign(ada, plain), today())
		Expect(s.Ends).To(BeTemporally("~", time.Now().AddDate(1, 0, 0), 2*day))
		g.run("", "--quick-set-expire", primary, "0", "*")
		Expect(accepted(g.keybox(), g.sign(ada, plain), today()).Ends).To(BeTemporally("~", time.Now().AddDate(2, 0, 0), 2*day))
	})

	// uncommented removes GnuPG's colon.
	uncommented := func(file []byte) []byte {
		GinkgoHelper()
		changed := bytes.Replace(file, []byte("\n:-----BEGIN"), []byte("\n-----BEGIN"), 1)
		Expect(changed).NotTo(Equal(file))
		return changed
	}
	// blockOf returns only the ASCII-armored block.
	blockOf := func(file []byte) []byte { return file[bytes.Index(file, []byte("-----BEGIN")):] }

	DescribeTable("J11: is refused if GnuPG's revocation certificate revokes its key:",
		func(entries func(g gnupg, file []byte) map[string][]byte) {
			for _, algorithm := range []string{"ed25519", "rsa2048"} {
				g := newGnuPG()
				primary := g.generate(ada, algorithm, "sign,cert", "never")
				other := g.generate("Other", "ed25519", "sign,cert", "never")
				message := g.sign(ada, plain)
				file, err := g.RevocationCertificate(primary)
				Expect(err).NotTo(HaveOccurred())
				k := parsed(entries(g, file))
				refused(k, message, today())
				accepted(k, g.sign("Other", plain), today())
				Expect(k.Revoked()).To(Equal([]string{primary}))
				Expect(k.Revoked()).NotTo(ContainElement(other))
			}
		},
		Entry("its file in an entry of its own", func(g gnupg, file []byte) map[string][]byte {
			return map[string][]byte{"keys": g.run("", "--export"), "rev": uncommented(file)}
		}),
		Entry("its file as GnuPG writes it, with the colon", func(g gnupg, file []byte) map[string][]byte {
			return map[string][]byte{"keys": g.run("", "--export"), "a.rev": file}
		}),
		Entry("its file next to a keybox", func(g gnupg, file []byte) map[string][]byte {
			box, err := g.Keybox()
			Expect(err).NotTo(HaveOccurred())
			return map[string][]byte{"pubring.kbx": box, "rev": uncommented(file)}
		}),
		Entry("its block after the keys", func(g gnupg, file []byte) map[string][]byte {
			return entry(g.run("", "--armor", "--export"), blockOf(file))
		}),
		Entry("its block before the keys", func(g gnupg, file []byte) map[string][]byte {
			return entry(blockOf(file), g.run("", "--armor", "--export"))
		}),
		Entry("its packet after the keys: cat key.gpg rev.gpg", func(g gnupg, file []byte) map[string][]byte {
			return entry(g.run("", "--export"), g.run(string(blockOf(file)), "--dearmor"))
		}),
		Entry("its packet before the keys", func(g gnupg, file []byte) map[string][]byte {
			return entry(g.run(string(blockOf(file)), "--dearmor"), g.run("", "--export"))
		}),
		Entry("its packet in an entry of its own", func(g gnupg, file []byte) map[string][]byte {
			return map[string][]byte{"0": g.run(string(blockOf(file)), "--dearmor"), "keys": g.run("", "--armor", "--export")}
		}),
		Entry("its file made minimal on export", func(g gnupg, file []byte) map[string][]byte {
			before := g.run("", "--export")
			g.run(string(uncommented(file)), "--import")
			return map[string][]byte{"1": before, "2": g.run("", "--armor", "--export-options", "export-minimal", "--export")}
		}),
	)

	It("J11: is refused if GnuPG revoked its subkey, with the revocation in a separate entry", func() {
		g := newGnuPG()
		primary := g.generate(ada, "ed25519", "cert", "never")
		g.run("", "--quick-add-key", primary, "ed25519", "sign", "never")
		message, before := g.sign(ada, plain), g.run("", "--export")
		subkey := accepted(parsed(entry(before)), message, today()).Signing
		g.run("key 1\nrevkey\ny\n0\n\ny\nsave\n", "--command-fd", "0", "--no-batch", "--edit-key", primary)
		revocation := revocationIn(g.run("", "--export"))
		for _, entries := range []map[string][]byte{
			entry(before, revocation), entry(revocation, before), {"keys": Armored(before), "a": Armored(revocation)},
		} {
			k := parsed(entries)
			refused(k, message, today())
			Expect(k.Revoked()).To(Equal([]string{subkey}))
		}
	})

	It("does not name a user id that is revoked", func() {
		g := newGnuPG()
		primary := g.generate(ada, "ed25519", "sign,cert", "never")
		g.run("", "--quick-add-uid", primary, "Other")
		g.run("", "--quick-revoke-uid", primary, ada)
		Expect(accepted(g.keybox(), g.sign(primary, plain), today()).UserID).To(Equal("Other"))
	})

	It("F16: is accepted if only the second of two signers is known", func() {
		g := newGnuPG()
		g.generate(ada, "ed25519", "sign,cert", "never")
		other := g.generate("Other", "rsa2048", "sign,cert", "never")
		message := g.sign(ada, plain, "--local-user", "Other")
		only, err := g.keybox().Only([]string{other})
		Expect(err).NotTo(HaveOccurred())
		Expect(accepted(only, message, today()).Primary).To(Equal(other))
	})

	It("is not used if it is a private key", func() {
		g := newGnuPG()
		g.generate(ada, "ed25519", "sign,cert", "never")
		_, err := openpgp.Parse(context.Background(), entry(g.run("", "--armor", "--export-secret-keys")))
		Expect(err).To(MatchError(openpgp.ErrKeyring))
	})

	It("agrees with the output of our tests", func() {
		g := newGnuPG()
		key := NewKey(Using(Ed25519Legacy))
		AddSubkey(key, SubkeyUsing(P256))
		g.run(string(Armored(Public(key))), "--import")
		g.run(string(Sign(key, plain, With(key.Subkeys[0].PrivateKey))), "--verify")
		_, err := g.Run(context.Background(), bytes.Replace(Sign(key, plain), []byte("last"), []byte("lost"), 1), "--verify")
		Expect(err).To(MatchError(ContainSubstring("BAD signature")))
	})
})

// revocationIn returns the revocation of a subkey among the packets.
func revocationIn(keys []byte) []byte {
	GinkgoHelper()
	for r := packet.NewOpaqueReader(bytes.NewReader(keys)); ; {
		p, err := r.Next()
		Expect(err).NotTo(HaveOccurred())
		if p.Tag == 2 && p.Contents[1] == byte(packet.SigTypeSubkeyRevocation) {
			return Packet(2, p.Contents)
		}
	}
}
