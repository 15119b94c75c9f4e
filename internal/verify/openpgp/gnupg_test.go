package openpgp_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/verifiedchart/verifiedchart/internal/verify/openpgp"
	. "github.com/verifiedchart/verifiedchart/internal/verify/openpgp/openpgptest"
)

// gnupg is a GnuPG with a home of its own.
type gnupg struct{ home string }

func newGnuPG() gnupg {
	GinkgoHelper()
	if _, err := exec.LookPath("gpg"); err != nil {
		Skip("gpg is not installed")
	}
	// The agent's socket lies in the home, and its path has to be short.
	home, err := os.MkdirTemp("", "gpg")
	Expect(err).NotTo(HaveOccurred())
	g := gnupg{home}
	DeferCleanup(func() {
		kill := exec.Command("gpgconf", "--homedir", home, "--kill", "all")
		Expect(kill.Run()).To(Succeed())
		Expect(os.RemoveAll(home)).To(Succeed())
	})
	return g
}

func (g gnupg) command(stdin string, arguments ...string) *exec.Cmd {
	c := exec.Command("gpg", append([]string{
		"--homedir", g.home, "--batch", "--no-tty", "--quiet", "--yes", "--passphrase", "", "--pinentry-mode", "loopback",
	}, arguments...)...)
	c.Stdin = strings.NewReader(stdin)
	return c
}

func (g gnupg) run(stdin string, arguments ...string) []byte {
	GinkgoHelper()
	var stdout, stderr bytes.Buffer
	c := g.command(stdin, arguments...)
	c.Stdout, c.Stderr = &stdout, &stderr
	Expect(c.Run()).To(Succeed(), stderr.String())
	return stdout.Bytes()
}

// generate makes a key that lives as long as GnuPG's expiry says, and returns its fingerprint.
func (g gnupg) generate(user, algorithm, usage, expiry string, options ...string) string {
	GinkgoHelper()
	g.run("", append(options, "--quick-generate-key", user, algorithm, usage, expiry)...)
	return g.field(user, "fpr", 9)
}

// field returns a field of the first record of the type that GnuPG lists for the user.
func (g gnupg) field(user, record string, number int) string {
	GinkgoHelper()
	for line := range strings.Lines(string(g.run("", "--list-keys", "--with-colons", "--with-subkey-fingerprint", user))) {
		if fields := strings.Split(line, ":"); fields[0] == record {
			return fields[number]
		}
	}
	Fail("gpg lists no " + record + " of " + user)
	return ""
}

func (g gnupg) sign(user, signed string, options ...string) []byte {
	GinkgoHelper()
	return g.run(signed, append(options, "--local-user", user, "--clear-sign")...)
}

func (g gnupg) keybox() *openpgp.Keyring {
	GinkgoHelper()
	content, err := os.ReadFile(filepath.Join(g.home, "pubring.kbx"))
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
		revocation, err := os.ReadFile(filepath.Join(g.home, "openpgp-revocs.d", primary+".rev"))
		Expect(err).NotTo(HaveOccurred())
		g.run(strings.Replace(string(revocation), ":-----BEGIN", "-----BEGIN", 1), "--import")
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
		message := filepath.Join(g.home, "message")
		g.run(string(Armored(Public(key))), "--import")
		Expect(os.WriteFile(message, Sign(key, plain, With(key.Subkeys[0].PrivateKey)), 0o600)).To(Succeed())
		g.run("", "--verify", message)
		Expect(os.WriteFile(message, bytes.Replace(Sign(key, plain), []byte("last"), []byte("lost"), 1), 0o600)).To(Succeed())
		Expect(g.command("", "--verify", message).Run()).NotTo(Succeed())
	})
})
