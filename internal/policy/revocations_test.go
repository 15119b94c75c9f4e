// SPDX-License-Identifier: Apache-2.0

package policy_test

import (
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/opencontainers/go-digest"

	"github.com/verifiedchart/verifiedchart/internal/policy"
	"github.com/verifiedchart/verifiedchart/internal/verify"
)

const (
	chartURL = "oci://registry.example/charts/app"
	bad      = digest.Digest("sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")
	other    = digest.Digest("sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb")
)

func listed(text string) policy.Revocations {
	GinkgoHelper()
	r, err := policy.ParseRevocations("the list", []byte(text))
	Expect(err).NotTo(HaveOccurred())
	return r
}

var _ = DescribeTable("A list of revocations revokes",
	func(list string, d digest.Digest, version string) {
		err := listed(list).Check(chartURL, d, version)
		Expect(err).To(MatchError(verify.ErrRejected))
		Expect(err).To(MatchError(ContainSubstring("the list")))
	},
	Entry("a digest", `digests: [`+string(bad)+`]`, bad, ""),
	Entry("a version", `versions: [{url: `+chartURL+`, range: 1.2.3}]`, other, "1.2.3"),
	Entry("a version of every chart of a folder", `versions: [{url: "oci://registry.example/charts/*", range: "<1.2.4"}]`, other, "1.2.3"),
	Entry("a version anywhere", `versions: [{url: "**", range: "1.2.x"}]`, other, "1.2.3"),
	Entry("a release candidate of a version in a range", `versions: [{url: "**", range: "<=1.2.3"}]`, other, "1.2.3-rc.1"),
	Entry("a build of a version", `versions: [{url: "**", range: "1.2.3"}]`, other, "1.2.3+b"),
	Entry("a version with a v", `versions: [{url: "**", range: "1.2.3"}]`, other, "v1.2.3"),
)

var _ = DescribeTable("A list of revocations leaves alone",
	func(list, version string) {
		Expect(listed(list).Check(chartURL, other, version)).To(Succeed())
	},
	Entry("everything, if it is empty", ``, "1.2.3"),
	Entry("another digest", `digests: [`+string(bad)+`]`, "1.2.3"),
	Entry("another version", `versions: [{url: "**", range: "<1.2.3"}]`, "1.2.3"),
	Entry("a version of another chart", `versions: [{url: `+chartURL+`2, range: 1.2.3}]`, "1.2.3"),
	Entry("a version of a chart in another folder", `versions: [{url: "oci://registry.example/*", range: 1.2.3}]`, "1.2.3"),
	Entry("what has no version yet", `versions: [{url: "**", range: "*"}]`, ""),
)

var _ = DescribeTable("A list of revocations is refused that is",
	func(text string) {
		_, err := policy.ParseRevocations("the list", []byte(text))
		Expect(err).To(MatchError(verify.ErrTrustMalformed))
		Expect(err).NotTo(MatchError(verify.ErrRejected))
		Expect(len(err.Error())).To(BeNumerically("<", 600))
	},
	Entry("no YAML", "\x00"),
	Entry("of another form", `[digests]`),
	Entry("misspelt", `digest: [`+string(bad)+`]`),
	Entry("double", "digests: []\ndigests: ["+string(bad)+"]"),
	Entry("of what is no digest", `digests: [sha256:00]`),
	Entry("of what is no key", `keys: [deadbeef]`),
	Entry("of versions of no chart", `versions: [{range: 1.2.3}]`),
	Entry("of what is no range", `versions: [{url: "**", range: "one"}]`),
	Entry("of an endless text", `digests: ["`+strings.Repeat("x", 100_000)+`"]`),
)

var _ = DescribeTable("A glob matches",
	func(g policy.Glob, text string, matches bool) { Expect(g.Matches(text)).To(Equal(matches)) },
	Entry("nothing", policy.Glob(""), "", true),
	Entry("nothing else", policy.Glob(""), "a", false),
	Entry("itself", policy.Glob("oci://a/b"), "oci://a/b", true),
	Entry("no part of a text", policy.Glob("oci://a/b"), "oci://a/bc", false),
	Entry("any segment", policy.Glob("oci://a/*"), "oci://a/b", true),
	Entry("one segment alone", policy.Glob("oci://a/*"), "oci://a/b/c", false),
	Entry("an empty segment", policy.Glob("oci://a/*"), "oci://a/", true),
	Entry("a part of a segment", policy.Glob("oci://a/b*d"), "oci://a/bcd", true),
	Entry("any segments", policy.Glob("oci://a/**"), "oci://a/b/c", true),
	Entry("any segments in between", policy.Glob("oci://**/app"), "oci://a/b/app", true),
	Entry("no segment in between that is not there", policy.Glob("oci://a/**/app"), "oci://a/app", false),
	Entry("no pattern of another kind", policy.Glob("oci://a/[b]?"), "oci://a/bc", false),
	Entry("a text in time that would take others for ever", policy.Glob(strings.Repeat("*a", 200)+"b"), strings.Repeat("a", 400), false),
)
