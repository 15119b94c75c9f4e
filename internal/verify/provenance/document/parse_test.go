// SPDX-License-Identifier: Apache-2.0

package document_test

import (
	"fmt"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/opencontainers/go-digest"

	"github.com/verifiedchart/verifiedchart/internal/printable"
	"github.com/verifiedchart/verifiedchart/internal/verify/provenance/document"
)

// archive is the digest of the archive in the tests.
const archive = digest.Digest("sha256:c6841b3a895f1444a6738b5d04564a57e860ce42f8519c3be807fb6d9bee7888")

const (
	metadata = "apiVersion: v1\ndescription: Test chart versioning\nname: hashtest\nversion: 1.2.3\n"
	sums     = "files:\n  hashtest-1.2.3.tgz: " + string(archive) + "\n"
	// usual is the text as Helm writes it.
	usual = metadata + "\n...\n" + sums
)

// joined returns the text of a Chart.yaml and a list of files.
func joined(metadata, sums string) string { return metadata + "\n...\n" + sums }

// withMetadata returns a text with this Chart.yaml.
func withMetadata(yaml string) string { return joined(yaml, sums) }

// with returns a text with more lines in Chart.yaml.
func with(yaml string) string { return withMetadata(metadata + yaml) }

// withSums returns a text with this list of files.
func withSums(yaml string) string { return joined(metadata, yaml) }

// withDigest returns a text with this instead of the digest of the archive.
func withDigest(d string) string { return withSums("files:\n  hashtest-1.2.3.tgz: " + d + "\n") }

// manyFiles returns a list of n files.
func manyFiles(n int) string {
	var b strings.Builder
	b.WriteString("files:\n")
	for i := range n {
		fmt.Fprintf(&b, "  a%d.tgz: %s\n", i, archive)
	}
	return b.String()
}

// ofSize returns a text of that many bytes.
func ofSize(n int) string {
	const head, tail = metadata + "# ", "\n...\n" + sums
	return head + strings.Repeat("a", n-len(head)-len(tail)) + tail
}

// nested returns Chart.yaml lines of a sequence that is n deep.
func nested(n int) string {
	return "deep: " + strings.Repeat("[", n) + strings.Repeat("]", n) + "\n"
}

