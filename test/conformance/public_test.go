// SPDX-License-Identifier: Apache-2.0

package main

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

// Signatures by others, with the public Sigstore and with instances of their own, that sigstore-go contains as
// examples. The test reads them from the module's folder.
var _ = Describe("Signatures by others", Ordered, func() {
	const (
		slsa        = "sha512:bbfd372fc9beeb777fe35d05bb10c0c70a9733d366a75fed7dd18866c7391de3ee7e88ba74dd47abf3e15c845e547fcf0e5c3da80854c751554224d3a6d4e55f"
		sigstore    = "sha512:46d4e2f74c4877316640000a6fdf8a8b59f1e0847667973e9859f774dd31b8f1e0937813b777fb66a2ac67d50540fe34640966eee9fc2ccca387082b4c85cd3c"
		byOtherName = "sha256:bc103b4a84971ef6459b294a2b98568a2bfb72cded09d4acd1e16366a401f95b"
	)
	var dir string

	BeforeAll(func() {
		out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/sigstore/sigstore-go").Output()
		Expect(err).NotTo(HaveOccurred())
		dir = filepath.Join(strings.TrimSpace(string(out)), "pkg", "testing", "data")
	})

	read := func(kind, name string) []byte {
		raw, err := os.ReadFile(filepath.Join(dir, kind, name))
		Expect(err).NotTo(HaveOccurred())
		return raw
	}
	verifyFile := func(file, root, of string) (bundle.Signature, error) {
		r, err := trustroot.Parse(read("trusted-roots", root))
		Expect(err).NotTo(HaveOccurred())
		signed, err := bundle.Digest(digest.Digest(of))
		Expect(err).NotTo(HaveOccurred())
		b, err := bundle.Parse(read("bundles", file))
		Expect(err).NotTo(HaveOccurred())
		return b.Verify(signed, bundle.Trust{Root: r})
	}

	DescribeTable("is trusted, and only for the signed artifact",
		func(file, root, of, subject, issuer string) {
			signature, err := verifyFile(file, root, of)
			Expect(err).NotTo(HaveOccurred())
			Expect(arguments{identity: subject, issuer: issuer}.checkSigner(signature)).To(Succeed())
			Expect(signature.LogIndex).NotTo(BeNil())

			_, err = verifyFile(file, root, digest.Digest(of).Algorithm().FromString("another").String())
			Expect(err).To(MatchError(bundle.ErrUntrusted))
		},
		Entry("provenance of an npm package", "sigstore.js@2.0.0-provenance.sigstore.json", "public-good.json", sigstore,
			"https://github.com/sigstore/sigstore-js/.github/workflows/release.yml@refs/heads/main", "https://token.actions.githubusercontent.com"),
		Entry("provenance by a person, with a promise of the log and no proof", "dsse.sigstore.json", "public-good.json", slsa,
			"brian@dehamer.com", "https://github.com/login/oauth"),
		Entry("a signature by who is named in an OtherName", "othername.sigstore.json", "scaffolding.json", byOtherName,
			"foo!oidc.local", "http://oidc.local:8080"),
	)

	It("is refused with two signatures in one envelope", func() {
		_, err := verifyFile("dsse-2sigs.sigstore.json", "public-good.json", slsa)
		Expect(err).To(MatchError(bundle.ErrUntrusted))
	})

	It("is refused by the root of another instance", func() {
		_, err := verifyFile("othername.sigstore.json", "public-good.json", byOtherName)
		Expect(err).To(MatchError(bundle.ErrUntrusted))
	})

	DescribeTable("is trusted by the client with the key alone",
		func(content string, want int) {
			artifact := filepath.Join(GinkgoT().TempDir(), "artifact")
			Expect(os.WriteFile(artifact, []byte(content), 0o600)).To(Succeed())
			var said strings.Builder
			p := program{stderr: &said}
			Expect(p.run(GinkgoT().Context(), []string{
				"verify-bundle", "--bundle", filepath.Join(dir, "bundles", "public-key-validity.sigstore.json"),
				"--key", filepath.Join(dir, "public-keys", "public-key-validity.pem"),
				"--trusted-root", filepath.Join(dir, "trusted-roots", "public-key-validity.json"), artifact,
			})).To(Equal(want), said.String())
		},
		Entry("what it signed", "test content", 0),
		Entry("but not anything else", "text content", 1),
	)
})
