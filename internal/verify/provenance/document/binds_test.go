// SPDX-License-Identifier: Apache-2.0

package document_test

import (
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/opencontainers/go-digest"

	"github.com/verifiedchart/verifiedchart/internal/printable"
	"github.com/verifiedchart/verifiedchart/internal/verify/provenance/document"
)

// otherArchive is the digest of another archive.
var otherArchive = digest.FromString("other")

// made returns the document of a chart as Helm makes it.
func made(name, version string) document.Document {
	return document.Document{
		Name: name, Version: version, Files: map[string]digest.Digest{name + "-" + version + ".tgz": archive},
	}
}

// listing returns the document of a chart with other files.
func listing(files map[string]digest.Digest) document.Document {
	return document.Document{Name: "chart", Version: "1.2.3", Files: files}
}

var _ = Describe("A provenance document", Label("provenance"), func() {
	DescribeTable("F6: binds its chart",
		func(d document.Document, name, version string) {
			Expect(d.Binds(name, version, archive)).To(Succeed())
		},
		Entry("of exactly this version", made("chart", "1.2.3"), "chart", "1.2.3"),
		Entry("whose tag and version both have a leading v", made("chart", "v1.2.3"), "chart", "v1.2.3"),
		Entry("whose tag has a leading v, and whose version has none", made("chart", "1.2.3"), "chart", "v1.2.3"),
		Entry("whose version has a leading v, and whose tag has none", made("chart", "v1.2.3"), "chart", "1.2.3"),
		Entry("with build metadata", made("chart", "1.2.3+b"), "chart", "1.2.3+b"),
		Entry("of a pre-release", made("chart", "1.2.3-rc.1+b.2"), "chart", "1.2.3-rc.1+b.2"),
		Entry("whose name has dashes, dots and digits", made("my-chart-1.2", "3.4.5"), "my-chart-1.2", "3.4.5"),
	)

	DescribeTable("does not bind",
		func(d document.Document, name, version string, archive digest.Digest) {
			err := d.Binds(name, version, archive)
			Expect(err).To(MatchError(document.ErrMismatch))
			Expect(err.Error()).To(Equal(printable.String(err.Error(), 512)), "it is neither bounded nor printable")
		},
		Entry("F4: another archive", made("chart", "1.2.3"), "chart", "1.2.3", otherArchive),
		Entry("F4: an archive without a digest", made("chart", "1.2.3"), "chart", "1.2.3", digest.Digest("")),
		Entry("F4: an archive by the same digest of another algorithm", made("chart", "1.2.3"), "chart", "1.2.3", digest.Digest("sha512:"+archive.Encoded())),
		Entry("F5: a newer version, even of the same archive", made("chart", "1.2.3"), "chart", "1.2.4", archive),
		Entry("F5: an older version", made("chart", "1.2.3"), "chart", "1.2.2", archive),
		Entry("F5: a version with other build metadata, which is equal as a semantic version", made("chart", "1.2.3+a"), "chart", "1.2.3+b", archive),
		Entry("F5: a version without its build metadata", made("chart", "1.2.3+a"), "chart", "1.2.3", archive),
		Entry("F5: a pre-release", made("chart", "1.2.3"), "chart", "1.2.3-rc.1", archive),
		Entry("F5: a version with fewer parts, which is equal as a semantic version", made("chart", "1.2.0"), "chart", "1.2", archive),
		Entry("F5: a version with leading zeros", made("chart", "1.2.3"), "chart", "1.02.3", archive),
		Entry("F6: a tag with _ that was not replaced with +", made("chart", "1.2.3+b"), "chart", "1.2.3_b", archive),
		Entry("F6: a version with two leading v", made("chart", "v1.2.3"), "chart", "vv1.2.3", archive),
		Entry("F6: a version with a leading V", made("chart", "1.2.3"), "chart", "V1.2.3", archive),
		Entry("F6: a version in spaces", made("chart", "1.2.3"), "chart", " 1.2.3", archive),
		Entry("no version", made("chart", ""), "chart", "", archive),
		Entry("no version, though it has a v", made("chart", "v"), "chart", "", archive),
		Entry("F20: another chart", made("chart", "1.2.3"), "other", "1.2.3", archive),
		Entry("F20: a chart whose name differs in case", made("chart", "1.2.3"), "Chart", "1.2.3", archive),
		Entry("F20: a chart whose file name is the same, but split at another dash", made("chart-1", "2.3.4"), "chart", "1-2.3.4", archive),
		Entry("F20: a chart with a very long name", made("chart", "1.2.3"), strings.Repeat("\x1b", 10_000), "1.2.3", archive),
		Entry("no name", made("", "1.2.3"), "", "1.2.3", archive),
		Entry("F19: a chart among two files", listing(map[string]digest.Digest{"chart-1.2.3.tgz": archive, "other-1.2.3.tgz": otherArchive}), "chart", "1.2.3", archive),
		Entry("an archive if it names no file", listing(nil), "chart", "1.2.3", archive),
		Entry("an archive by another name", listing(map[string]digest.Digest{"other-1.2.3.tgz": archive}), "chart", "1.2.3", archive),
		Entry("an archive by the name of another version", listing(map[string]digest.Digest{"chart-1.2.4.tgz": archive}), "chart", "1.2.3", archive),
		Entry("F6: an archive by a name with a v that its version lacks", listing(map[string]digest.Digest{"chart-v1.2.3.tgz": archive}), "chart", "v1.2.3", archive),
		Entry("an archive in a folder", listing(map[string]digest.Digest{"./chart-1.2.3.tgz": archive}), "chart", "1.2.3", archive),
		Entry("an archive of another kind", listing(map[string]digest.Digest{"chart-1.2.3.tar.gz": archive}), "chart", "1.2.3", archive),
		Entry("an archive without a digest", listing(map[string]digest.Digest{"chart-1.2.3.tgz": ""}), "chart", "1.2.3", digest.Digest("")),
		Entry("any chart, if the document is empty", document.Document{}, "", "", digest.Digest("")),
	)

	It("F2: binds nothing if its digest was changed to that of another archive", func() {
		d, err := document.Parse([]byte(withDigest(string(otherArchive))))
		Expect(err).NotTo(HaveOccurred())
		Expect(d.Binds("hashtest", "1.2.3", archive)).To(MatchError(document.ErrMismatch))
	})
})