var _ = Describe("The text of a provenance file", Label("provenance"), func() {
	DescribeTable("is read",
		func(text string) {
			d, err := document.Parse([]byte(text))
			Expect(err).NotTo(HaveOccurred())
			Expect(d).To(Equal(document.Document{
				Name: "hashtest", Version: "1.2.3", Files: map[string]digest.Digest{"hashtest-1.2.3.tgz": archive},
			}))
		},
		Entry("as Helm writes it", usual),
		Entry("K3: with --- before it, as people write it by hand", "---\n"+usual),
		Entry("K3: with --- before it and CRLF", "---\r\n"+strings.ReplaceAll(usual, "\n", "\r\n")),
		Entry("as OpenPGP signs it, with CRLF between lines and no line end at the end", strings.ReplaceAll(strings.TrimSuffix(usual, "\n"), "\n", "\r\n")),
		Entry("with CRLF in some lines only", strings.Replace(usual, "\n", "\r\n", 3)),
		Entry("without an empty line before its marker", metadata+"...\n"+sums),
		Entry("with comments", "# a chart\n"+metadata+"# the end\n...\n# the files\n"+sums+"# of one chart\n"),
		Entry("with values in quotes", joined("\"name\": 'hashtest'\nversion: \"1.2.3\"\n", "\"files\": {'hashtest-1.2.3.tgz': \""+string(archive)+"\"}\n")),
		Entry("with escapes in quotes", withMetadata("name: \"\\x68ash\\u0074est\"\nversion: 1.2.3\n")),
		Entry("with Chart.yaml in flow style, which JSON is", withMetadata(`{"name": "hashtest", "version": "1.2.3", "keywords": ["a", "b"]}`)),
		Entry("with text like a marker inside a block", with("notes: |\n  a\n  ...\n  ---\n  b\n")),
		Entry("with dots at the end of a line", with("notes: and so on...\n")),
		Entry("with texts like an anchor, an alias, a tag and a merge in quotes", with("notes: ['&a', '*a', '!a', '<<']\nannotations: {'*a': '&b'}\n")),
		Entry("with all scripts", with("notes: grüße 図 🚀\n")),
		Entry("with tabs in a value", with("notes: a\tb\n")),
		Entry("with numbers, truth values and nulls in other fields", with("deprecated: true\nports: [1, 2.5, ~]\n")),
		Entry("with keys in other fields that differ only in case", with("annotations: {a: b, A: c}\n")),
		Entry("nested 32 deep", with(nested(31))),
		Entry("with a sequence of ten thousand items", with("notes: ["+strings.Repeat("a,", 10_000)+"]\n")),
		Entry("F21: of 256 KiB", ofSize(document.MaxSize)),
	)

	DescribeTable("is refused",
		func(text string) {
			d, err := document.Parse([]byte(text))
			Expect(err).To(MatchError(document.ErrMalformed))
			Expect(err.Error()).To(Equal(printable.String(err.Error(), 512)), "it is neither bounded nor printable")
			Expect(d).To(BeZero())
		},
		Entry("if it is empty", ""),
		Entry("if it holds only spaces and empty lines", " \n \n...\n \n"),
		Entry("F21: if it has one byte more than 256 KiB", ofSize(document.MaxSize+1)),

		Entry("F19: if it may have more than 20000 nodes", with("notes: ["+strings.Repeat("a,", 20_000)+"]\n")),

		Entry("if it is not UTF-8", with("notes: \xff\n")),
		Entry("F2: if it holds a NUL", with("notes: 'a\x00b'\n")),
		Entry("if it holds an escape character", with("notes: '\x1b[31m'\n")),
		Entry("if it holds a DEL", with("notes: '\x7f'\n")),
		Entry("if it holds a CR outside a CRLF, which ends a line only in YAML", with("notes: 'a\rb'\n")),
		Entry("if a marker ends in two CRs", metadata+"...\r\r\n"+sums),
		Entry("if it holds a next line, which ends a line for some decoders", with("notes: 'a\u0085b'\n")),
		Entry("if it holds a line separator, which ends a line for some decoders", with("notes: 'a\u2028b'\n")),
		Entry("if a line separator makes a marker of the text after it", with("notes: |\n a\u2028...\u2028 b\n")),
		Entry("if it holds a paragraph separator", with("notes: 'a\u2029b'\n")),
		Entry("if it begins with a byte order mark", "\ufeff"+usual),

		Entry("F19: if it has no marker", metadata+sums),
		Entry("F19: if it is only Chart.yaml", metadata),
		Entry("F19: if it is Chart.yaml and a marker", metadata+"...\n"),
		Entry("F19: if the marker is the last line and has no end", metadata+"..."),
		Entry("F19: if it is only a list of files", "...\n"+sums),
		Entry("F19: if it has three documents", usual+"...\n"+sums),
		Entry("F19: if another Chart.yaml comes first", metadata+"...\n"+usual),
		Entry("F19: if two markers follow each other", metadata+"...\n...\n"+sums),
		Entry("F19: if it ends in a second marker", usual+"...\n"),
		Entry("F19: if it ends in a second marker without an end", usual+"..."),
		Entry("F19: if it begins with --- twice", "---\n---\n"+usual),
		Entry("F19: if it begins with --- and a comment", "--- # app\n"+usual),
		Entry("F19: if --- follows a line", "name: app\n---\n"+usual),
		Entry("F19: if --- replaces the marker", metadata+"---\n"+sums),
		Entry("F19: if --- follows the marker", metadata+"...\n---\n"+sums),
		Entry("F19: if --- begins a document in its line", "--- "+usual),
		Entry("F19: if a comment follows the marker in its line", metadata+"... # the files\n"+sums),
		Entry("F19: if a space follows the marker in its line", metadata+"... \n"+sums),
		Entry("F19: if a second marker has a space after it", usual+"... \n"),
		Entry("F19: if the marker is indented", metadata+" ...\n"+sums),
		Entry("F19: if the marker ends a text in quotes", with("notes: 'a\n...\nb'\n")),
		Entry("F19: if a document ends without a marker", withMetadata("{name: hashtest, version: 1.2.3}\n{name: other}\n")),
		Entry("F19: if the list of files ends without a marker", withSums("{files: {}}\n{files: {}}\n")),
		Entry("if it has a directive", "%YAML 1.1\n"+usual),

		Entry("if Chart.yaml is not YAML", withMetadata("name: [\n")),
		Entry("if Chart.yaml is a sequence", withMetadata("- name: hashtest\n- version: 1.2.3\n")),
		Entry("if Chart.yaml is a text", withMetadata("hashtest\n")),
		Entry("if Chart.yaml is a comment", withMetadata("# hashtest\n")),
		Entry("F19: if Chart.yaml has two names", with("name: other\n")),
		Entry("F19: if Chart.yaml has two versions, one in quotes", with("\"version\": 1.2.4\n")),
		Entry("F19: if Chart.yaml has two names, one with an escape", with("\"\\u006eame\": other\n")),
		Entry("F19: if Chart.yaml has a second name key in another case", with("Name: other\n")),
		Entry("F19: if Chart.yaml has a second version that folds to it", with("verſion: 1.2.4\n")),
		Entry("if its name key is spelled in another case", withMetadata("NAME: hashtest\nversion: 1.2.3\n")),
		Entry("F19: if Chart.yaml has a key twice deep inside", with("a: [{b: {c: 1, c: 2}}]\n")),
		Entry("if it has no name", withMetadata("version: 1.2.3\n")),
		Entry("if it has no version", withMetadata("name: hashtest\n")),
		Entry("if its name is empty", withMetadata("name: ''\nversion: 1.2.3\n")),
		Entry("if its version is empty", withMetadata("name: hashtest\nversion: ''\n")),
		Entry("if its name is null", withMetadata("name:\nversion: 1.2.3\n")),
		Entry("if its name is a number", withMetadata("name: 5\nversion: 1.2.3\n")),
		Entry("if its name is a truth value", withMetadata("name: true\nversion: 1.2.3\n")),
		Entry("if its name is a truth value for YAML 1.1", withMetadata("name: On\nversion: 1.2.3\n")),
		Entry("if its name is a date", withMetadata("name: 2001-01-01\nversion: 1.2.3\n")),
		Entry("if its name is a sequence", withMetadata("name: [hashtest]\nversion: 1.2.3\n")),
		Entry("if its version is a number", withMetadata("name: hashtest\nversion: 1.2\n")),
		Entry("if its version is a number with an exponent", withMetadata("name: hashtest\nversion: 1e3\n")),
		Entry("if its version is a mapping", withMetadata("name: hashtest\nversion: {a: b}\n")),

		Entry("if Chart.yaml has an anchor", with("notes: &a b\n")),
		Entry("if Chart.yaml has an anchor at a key", with("&a notes: b\n")),
		Entry("if Chart.yaml has an anchor at a mapping", with("notes: &a {b: c}\n")),
		Entry("if Chart.yaml has an alias", with("notes: [&a b, *a]\n")),
		Entry("if Chart.yaml has an alias of nothing", with("notes: *a\n")),
		Entry("if Chart.yaml has an alias with a name of a hundred thousand letters", with("notes: *"+strings.Repeat("a", 100_000)+"\n")),
		Entry("if Chart.yaml has an alias inside itself", with("notes: &a [*a]\n")),
		Entry("if Chart.yaml is anchored", withMetadata("&a {name: hashtest, version: 1.2.3}\n")),
		Entry("if Chart.yaml has a merge", with("<<: {name: other}\n")),
		Entry("if Chart.yaml has a merge in quotes, which Helm accepts as a merge", with("'<<': {name: other}\n")),
		Entry("if Chart.yaml has a merge in a block, which Helm accepts as a merge", with("? |-\n  <<\n: {name: other}\n")),
		Entry("if the list of files has a merge in quotes, which Helm accepts as a merge", withSums("files:\n  \"<<\": {}\n")),
		Entry("if Chart.yaml has a merge deep inside", with("a: [{<<: {b: c}}]\n")),
		Entry("if its name has a tag", withMetadata("name: !!str hashtest\nversion: 1.2.3\n")),
		Entry("if its version has a tag that makes it a string", withMetadata("name: hashtest\nversion: !!str 1.2\n")),
		Entry("if its name is binary", withMetadata("name: !!binary aGFzaHRlc3Q=\nversion: 1.2.3\n")),
		Entry("if Chart.yaml has a tag of its own", with("notes: !a b\n")),
		Entry("if Chart.yaml is tagged", withMetadata("!!map {name: hashtest, version: 1.2.3}\n")),
		Entry("if Chart.yaml has a number for a key", with("1: a\n")),
		Entry("if Chart.yaml has a null for a key", with("~: a\n")),
		Entry("if Chart.yaml has a mapping for a key", with("? {a: b}\n: c\n")),
		Entry("if Chart.yaml is nested deeper than 32", with(nested(32))),
		Entry("if Chart.yaml is nested absurdly deep", with(nested(100_000))),
		Entry("if Chart.yaml is nested absurdly deep in blocks", with("deep:\n "+strings.Repeat("- ", 100_000)+"\n")),

		Entry("if the list of files is a sequence", withSums("- files\n")),
		Entry("if the list of files is empty", withSums("# none\n")),
		Entry("if the key of the list of files is spelled in another case", withSums(strings.Replace(sums, "files", "Files", 1))),
		Entry("if the list of files has another key", withSums(sums+"images:\n  a: "+string(archive)+"\n")),
		Entry("F19: if it lists files twice", withSums(sums+sums)),
		Entry("F19: if it lists a file twice", withSums(sums+"  hashtest-1.2.3.tgz: "+string(archive)+"\n")),
		Entry("F19: if it lists a file twice, once in quotes", withSums(sums+"  'hashtest-1.2.3.tgz': "+string(archive)+"\n")),
		Entry("F19: if it lists 17 files", withSums(manyFiles(17))),
		Entry("F19: if it lists as many files as 256 KiB hold", withSums(manyFiles(3000))),
		Entry("F19: if it lists a hundred thousand files", withSums(manyFiles(100_000))),
		Entry("if the files are null", withSums("files:\n")),
		Entry("if the files are a sequence", withSums("files:\n- hashtest-1.2.3.tgz: "+string(archive)+"\n")),
		Entry("if the files are a text", withSums("files: hashtest-1.2.3.tgz\n")),
		Entry("if the list of files has an alias", withSums("files: {a: &a '"+string(archive)+"', b: *a}\n")),
		Entry("if a file is a number", withSums("files: {1: "+string(archive)+"}\n")),

		Entry("if a digest is null", withDigest("")),
		Entry("if a digest is a sequence", withDigest("["+string(archive)+"]")),
		Entry("if a digest is a number", withDigest("12")),
		Entry("if a digest has no algorithm", withDigest("'"+archive.Encoded()+"'")),
		Entry("if a digest is too short", withDigest(string(archive)[:70])),
		Entry("if a digest is too long", withDigest(string(archive)+"0")),
		Entry("if a digest has upper-case digits", withDigest("sha256:"+strings.ToUpper(archive.Encoded()))),
		Entry("if a digest has an upper-case algorithm", withDigest("SHA256:"+archive.Encoded())),
		Entry("if a digest holds a character that is not a digit", withDigest("sha256:"+strings.Repeat("g", 64))),
		Entry("if a digest ends in a line feed", withDigest("\""+string(archive)+"\\n\"")),
		Entry("F19: if a digest is a SHA-512", withDigest("sha512:"+strings.Repeat("ab", 64))),
		Entry("if a digest is a SHA-384", withDigest("sha384:"+strings.Repeat("ab", 48))),
		Entry("if a digest is an MD5", withDigest("md5:"+strings.Repeat("ab", 16))),
		Entry("F19: if one of two digests is a SHA-512", withSums(sums+"  a: sha512:"+strings.Repeat("ab", 64)+"\n")),
		Entry("if the name of a digest has a hundred thousand letters", withDigest(strings.Repeat("a", 100_000))),
		Entry("if a file with a hostile name has no digest", withSums("files: {\"\\e[31m\\0"+strings.Repeat("a", 1000)+"\": a}\n")),
	)

	It("may list up to 16 files by any names", func() {
		d, err := document.Parse([]byte(withSums(manyFiles(15) + "  ../../etc/a.tgz: " + string(archive) + "\n")))
		Expect(err).NotTo(HaveOccurred())
		Expect(d.Files).To(HaveLen(16))
		Expect(d.Files).To(HaveKeyWithValue("../../etc/a.tgz", archive))
	})
})
