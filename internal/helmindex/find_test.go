// SPDX-License-Identifier: Apache-2.0

package helmindex_test

import (
	"errors"
	"fmt"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/verifiedchart/verifiedchart/internal/helmindex"
)

// filler is an annotation that makes an index larger than what is parsed as a whole, so that only the scanner can read it.
var filler = "annotations:\n  a: |\n" + strings.Repeat("    "+strings.Repeat("x", 60_000)+"\n", helmindex.MaxParsed/60_000+1)

// nginx is an index, in which the chart nginx stands for the part in question.
func nginx(part string) string { return "apiVersion: v1\nentries:\n" + part }

// one is the chart nginx with a version.
const one = "  nginx:\n  - name: nginx\n    version: 1.0.0\n    urls: [nginx-1.0.0.tgz]\n"

const two = "  - name: nginx\n    version: 2.0.0\n    urls: [nginx-2.0.0.tgz]\n"

func versions(entries []helmindex.Entry) []string {
	texts := []string{}
	for _, e := range entries {
		texts = append(texts, e.Version)
	}
	return texts
}

// expectHelms expects the entries that Helm has.
func expectHelms(text, name string) {
	GinkgoHelper()
	loaded, err := byHelm(GinkgoT().TempDir(), text)
	Expect(err).NotTo(HaveOccurred())
	found, err := read(text, name)
	Expect(err).NotTo(HaveOccurred())
	Expect(difference(found.Entries, loaded.Entries[name])).To(BeEmpty())
}

