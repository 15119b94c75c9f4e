// SPDX-License-Identifier: Apache-2.0

package document_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/clearsign"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/opencontainers/go-digest"
	"helm.sh/helm/v3/pkg/chart/loader"

	"github.com/verifiedchart/verifiedchart/internal/verify/provenance/document"
	"github.com/verifiedchart/verifiedchart/test/parts"
)

// signer packages and signs charts with the real helm.
type signer struct {
	helm, keyring string
}

const keyName = "charts@example.com"

func newSigner() signer {
	GinkgoHelper()
	helm, err := parts.Path(parts.Helm)
	Expect(err).NotTo(HaveOccurred())
	key, err := openpgp.NewEntity("charts", "", keyName, nil)
	Expect(err).NotTo(HaveOccurred())
	keyring := filepath.Join(GinkgoT().TempDir(), "secring.gpg")
	f, err := os.Create(keyring)
	Expect(err).NotTo(HaveOccurred())
	Expect(key.SerializePrivate(f, nil)).To(Succeed())
	Expect(f.Close()).To(Succeed())
	return signer{helm: helm, keyring: keyring}
}

// signed is the output of helm for a chart.
type signed struct {
	// Document is the expected content of the provenance.
	document.Document
	// Archive is the digest of the archive.
	Archive digest.Digest
	// Texts are the text in both forms of OpenPGP: as written, and as signed.
	Texts [][]byte
}

// sign packages and signs the chart that has this Chart.yaml.
func (s signer) sign(chartYAML string) signed {
	GinkgoHelper()
	work := GinkgoT().TempDir()
	folder, out := filepath.Join(work, "chart"), filepath.Join(work, "out")
	Expect(os.MkdirAll(filepath.Join(folder, "templates"), 0o700)).To(Succeed())
	Expect(os.WriteFile(filepath.Join(folder, "Chart.yaml"), []byte(chartYAML), 0o600)).To(Succeed())

	command := exec.Command(s.helm, "package", folder, "--destination", out, "--sign", "--key", keyName, "--keyring", s.keyring)
	command.Env = []string{"HOME=" + work}
	said, err := command.CombinedOutput()
	Expect(err).NotTo(HaveOccurred(), string(said))

	found, err := filepath.Glob(filepath.Join(out, "*.tgz"))
	Expect(err).NotTo(HaveOccurred())
	Expect(found).To(HaveLen(1))
	return signed{Document: documentOf(found[0]), Archive: digestOf(found[0]), Texts: textsOf(found[0] + ".prov")}
}

// documentOf returns the expected provenance of an archive.
func documentOf(path string) document.Document {
	GinkgoHelper()
	chart, err := loader.LoadFile(path)
	Expect(err).NotTo(HaveOccurred())
	return document.Document{
		Name: chart.Metadata.Name, Version: chart.Metadata.Version,
		Files: map[string]digest.Digest{filepath.Base(path): digestOf(path)},
	}
}

func digestOf(path string) digest.Digest {
	GinkgoHelper()
	archive, err := os.ReadFile(path)
	Expect(err).NotTo(HaveOccurred())
	return digest.FromBytes(archive)
}

func textsOf(path string) [][]byte {
	GinkgoHelper()
	prov, err := os.ReadFile(path)
	Expect(err).NotTo(HaveOccurred())
	block, _ := clearsign.Decode(prov)
	Expect(block).NotTo(BeNil())
	return [][]byte{block.Plaintext, block.Bytes}
}

// minimal is a Chart.yaml, to which a row adds lines.
const minimal = "apiVersion: v2\nname: chart\nversion: 1.2.3\n"

