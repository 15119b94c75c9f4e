// SPDX-License-Identifier: Apache-2.0

package realparts_test

import (
	"bytes"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/verifiedchart/verifiedchart/test/realparts"
)

var _ = Describe("the real GnuPG", Label("provenance"), Ordered, func() {
	const keepers = "Keepers <keepers@example.com>"
	var (
		gpg *realparts.GnuPG
		key realparts.OpenPGPKey
	)

	BeforeAll(func(ctx SpecContext) {
		if realparts.MissingGnuPG() != nil {
			return // each spec reports that itself
		}
		var err error
		gpg, err = realparts.NewGnuPG()
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(func() error { return gpg.Close() })
		key, err = gpg.GenerateKey(ctx, keepers)
		Expect(err).NotTo(HaveOccurred())
	})
	BeforeEach(func() {
		if err := realparts.MissingGnuPG(); err != nil {
			Skip(err.Error())
		}
	})

	It("makes a key with a subkey, which signs", func(ctx SpecContext) {
		Expect(key.UserID).To(Equal(keepers))
		Expect(key.Fingerprint).To(MatchRegexp("^[0-9A-F]{40}$"))
		subkey, err := gpg.Field(ctx, keepers, "sub", 4)
		Expect(err).NotTo(HaveOccurred())
		message, err := gpg.ClearSign(ctx, key.Fingerprint, []byte("signed\n"))
		Expect(err).NotTo(HaveOccurred())
		Expect(gpg.Run(ctx, message, "--status-fd", "1", "--verify")).To(MatchRegexp("VALIDSIG [0-9A-F]*" + subkey + " .* " + key.Fingerprint))
		_, err = gpg.Run(ctx, bytes.Replace(message, []byte("signed"), []byte("forged"), 1), "--verify")
		Expect(err).To(MatchError(ContainSubstring("BAD signature")))
	})

	It("makes a key that helm signs with", func(ctx SpecContext) {
		helm, err := realparts.NewHelm(GinkgoT().TempDir())
		Expect(err).NotTo(HaveOccurred())
		chart, err := helm.PackageSigned(ctx, "chart", "1.0.0", "signed", key)
		Expect(err).NotTo(HaveOccurred())
		Expect(chart.Provenance()).To(BeAnExistingFile())
		Expect(chart.SetProvenanceAside()).To(BeAnExistingFile())
		Expect(chart.Provenance()).NotTo(BeAnExistingFile())
	})

	DescribeTable("gives the public keys", func(ctx SpecContext, keyring func(SpecContext) ([]byte, error), start string) {
		Expect(keyring(ctx)).To(HavePrefix(start))
	},
		Entry("as binary packets", func(ctx SpecContext) ([]byte, error) { return gpg.Export(ctx) }, "\x98"),
		Entry("in ASCII armor", func(ctx SpecContext) ([]byte, error) { return gpg.Export(ctx, "--armor") }, "-----BEGIN PGP PUBLIC KEY BLOCK-----"),
		Entry("as a keybox", func(SpecContext) ([]byte, error) { return gpg.Keybox() }, "\x00\x00\x00\x20\x01"),
	)

	It("revokes the key, and no longer signs with it", func(ctx SpecContext) {
		Expect(gpg.Revoke(ctx, key.Fingerprint)).To(Succeed())
		Expect(gpg.Field(ctx, keepers, "pub", 1)).To(Equal("r"))
		_, err := gpg.ClearSign(ctx, key.Fingerprint, []byte("signed\n"))
		Expect(err).To(HaveOccurred())
	})
})