var _ = Describe("Find", func() {
	It("returns the fields of each entry, in the order of the index", func() {
		found, err := read(seeds()[0], "nginx")
		Expect(err).NotTo(HaveOccurred())
		Expect(found.Entries).To(Equal([]helmindex.Entry{{
			Name: "nginx", Version: "1.2.3", Digest: strings.Repeat("ab", 32),
			URLs: []string{"https://charts.example/nginx-1.2.3.tgz"}, Created: time.Date(2024, 1, 2, 3, 4, 5, 0, time.UTC),
		}, {
			Name: "nginx", Version: "1.2.2", URLs: []string{"nginx-1.2.2.tgz"},
		}}))
		Expect(found.BlockHash).To(HaveLen(64))
	})

	DescribeTable("finds the versions that Helm finds, in an index of any size",
		func(text string, want ...string) {
			for _, text := range []string{text, text + filler} {
				found, err := read(text, "nginx")
				Expect(err).NotTo(HaveOccurred())
				Expect(versions(found.Entries)).To(Equal(want))
			}
			expectHelms(text, "nginx")
		},
		Entry("with the list at the indentation of the key", nginx(one+two), "1.0.0", "2.0.0"),
		Entry("with the list indented deeper", nginx("    nginx:\n        - name: nginx\n          version: 1.0.0\n        - name: nginx\n          version: 2.0.0\n"), "1.0.0", "2.0.0"),
		Entry("with the dash on a line of its own", nginx("  nginx:\n  -\n    name: nginx\n    version: 1.0.0\n"), "1.0.0"),
		Entry("with the chart after others", nginx("  apache:\n  - name: apache\n    version: 3.0.0\n"+one+"  redis:\n  - name: redis\n    version: 4.0.0\n"), "1.0.0"),
		Entry("with a chart whose name begins alike", nginx("  nginx-ingress:\n  - name: nginx-ingress\n    version: 3.0.0\n"+one), "1.0.0"),
		Entry("with apiVersion at the end", "entries:\n"+one+"apiVersion: v1\n", "1.0.0"),
		Entry("with quotes around apiVersion and entries", "\"apiVersion\": 'v1'\n'entries':\n"+one, "1.0.0"),
		Entry("with an apiVersion that is a number", "apiVersion: 1\nentries:\n"+one, "1.0.0"),
		Entry("with the key in double quotes", nginx(strings.Replace(one, "nginx:", `"nginx":`, 1)), "1.0.0"),
		Entry("with the key in single quotes", nginx(strings.Replace(one, "nginx:", `'nginx':`, 1)), "1.0.0"),
		Entry("with a space before the colon of the key in quotes", nginx(strings.Replace(one, "nginx:", `"nginx" :`, 1)), "1.0.0"),
		Entry("with a comment after the key", nginx(strings.Replace(one, "nginx:", "nginx: # the server", 1)), "1.0.0"),
		Entry("with comments at any indentation", nginx("# a\n"+strings.ReplaceAll(one, "\n", "\n# c\n   # d: \"\n")), "1.0.0"),
		Entry("with empty lines and trailing blanks", nginx("\n   \n"+strings.ReplaceAll(one, "\n", "  \n\n")), "1.0.0"),
		Entry("with a value in flow style", nginx("  nginx: [{name: nginx, version: 1.0.0, urls: ['a', \"b\"]}]\n"), "1.0.0"),
		Entry("with lines that end in CRLF", strings.ReplaceAll(nginx(one+two), "\n", "\r\n"), "1.0.0", "2.0.0"),
		Entry("with lines that end in CR", strings.ReplaceAll(nginx(one), "\n", "\r"), "1.0.0"),
		Entry("with lines that end in U+2028", strings.ReplaceAll(nginx(one), "\n", "\u2028"), "1.0.0"),
		Entry("with a byte order mark", "\ufeff"+nginx(one), "1.0.0"),
		Entry("with a document marker before it", "# index\n---\n"+nginx(one), "1.0.0"),
		Entry("without a line feed at the end", strings.TrimSuffix("generated: \"2024-01-02T03:04:05Z\"\n"+nginx(one), "\n")+"\n", "1.0.0"),
		Entry("with a list at the indentation of another field", "publicKeys:\n- a\n- b\n"+nginx(one), "1.0.0"),
		Entry("with a null entry", nginx(one+"  - null\n  -\n  - ~\n"+two), "1.0.0", "2.0.0"),
		Entry("with an entry whose version is invalid", nginx(one+"  - name: nginx\n    version: latest\n"+two), "1.0.0", "2.0.0"),
		Entry("with an entry whose name is invalid", nginx(one+"  - name: ../nginx\n    version: 3.0.0\n"), "1.0.0"),
		Entry("with an entry without a name", nginx(one+"  - version: 3.0.0\n"), "1.0.0"),
		Entry("with an entry of an unknown type", nginx(one+"  - name: nginx\n    version: 3.0.0\n    type: plugin\n"), "1.0.0"),
		Entry("with two dependencies of one name, whose alias Artifactory removed",
			nginx(one+"    dependencies:\n    - {name: a, repository: x}\n    - {name: a, repository: x}\n"), "1.0.0"),
		Entry("with a version that lenient semver reads", nginx("  nginx:\n  - name: nginx\n    version: v1.2\n"), "v1.2"),
		Entry("with a name in the entry that differs from the key", nginx("  nginx:\n  - name: apache\n    version: 1.0.0\n"), "1.0.0"),
		Entry("with fields of Helm 2", nginx(one+"    engine: gotpl\n    tillerVersion: x\n    checksum: x\n    url: x\n"), "1.0.0"),
		Entry("with a block text that looks like a key", nginx("  apache:\n  - name: apache\n    version: 1.0.0\n    description: |\n      nginx:\n      - version: 3.0.0\n"+one), "1.0.0"),
		Entry("with a folded text that looks like a key", nginx("  apache:\n  - name: apache\n    version: 1.0.0\n    description: >2-\n        nginx:\n      - version: 3.0.0\n"+one), "1.0.0"),
		Entry("with a plain text over several lines that holds quotes", nginx("  apache:\n  - name: apache\n    version: 1.0.0\n    description: it's\n      \"a server\n      [of {pages\n"+one), "1.0.0"),
		Entry("with a quoted text over several lines that looks like a key",
			nginx("  apache:\n  - name: apache\n    version: 1.0.0\n    description: \"a\n      nginx:\n      - version: \\\"3.0.0\\\"\n\n      b\"\n"+one), "1.0.0"),
		Entry("with a text in single quotes over several lines", nginx("  apache:\n  - name: apache\n    version: 1.0.0\n    description: 'it''s\n      nginx:'\n"+one), "1.0.0"),
		Entry("with a line end of Unicode within a quoted text", nginx("  apache:\n  - name: apache\n    version: 1.0.0\n    description: 'a\u2028      b'\n"+one), "1.0.0"),
		Entry("with a byte order mark within a text", nginx("  apache:\n  - name: apache\n    version: 1.0.0\n    description: a\ufeffb\n"+
			strings.Repeat("    # a comment\n", 500)+one), "1.0.0"),
		Entry("with another chart whose value is inline", nginx("  apache: []\n  redis: null\n"+one), "1.0.0"),
		Entry("with other charts that are named like numbers", nginx("  2048:\n  - name: '2048'\n    version: 3.0.0\n  \"1password\": []\n"+one), "1.0.0"),
	)

	DescribeTable("finds what Helm finds in a small index of a form that only a full parse can read, and refuses a large one",
		func(text string, want ...string) {
			found, err := read(text, "nginx")
			Expect(err).NotTo(HaveOccurred())
			Expect(versions(found.Entries)).To(Equal(want))
			expectHelms(text, "nginx")

			_, err = read(text+"\n"+filler, "nginx")
			Expect(err).To(MatchError(helmindex.ErrMalformed))
		},
		Entry("flow style", "{apiVersion: v1, entries: {nginx: [{name: nginx, version: 1.0.0}]}}", "1.0.0"),
		Entry("a tag before a value", nginx(strings.Replace(one, "1.0.0", "!!str 1.0.0", 1)), "1.0.0"),
		Entry("an anchor and an alias", nginx("  apache: &list\n  - name: apache\n    version: 1.0.0\n  nginx: *list\n"), "1.0.0"),
		Entry("an anchor in flow style", nginx("  nginx: [&a {name: nginx, version: 1.0.0}, *a]\n"), "1.0.0", "1.0.0"),
		Entry("a complex key", nginx("  ? nginx\n  : - name: nginx\n      version: 1.0.0\n"), "1.0.0"),
		Entry("a key with an escape", nginx(strings.Replace(one, "nginx:", `"\x6eginx":`, 1)), "1.0.0"),
		Entry("a key with white space before its colon", nginx(strings.Replace(one, "nginx:", "nginx :", 1)+"  ? a\n  : []\n"), "1.0.0"),
		Entry("entries in upper case", strings.Replace(nginx(one), "entries", "ENTRIES", 1), "1.0.0"),
		Entry("inline entries", "apiVersion: v1\nentries: {nginx: [{name: nginx, version: 1.0.0}]}\n", "1.0.0"),
		Entry("an indented document", "  apiVersion: v1\n  entries:\n    nginx:\n    - name: nginx\n      version: 1.0.0\n", "1.0.0"),
		Entry("a second document, which is ignored", nginx(one)+"---\n"+nginx(two), "1.0.0"),
		Entry("an end of the document", nginx(one)+"...\n", "1.0.0"),
		Entry("a directive", "%YAML 1.1\n---\n"+nginx(one), "1.0.0"),
		Entry("a quoted text that continues at the indentation of charts",
			nginx("  apache:\n  - name: apache\n    version: 1.0.0\n    description: \"\n  nginx:\n  - version: 3.0.0\n    \"\n"+one), "1.0.0"),
		Entry("a flow collection over several lines", nginx("  apache:\n  - name: apache\n    version: 1.0.0\n    keywords: [a,\n  nginx, b]\n"+one), "1.0.0"),
		Entry("JSON with a byte order mark, which is YAML to Helm", "\ufeff"+`{"apiVersion": "v1", "entries": {"nginx": [{"name": "nginx", "version": "1.0.0"}]}}`, "1.0.0"),
		Entry("JSON with more after its end, which is YAML whose rest Helm ignores", `{"apiVersion": "v1", "entries": {"nginx": [{"name": "nginx", "version": "1.0.0"}]}} {}`, "1.0.0"),
		Entry("JSON with a comma at the end, which is YAML", `{"apiVersion": "v1", "entries": {"nginx": [{"name": "nginx", "version": "1.0.0"}]},}`, "1.0.0"),
	)

	DescribeTable("reads JSON of any size",
		func(text string, want ...string) {
			expectHelms(text, "nginx")
			padded := strings.TrimSuffix(text, "}") + `, "annotations": {` + strings.Repeat(`"a": "`+strings.Repeat("x", 60_000)+`",`, helmindex.MaxParsed/60_000+1) + `"b": ""}}`
			for _, text := range []string{text, padded} {
				found, err := read(text, "nginx")
				Expect(err).NotTo(HaveOccurred())
				Expect(versions(found.Entries)).To(Equal(want))
			}
		},
		Entry("as Helm writes it", `{"apiVersion":"v1","entries":{"apache":[],"nginx":[{"name":"nginx","version":"1.0.0","urls":["a"]}]}}`, "1.0.0"),
		Entry("after white space", "\n \t\r\n"+`{"apiVersion":"v1","entries":{"nginx":[{"name":"nginx","version":"1.0.0"}]}}`, "1.0.0"),
		Entry("with null and invalid entries", `{"apiVersion":"v1","entries":{"nginx":[null,{"name":"nginx","version":"1.0.0"},{"name":"nginx","version":"x"},{}]}}`, "1.0.0"),
		Entry("with unknown fields, which Helm ignores in JSON", `{"apiVersion":"v1","x":{},"entries":{"nginx":[{"name":"nginx","version":"1.0.0","y":[1]}]}}`, "1.0.0"),
		Entry("with escapes in keys", `{"\u0061piVersion":"v1","entries":{"ngin\u0078":[{"name":"nginx","version":"1.0.0"}]}}`, "1.0.0"),
		Entry("with keys in upper case", `{"APIVERSION":"v1","ENTRIES":{"nginx":[{"NAME":"nginx","Version":"1.0.0"}]}}`, "1.0.0"),
	)

	DescribeTable("finds a chart whose key YAML takes for no text",
		func(key, name string) {
			text := nginx("  " + key + ":\n  - name: a\n    version: 1.0.0\n")
			expectHelms(text, name)
		},
		Entry("a number", "2048", "2048"),
		Entry("a number with zeros before it", "007", "7"),
		Entry("a fraction", "1.10", "1.1"),
		Entry("a boolean", "yes", "true"),
		Entry("a number in quotes", "'007'", "007"),
		Entry("a text that begins with a digit", "1password", "1password"),
		Entry("a date", "2024-01-02", "2024-01-02"),
	)

	DescribeTable("returns a chart without entries",
		func(text string) {
			found, err := read(text, "nginx")
			Expect(err).NotTo(HaveOccurred())
			Expect(found.Entries).To(BeEmpty())
			expectHelms(text, "nginx")
		},
		Entry("that is an empty list", nginx("  nginx: []\n")),
		Entry("that is null", nginx("  nginx:\n  redis: []\n")),
		Entry("that is null in JSON", `{"apiVersion": "v1", "entries": {"nginx": null}}`),
		Entry("of which each is invalid", nginx("  nginx:\n  - version: x\n  - null\n")),
	)

	DescribeTable("does not find a chart",
		func(text string) {
			_, err := read(text, "nginx")
			Expect(err).To(MatchError(helmindex.ErrNotFound))
			Expect(err).To(MatchError(ContainSubstring(`"nginx"`)))
		},
		Entry("in an index without it", nginx("  redis: []\n")),
		Entry("whose name differs in case", nginx("  NGINX: []\n")),
		Entry("in empty entries", "apiVersion: v1\nentries: {}\n"),
		Entry("in null entries", "apiVersion: v1\nentries:\ngenerated: \"2024-01-02T03:04:05Z\"\n"),
		Entry("in an index without entries", "apiVersion: v1\n"),
		Entry("in JSON without it", `{"apiVersion": "v1", "entries": {"redis": []}}`),
		Entry("in JSON with null entries", `{"apiVersion": "v1", "entries": null}`),
		Entry("in JSON without entries", `{"apiVersion": "v1"}`),
		Entry("that stands outside of entries", "apiVersion: v1\nannotations:\n  nginx: x\nentries:\n  redis: []\n"),
		Entry("that stands within a text", nginx("  redis:\n  - name: redis\n    version: 1.0.0\n    description: |\n      nginx:\n")),
	)

	DescribeTable("refuses a malformed index",
		func(text string) {
			for _, text := range []string{text, text + "\n" + filler} {
				_, err := read(text, "nginx")
				Expect(err).To(MatchError(helmindex.ErrMalformed))
				Expect(len(err.Error())).To(BeNumerically("<", 1300))
			}
			_, err := byHelm(GinkgoT().TempDir(), text)
			Expect(err).To(HaveOccurred())
		},
		Entry("that has the chart twice", nginx(one+"  redis: []\n"+one)),
		Entry("that has the chart twice, once in quotes", nginx(one+"  \"nginx\": []\n")),
		Entry("that has entries twice", nginx(one)+"entries:\n"+two),
		Entry("that has entries twice, once in quotes", nginx(one)+"\"entries\":\n"),
		Entry("that has apiVersion twice", "apiVersion: v1\n"+nginx(one)),
		Entry("without apiVersion", "entries:\n"+one),
		Entry("with an empty apiVersion", "apiVersion: \"\"\nentries:\n"+one),
		Entry("with apiVersion null", "apiVersion:\nentries:\n"+one),
		Entry("with an unknown field in the chart", nginx(one+"    unknown: x\n")),
		Entry("with a field of the chart twice", nginx(one+"    version: 2.0.0\n")),
		Entry("with a version that YAML takes for a number", nginx("  nginx:\n  - name: nginx\n    version: 1.10\n")),
		Entry("with a list for a version", nginx("  nginx:\n  - name: nginx\n    version: [1.0.0]\n")),
		Entry("with an invalid date in the chart", nginx(one+"    created: yesterday\n")),
		Entry("with a tab for indentation", nginx("\tnginx: []\n")),
		Entry("with a list for entries", "apiVersion: v1\nentries:\n- nginx\n"),
		Entry("with a text for the chart", nginx("  nginx: none\n")),
		Entry("with a text in quotes that does not end", nginx(one+"    description: \"a\n")),
		Entry("with a chart that is indented less than others", nginx("    nginx:\n    - name: nginx\n      version: 1.0.0\n  redis: []\n")),
		Entry("that is a web page", "<!DOCTYPE html>\n<html><body>Sign in</body></html>\n"),
		Entry("that is a list", "- a\n- b\n"),
		Entry("that is a text", "not found"),
		Entry("that is binary", "\x1f\x8b\x08\x00\x00"),
	)

	DescribeTable("refuses malformed JSON",
		func(text string) {
			_, err := read(text, "nginx")
			Expect(err).To(MatchError(helmindex.ErrMalformed))
		},
		Entry("that has the chart twice", `{"apiVersion":"v1","entries":{"nginx":[],"nginx":[]}}`),
		Entry("that has the chart twice, once with an escape", `{"apiVersion":"v1","entries":{"nginx":[],"ngin\u0078":[]}}`),
		Entry("that has entries twice", `{"apiVersion":"v1","entries":{"nginx":[]},"Entries":{}}`),
		Entry("that has apiVersion twice", `{"apiVersion":"v1","apiVersion":"v1","entries":{"nginx":[]}}`),
		Entry("without apiVersion", `{"entries":{"nginx":[]}}`),
		Entry("with a number for apiVersion", `{"apiVersion":1,"entries":{"nginx":[]}}`),
		Entry("with a list for entries", `{"apiVersion":"v1","entries":[]}`),
		Entry("with a number for a version", `{"apiVersion":"v1","entries":{"nginx":[{"version":1}]}}`),
		Entry("with a text for the chart", `{"apiVersion":"v1","entries":{"nginx":"none"}}`),
		Entry("that is cut", `{"apiVersion":"v1","entries":{"nginx":[`),
		Entry("that nests too deep", `{"apiVersion":"v1","x":`+strings.Repeat("[", 20_000)),
		Entry("that is an empty file", ""),
		Entry("that is white space", " \n\t\n"),
	)

	DescribeTable("refuses an index that exceeds a bound",
		func(text string) {
			_, err := read(text, "nginx")
			Expect(err).To(MatchError(helmindex.ErrTooLarge))
			Expect(len(err.Error())).To(BeNumerically("<", 1300))
		},
		Entry("with a line of YAML", nginx(one+"    description: "+strings.Repeat("x", helmindex.MaxLine)+"\n")),
		Entry("with a text of JSON", `{"apiVersion":"`+strings.Repeat("x", 2*helmindex.MaxLine)+`"}`),
		Entry("with the chart", nginx(one+"    description: |\n"+strings.Repeat("      "+strings.Repeat("x", 1000)+"\n", helmindex.MaxBlock/1000))),
		Entry("with the chart in JSON", `{"apiVersion":"v1","entries":{"nginx":[`+strings.Repeat(`{"description":"`+strings.Repeat("x", 1000)+`"},`, helmindex.MaxBlock/1000)+`null]}}`),
		Entry("with the number of versions", nginx("  nginx:\n"+strings.Repeat("  - null\n", helmindex.MaxVersions+1))),
		Entry("with the number of versions in JSON", `{"apiVersion":"v1","entries":{"nginx":[`+strings.Repeat("{},", helmindex.MaxVersions)+`{}]}}`),
		Entry("H15: with nodes that would take hundreds of megabytes", nginx("  nginx: ["+strings.Repeat("\n  - "+strings.Repeat("[],", 1000), 1000)+"]\n")),
		Entry("H15: with aliases that stand for a long text", "apiVersion: v1\nannotations:\n  a: &a "+strings.Repeat("x", 60_000)+"\n  b: "+
			"["+strings.TrimSuffix(strings.Repeat("*a,", 1000), ",")+"]\nentries:\n"+one),
	)

	It("skips faults in other charts, which make Helm refuse the whole index", func() {
		text := nginx("  redis:\n  - unknown: x\n    unknown: x\n    created: yesterday\n  redis: []\n" + one)
		_, err := byHelm(GinkgoT().TempDir(), text)
		Expect(err).To(HaveOccurred())
		found, err := read(text, "nginx")
		Expect(err).NotTo(HaveOccurred())
		Expect(versions(found.Entries)).To(Equal([]string{"1.0.0"}))
	})

	It("returns the error of the reader as it is", func() {
		broken := errors.New("the disk is gone")
		for _, begin := range []string{nginx(one), "{"} {
			_, err := helmindex.Find(failing{begin: begin, err: broken}, 1<<20, "nginx")
			Expect(err).To(MatchError(broken))
			Expect(isClassified(err)).To(BeFalse())
		}
	})

	It("reports a file that is shorter than its size as unreadable", func() {
		text := "%YAML 1.1\n---\n" + nginx(one)
		_, err := helmindex.Find(strings.NewReader(text), int64(len(text))+1, "nginx")
		Expect(err).To(HaveOccurred())
		Expect(isClassified(err)).To(BeFalse())
	})

	DescribeTable("returns a digest",
		func(digest, want string) {
			found, err := read(nginx(one+"    digest: "+digest+"\n"), "nginx")
			Expect(err).NotTo(HaveOccurred())
			Expect(found.Entries[0].Digest).To(Equal(want))
		},
		Entry("without a prefix", strings.Repeat("ab", 32), strings.Repeat("ab", 32)),
		Entry("with a prefix", "sha256:"+strings.Repeat("ab", 32), strings.Repeat("ab", 32)),
		Entry("in upper case", "SHA256:"+strings.Repeat("AB", 32), strings.Repeat("ab", 32)),
		Entry("not if it is too short", "sha256:1234567890abcdef", ""),
		Entry("not if it is of another kind", "sha512:"+strings.Repeat("ab", 64), ""),
		Entry("not if it is empty", `""`, ""),
	)
})