var _ = Describe("The text that the real helm signs", Label("provenance"), Ordered, func() {
	var helm signer
	BeforeAll(func() { helm = newSigner() })

	DescribeTable("is read as the chart that helm packaged",
		func(chartYAML string) {
			chart := helm.sign(chartYAML)
			for _, text := range chart.Texts {
				d, err := document.Parse(text)
				Expect(err).NotTo(HaveOccurred(), string(text))
				Expect(d).To(Equal(chart.Document))
				Expect(d.Binds(chart.Name, chart.Version, chart.Archive)).To(Succeed())
			}
		},
		Entry("of only the required fields", minimal),
		Entry("with all that Chart.yaml knows", minimal+full),
		Entry("F6: of a version with a leading v", "apiVersion: v2\nname: chart\nversion: v1.2.3\n"),
		Entry("F6: of a version with build metadata", "apiVersion: v2\nname: chart\nversion: 1.2.3-rc.1+b.2\n"),
		Entry("of a version that is a number", "apiVersion: v2\nname: chart\nversion: 1.20\n"),
		Entry("of a version that is a number with an exponent", "apiVersion: v2\nname: chart\nversion: 1e3\n"),
		Entry("of a version in quotes", "apiVersion: v2\nname: chart\nversion: \"1.2\"\n"),
		Entry("of a version in a folded block", "apiVersion: v2\nname: chart\nversion: >-\n  1.2.3\n"),
		Entry("with the name no", "apiVersion: v2\nname: 'no'\nversion: 1.2.3\n"),
		Entry("with the name y", "apiVersion: v2\nname: 'y'\nversion: 1.2.3\n"),
		Entry("with the name On", "apiVersion: v2\nname: 'On'\nversion: 1.2.3\n"),
		Entry("with the name null", "apiVersion: v2\nname: 'null'\nversion: 1.2.3\n"),
		Entry("with the name true", "apiVersion: v2\nname: true\nversion: 1.2.3\n"),
		Entry("with a number for a name", "apiVersion: v2\nname: 0x10\nversion: 1.2.3\n"),
		Entry("with a number with underscores for a name", "apiVersion: v2\nname: '1_000'\nversion: 1.2.3\n"),
		Entry("with an octal number for a name", "apiVersion: v2\nname: '0o17'\nversion: 1.2.3\n"),
		Entry("with a date for a name", "apiVersion: v2\nname: '2001-01-01'\nversion: 1.2.3\n"),
		Entry("with dots for a name", "apiVersion: v2\nname: '...'\nversion: 1.2.3\n"),
		Entry("with dashes for a name", "apiVersion: v2\nname: '---'\nversion: 1.2.3\n"),
		Entry("with infinity for a name", "apiVersion: v2\nname: '.inf'\nversion: 1.2.3\n"),
		Entry("with comments", "# one\n"+minimal+"description: b # two\n# three\n"),
		Entry("with CRLF", strings.ReplaceAll(minimal+"description: |\n  a\n  ...\n  b\n", "\n", "\r\n")),
		Entry("with CRLF in quotes", minimal+"description: \"a\\r\\n...\\r\\nb\"\n"),
		Entry("with a tab and a NUL in quotes", minimal+"description: \"a\\tb\\0\"\n"),
		Entry("with all scripts", minimal+"description: grüße 図 🚀\n"),
		Entry("with a next line and a byte order mark", minimal+"description: \"a\\u0085...\\u0085\\ufeffb\"\n"),
		Entry("with a line separator, which helm turns into a space", minimal+"description: \"a\\u2028...\\u2028b\"\n"),
		Entry("with an escape character", minimal+"description: \"\\e[31m\"\n"),
		Entry("with a marker inside a block", minimal+"description: |\n  a\n  ...\n  files:\n    chart-1.2.3.tgz: sha256:00\n"),
		Entry("with --- inside a block", minimal+"description: |\n  a\n  ---\n  name: other\n"),
		Entry("with a marker inside quotes", minimal+"description: \"\\n...\\nfiles:\\n  a: b\\n\"\n"),
		Entry("with a marker first in a block that is indented", minimal+"description: \"  a\\n...\\n  b\\n\"\n"),
		Entry("with a marker in an annotation's key", minimal+"annotations: {\"\\n...\\n\": \"\\n...\\n\"}\n"),
		Entry("with a marker in a keyword", minimal+"keywords: [\"...\", \"---\", \"\\n...\\n\"]\n"),
		Entry("with a description that is a marker", minimal+"description: '...'\n"),
		Entry("with a description that is ---", minimal+"description: '---'\n"),
		Entry("with dots at its end", minimal+"description: and so on...\n"),
		Entry("with an armoured signature for a description", minimal+"description: |\n  a\n  -----BEGIN PGP SIGNATURE-----\n  b\n"),
		Entry("with spaces at the ends of lines", minimal+"description: \"a  \\n...  \\nb \"\n"),
		Entry("with a very long line", minimal+"description: "+strings.Repeat("word ", 10_000)+"\n"),
		Entry("with two hundred lines", minimal+"description: |\n"+strings.Repeat("  - item: value\n", 200)),
		Entry("with texts like an anchor, an alias and a tag", minimal+"keywords: ['&a', '*a', '!a', '!!str a', '%TAG']\n"),
		Entry("with keys that other decoders do not read as strings", minimal+"annotations: {'on': b, '1': c, '': d, '~': e, name: f, Name: g}\n"),
		Entry("with an anchor and an alias, which helm resolves", minimal+"keywords: [&a b, *a]\n"),
		Entry("with a merge, which helm resolves", "apiVersion: v2\nversion: 1.2.3\n<<: {name: chart}\n"),
		Entry("with tags, which helm resolves", "apiVersion: v2\nname: !!str chart\nversion: !!str 1.20\n"),
		Entry("F19: with two keys that differ in case, of which helm takes one", "apiVersion: v2\nname: chart\nNAME: other\nversion: 1.2.3\nVersion: 1.2.4\n"),
		Entry("F19: with an end of the document inside, after which helm reads nothing", minimal+"...\nname: other\n"),
	)

	DescribeTable("is refused, and never read as another chart",
		func(chartYAML string) {
			for _, text := range helm.sign(chartYAML).Texts {
				_, err := document.Parse(text)
				Expect(err).To(MatchError(document.ErrMalformed), string(text))
			}
		},
		Entry("with a line separator, which helm writes as it is", minimal+"annotations: {a: \"a\\u2028...\\u2028b\"}\n"),
		Entry("with a paragraph separator, which helm writes as it is", minimal+"annotations: {a: \"a\\u2029...\\u2029b\"}\n"),
		Entry("F21: with a description that makes it longer than 256 KiB", minimal+"description: "+strings.Repeat("a", document.MaxSize)+"\n"),
	)

	It("F4, F5, F20: does not bind another archive, version or chart that it also signed", func() {
		one, two := helm.sign(minimal), helm.sign(strings.Replace(minimal, "1.2.3", "1.2.4", 1))
		d, err := document.Parse(one.Texts[0])
		Expect(err).NotTo(HaveOccurred())
		Expect(d.Binds(one.Name, one.Version, one.Archive)).To(Succeed())
		Expect(d.Binds(one.Name, one.Version, two.Archive)).To(MatchError(document.ErrMismatch))
		Expect(d.Binds(one.Name, two.Version, one.Archive)).To(MatchError(document.ErrMismatch))
		Expect(d.Binds("other", one.Version, one.Archive)).To(MatchError(document.ErrMismatch))
	})
})

// full are the other fields of a Chart.yaml.
const full = `kubeVersion: ">=1.20.0-0"
description: A chart for tests
type: application
keywords: [web, "http: server"]
home: https://example.com
sources:
- https://example.com/src
maintainers:
- {name: Ann, email: ann@example.com, url: "https://example.com/#ann"}
icon: https://example.com/icon.svg
appVersion: "1.0"
deprecated: true
annotations:
  artifacthub.io/changes: |
    - kind: added
      description: "Something: new"
    - kind: fixed
      description: |
        Something
        else
  artifacthub.io/prerelease: "true"
`
