// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"context"
	"os"

	"github.com/ProtonMail/go-crypto/openpgp/clearsign"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/verifiedchart/verifiedchart/test/realparts"
	"github.com/verifiedchart/verifiedchart/test/scenario"
)

// Signatures with a key that the real GnuPG made, and the end of that key.
var _ = Describe("by the real GnuPG,", Label("provenance"), func() {
	BeforeEach(func() {
		if err := realparts.MissingGnuPG(); err != nil {
			Skip(err.Error())
		}
	})

	for _, way := range []struct {
		text     string
		bySubkey bool
		entry    string
		keyring  func(context.Context, *realparts.GnuPG) ([]byte, error)
	}{
		{"a chart that helm signs with its key is proven by the key as it is exported", false, "pubring.gpg",
			func(ctx context.Context, gpg *realparts.GnuPG) ([]byte, error) { return gpg.Export(ctx) }},
		{"a chart that it clear-signs with a subkey is proven by the key in ASCII armor", true, "pubring.asc",
			func(ctx context.Context, gpg *realparts.GnuPG) ([]byte, error) { return gpg.Export(ctx, "--armor") }},
		{"a chart that it clear-signs with a subkey is proven by its keybox", true, "pubring.kbx",
			func(_ context.Context, gpg *realparts.GnuPG) ([]byte, error) { return gpg.Keybox() }},
	} {
		spec(way.text+", and withdrawn once the key is revoked", distribution, func(ctx context.Context, w *scenario.World) {
			gpg, key := newGnuPG(ctx)
			trust := func() {
				GinkgoHelper()
				content, err := way.keyring(ctx, gpg)
				Expect(err).NotTo(HaveOccurred())
				Expect(w.TrustKeyring(ctx, "gnupg", way.entry, content)).To(Succeed())
			}
			chart := packageSigned(ctx, w, "gnupg", key)
			signing := Equal(key.Fingerprint)
			if way.bySubkey {
				signAgain(ctx, gpg, key, chart)
				signing = Not(signing)
			}
			trust()
			offer(ctx, w, chart, "gnupg")
			Expect(w.ProvenBy(ctx, "gnupg", key, "the chart's manifest")).To(Succeed())
			Expect(get(ctx, w, "gnupg").Status.Verification.Authorities[0].SigningKey).To(signing)

			url, path := urlOf(ctx, w, "gnupg"), stored(ctx, w, "gnupg")
			Expect(gpg.Revoke(ctx, key.Fingerprint)).To(Succeed())
			trust()
			Expect(w.Until(ctx, "gnupg", withdrawn)).To(Succeed())
			expectGone(ctx, w, "gnupg", url)
			Expect(path).NotTo(BeAnExistingFile())
		})
	}
})

// newGnuPG returns a GnuPG with a key.
func newGnuPG(ctx context.Context) (*realparts.GnuPG, realparts.OpenPGPKey) {
	GinkgoHelper()
	gpg, err := realparts.NewGnuPG()
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(gpg.Close)
	key, err := gpg.GenerateKey(ctx, "Keepers <keepers@example.com>")
	Expect(err).NotTo(HaveOccurred())
	return gpg, key
}

// signAgain makes gpg sign, with the subkey, the text that helm has signed with the primary key.
func signAgain(ctx context.Context, gpg *realparts.GnuPG, key realparts.OpenPGPKey, chart realparts.Chart) {
	GinkgoHelper()
	byHelm, err := os.ReadFile(chart.Provenance())
	Expect(err).NotTo(HaveOccurred())
	block, _ := clearsign.Decode(byHelm)
	Expect(block).NotTo(BeNil())
	byGnuPG, err := gpg.ClearSign(ctx, key.Fingerprint, block.Plaintext)
	Expect(err).NotTo(HaveOccurred())
	Expect(os.WriteFile(chart.Provenance(), byGnuPG, 0o644)).To(Succeed())
}