// failing is a file that cannot be read after its beginning.
type failing struct {
	begin string
	err   error
}

func (f failing) ReadAt(p []byte, offset int64) (int, error) {
	if offset < int64(len(f.begin)) {
		return copy(p, f.begin[offset:]), nil
	}
	return 0, f.err
}

var _ = Describe("BlockHash", func() {
	hash := func(text string) string {
		GinkgoHelper()
		found, err := read(text, "nginx")
		Expect(err).NotTo(HaveOccurred())
		return found.BlockHash
	}

	DescribeTable("changes with the chart only",
		func(format string) {
			fill := func(generated, nginx, redis string) string { return hash(fmt.Sprintf(format, generated, nginx, redis)) }
			before := fill("2024", "1.0.0", "1.0.0")
			Expect(fill("2025", "1.0.0", "1.0.0")).To(Equal(before))
			Expect(fill("2024", "1.0.0", "2.0.0")).To(Equal(before))
			Expect(fill("2024", "2.0.0", "1.0.0")).NotTo(Equal(before))
		},
		Entry("in block style", "apiVersion: v1\ngenerated: \"%s-01-02T03:04:05Z\"\nentries:\n  nginx:\n  - name: nginx\n    version: %s\n  redis:\n  - name: redis\n    version: %s\n"),
		Entry("in JSON", `{"apiVersion":"v1","generated":"%s-01-02T03:04:05Z","entries":{"nginx":[{"name":"nginx","version":"%s"}],"redis":[{"name":"redis","version":"%s"}]}}`),
		Entry("in flow style", `{apiVersion: v1, generated: "%s-01-02T03:04:05Z", entries: {nginx: [{name: nginx, version: %s}], redis: [{name: redis, version: %s}]}}`),
	)
})
