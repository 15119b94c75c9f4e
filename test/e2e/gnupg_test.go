// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"context"
	"net/http"
	"os"

	"github.com/ProtonMail/go-crypto/openpgp/clearsign"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/verifiedchart/verifiedchart/test/realparts"
	"github.com/verifiedchart/verifiedchart/test/scenario"
)

// gnupg is what is signed with a key that the real GnuPG made, and the end of that key.
func gnupg(w **scenario.World) {
	Context("by the real GnuPG,", func() {
		var gpg *realparts.GnuPG
		var key realparts.OpenPGPKey

		BeforeAll(func(ctx SpecContext) {
			if realparts.MissingGnuPG() != nil {
				return // for each spec to say so
			}
			var err error
			gpg, err = realparts.NewGnuPG()
			Expect(err).NotTo(HaveOccurred())
			DeferCleanup(func() error { return gpg.Close() })
			key, err = gpg.GenerateKey(ctx, "Keepers <keepers@example.com>")
			Expect(err).NotTo(HaveOccurred())
		})
		BeforeEach(func() {
			if err := realparts.MissingGnuPG(); err != nil {
				Skip(err.Error())
			}
		})

		// signAgain has gpg sign, with the subkey, what helm has signed with the primary key.
		signAgain := func(ctx context.Context, chart realparts.Chart) {
			GinkgoHelper()
			byHelm, err := os.ReadFile(chart.Provenance())
			Expect(err).NotTo(HaveOccurred())
			block, _ := clearsign.Decode(byHelm)
			Expect(block).NotTo(BeNil())
			byGnuPG, err := gpg.ClearSign(ctx, key.Fingerprint, block.Plaintext)
			Expect(err).NotTo(HaveOccurred())
			Expect(os.WriteFile(chart.Provenance(), byGnuPG, 0o644)).To(Succeed())
		}
		binary := func(ctx context.Context) ([]byte, error) { return gpg.Export(ctx) }
		armored := func(ctx context.Context) ([]byte, error) { return gpg.Export(ctx, "--armor") }
		keybox := func(context.Context) ([]byte, error) { return gpg.Keybox() }

		ways := []struct {
			name, text string
			bySubkey   bool
			entry      string
			keyring    func(context.Context) ([]byte, error)
		}{
			{"gpg-binary", "a chart that helm signs with its key is proven by the key as it is exported", false, "pubring.gpg", binary},
			{"gpg-armored", "a chart that it clear-signs with a subkey is proven by the key in ASCII armor", true, "pubring.asc", armored},
			{"gpg-keybox", "a chart that it clear-signs with a subkey is proven by its keybox", true, "pubring.kbx", keybox},
		}
		// trust makes the keyring as it is now the one of the Secret.
		trust := func(ctx context.Context, w *scenario.World, name, entry string, keyring func(context.Context) ([]byte, error)) {
			GinkgoHelper()
			content, err := keyring(ctx)
			Expect(err).NotTo(HaveOccurred())
			Expect(w.TrustKeyring(ctx, name, entry, content)).To(Succeed())
		}

		for _, way := range ways {
			spec(way.text, w, func(ctx context.Context, w *scenario.World) {
				chart := packageSigned(ctx, w, way.name, key)
				signing := Equal(key.Fingerprint)
				if way.bySubkey {
					signAgain(ctx, chart)
					signing = Not(signing)
				}
				trust(ctx, w, way.name, way.entry, way.keyring)
				offer(ctx, w, chart, way.name)
				Expect(w.ProvenBy(ctx, way.name, key, "the chart's manifest")).To(Succeed())
				vc, err := w.Get(ctx, way.name)
				Expect(err).NotTo(HaveOccurred())
				Expect(vc.Status.Verification.Authorities[0].SigningKey).To(signing)
			})
		}

		spec("once the key is revoked its charts are withdrawn, by each of these keyrings", w, func(ctx context.Context, w *scenario.World) {
			Expect(gpg.Revoke(ctx, key.Fingerprint)).To(Succeed())
			for _, way := range ways {
				vc, err := w.Get(ctx, way.name)
				Expect(err).NotTo(HaveOccurred())
				path := stored(ctx, w, way.name)
				trust(ctx, w, way.name, way.entry, way.keyring)
				Expect(w.Until(ctx, way.name, withdrawn)).To(Succeed())
				Expect(w.Announced(ctx, way.name)).To(BeNil())
				status, _, err := w.Download(ctx, vc.Status.Artifact.URL)
				Expect(err).NotTo(HaveOccurred())
				Expect(status).To(Equal(http.StatusNotFound))
				Expect(path).NotTo(BeAnExistingFile())
			}
		})
	})
}
