package bundle_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/opencontainers/go-digest"

	"github.com/verifiedchart/verifiedchart/internal/trustroot"
	"github.com/verifiedchart/verifiedchart/internal/verify/bundle"
)

// published returns a file that sigstore-go brings along.
func published(name string) []byte {
	GinkgoHelper()
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/sigstore/sigstore-go").Output()
	Expect(err).NotTo(HaveOccurred())
	raw, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(dir)), name))
	Expect(err).NotTo(HaveOccurred())
	return raw
}

var _ = Describe("A bundle of the public Sigstore", func() {
	const (
		npm      = digest.Digest("sha512:46d4e2f74c4877316640000a6fdf8a8b59f1e0847667973e9859f774dd31b8f1e0937813b777fb66a2ac67d50540fe34640966eee9fc2ccca387082b4c85cd3c")
		workflow = "https://github.com/sigstore/sigstore-js/.github/workflows/release.yml@refs/heads/main"
	)
	verified := func(root []byte, of digest.Digest) (bundle.Signature, error) {
		GinkgoHelper()
		b, err := bundle.Parse(published("pkg/testing/data/bundles/sigstore.js@2.0.0-provenance.sigstore.json"))
		Expect(err).NotTo(HaveOccurred())
		Expect(b.IsSignature()).To(BeFalse(), "it is the provenance of an npm package")
		trusted, err := trustroot.Parse(root)
		Expect(err).NotTo(HaveOccurred())
		artifact, err := bundle.Digest(of)
		Expect(err).NotTo(HaveOccurred())
		return b.Verify(artifact, bundle.Trust{Root: trusted, RequireSCT: true})
	}

	It("is proven by its trusted root, years after its certificate has expired", func() {
		signature, err := verified(published("examples/trusted-root-public-good.json"), npm)
		Expect(err).NotTo(HaveOccurred())
		Expect(signature.Signer).To(And(HaveField("Issuer", "https://token.actions.githubusercontent.com"), HaveField("Subject", workflow)))
		Expect(signature.Claims.SourceRepositoryURI).To(Equal("https://github.com/sigstore/sigstore-js"))
		Expect(signature.LogIndex).To(HaveValue(BeNumerically(">", 1_000_000)))
		Expect(signature.Time.Year()).To(Equal(2023))
	})

	It("is not proven for another package, nor by another root", func() {
		_, err := verified(published("examples/trusted-root-public-good.json"), digest.SHA512.FromString("other"))
		Expect(err).To(MatchError(bundle.ErrUntrusted))
		_, err = verified(public.Root(), npm)
		Expect(err).To(MatchError(bundle.ErrUntrusted))
	})
})
