// SPDX-License-Identifier: Apache-2.0

package policy_test

import (
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/opencontainers/go-digest"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/internal/policy"
	"github.com/verifiedchart/verifiedchart/internal/verify"
)

const (
	chartURL = "oci://registry.example/charts/app"
	bad      = digest.Digest("sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")
	other    = digest.Digest("sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb")
)

func listed(text string) policy.Revoked {
	GinkgoHelper()
	r, err := policy.ParseRevocations("the list", []byte(text))
	Expect(err).NotTo(HaveOccurred())
	return r
}

var _ = DescribeTable("A list of revocations revokes", Label("revocation"),
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
	Entry("J1: a version, by another case of the host", `versions: [{url: "oci://Registry.Example/charts/app", range: 1.2.3}]`, other, "1.2.3"),
	Entry("J1: a version, by the default port", `versions: [{url: "oci://registry.example:443/charts/*", range: 1.2.3}]`, other, "1.2.3"),
	Entry("J1: a version, by a slash at the end", `versions: [{url: "oci://registry.example/charts/app/", range: 1.2.3}]`, other, "1.2.3"),
	Entry("J21: a digest in another case, with spaces", `digests: [" SHA256:`+strings.ToUpper(bad.Encoded())+` "]`, bad, ""),
	Entry("J21: a version that looks like a number, exactly as written", "versions:\n- url: \"**\"\n  range: 1.10\n", other, "1.10.2"),
	Entry("J21: by a list after a line of dashes, with comments", "# bad releases\n---\ndigests: # of 2026\n- "+string(bad)+"\n", bad, ""),
	Entry("J21: by an alias", "versions: [{url: &all \"**\", range: 2.x}, {url: *all, range: 1.2.3}]", other, "1.2.3"),
)

var _ = DescribeTable("A list of revocations leaves alone", Label("revocation"),
	func(list, version string) {
		Expect(listed(list).Check(chartURL, other, version)).To(Succeed())
	},
	Entry("everything, if it is an empty list", `{}`, "1.2.3"),
	Entry("everything, if a field is an empty list", "# nothing\ndigests: []\nversions: []\n", "1.2.3"),
	Entry("another digest", `digests: [`+string(bad)+`]`, "1.2.3"),
	Entry("another version", `versions: [{url: "**", range: "<1.2.3"}]`, "1.2.3"),
	Entry("a version of another chart", `versions: [{url: `+chartURL+`2, range: 1.2.3}]`, "1.2.3"),
	Entry("J21: a version that begins alike, if the range looks like a number", "versions:\n- url: \"**\"\n  range: 1.10\n", "1.1.0"),
	Entry("a version of a chart in another folder", `versions: [{url: "oci://registry.example/*", range: 1.2.3}]`, "1.2.3"),
	Entry("a chart without a known version", `versions: [{url: "**", range: "*"}]`, ""),
)

var _ = DescribeTable("A list of revocations is malformed:", Label("revocation"),
	func(text, hint string) {
		r, err := policy.ParseRevocations("the list", []byte(text))
		Expect(err).To(MatchError(verify.ErrTrustMalformed))
		Expect(err).NotTo(MatchError(verify.ErrRejected))
		Expect(err).To(MatchError(ContainSubstring(hint)))
		Expect(err.Error()).NotTo(MatchRegexp(`Revocation|policy\.|struct|json|yaml\.|Go |map\[|interface|!!`), "names of Go types")
		Expect(len(err.Error())).To(BeNumerically("<", 900))
		Expect(r).To(BeZero())
	},
	Entry("J21: an empty text", "", "write {}"),
	Entry("J21: white space", " \n\n", "write {}"),
	Entry("J21: only a comment", "# digests: ["+string(bad)+"]\n", "write {}"),
	Entry("J21: null", "null", "write {}"),
	Entry("J21: a tilde, which is null", "~", "write {}"),
	Entry("J21: only a line of dashes", "---\n", "write {}"),
	Entry("J21: only a byte order mark", "\ufeff", "write {}"),
	Entry("J21: a field whose entries are gone", "digests:\nkeys: []\n", "digests must be a list"),
	Entry("J21: a field of null", "keys: null", "keys must be a list"),
	Entry("no YAML", "\x00", "not YAML"),
	Entry("cut off", `digests: [`, "not YAML"),
	Entry("a list instead of fields", `[digests]`, "must have fields"),
	Entry("a text", string(bad), "must have fields"),
	Entry("J21: misspelt", `digest: [`+string(bad)+`]`, `field "digest" is unknown: the fields are`),
	Entry("J21: in another case", `Digests: [`+string(bad)+`]`, `field "Digests" is unknown`),
	Entry("J21: misspelt in an entry", `versions: [{url: "**", ranges: 1.2.3}]`, `field "ranges" is unknown`),
	Entry("J21: the fields of a spec", `revoked: {digests: []}`, `field "revoked" is unknown`),
	Entry("double", "digests: []\ndigests: ["+string(bad)+"]", "twice"),
	Entry("two lists", "digests: []\n---\ndigests: ["+string(bad)+"]", "more than one"),
	Entry("a list and a malformed document", "digests: []\n---\n[", "more than one"),
	Entry("of a malformed digest", `digests: [sha256:00]`, "64 hexadecimal digits"),
	Entry("of a digest that no manifest has", `digests: [sha512:`+strings.Repeat("a", 128)+`]`, "sha256:"),
	Entry("of no digest at all", `digests: [~]`, "digests must hold texts"),
	Entry("of digests with fields", `digests: [{digest: `+string(bad)+`}]`, "digests must hold texts"),
	Entry("one text", `digests: `+string(bad), "digests must be a list"),
	Entry("of a malformed key", `keys: [deadbeef]`, "no id of a key"),
	Entry("of an identity without a subject", `identities: [{issuer: x}]`, "needs a subject"),
	Entry("of an identity that is a text", `identities: [a@example.com]`, "must have fields"),
	Entry("of an identity with a malformed pattern", `identities: [{issuer: x, subject: "("}]`, "regular expression"),
	Entry("of versions of no chart", `versions: [{range: 1.2.3}]`, "url"),
	Entry("of versions without a range", `versions: [{url: "**"}]`, "needs a range"),
	Entry("of a malformed range", `versions: [{url: "**", range: "one"}]`, "no range"),
	Entry("J1: of a url without a scheme", `versions: [{url: ghcr.io/org/*, range: "*"}]`, "write oci://ghcr.io/org/*"),
	Entry("J1: of a url of another scheme", `versions: [{url: "ftp://ghcr.io/org/*", range: "*"}]`, "write oci://ghcr.io/org/*"),
	Entry("J1: of a url of a classic repository that goes up", `versions: [{url: "https://charts.example/a/../b", range: "*"}]`, "segments . and .."),
	Entry("J1: of a url of a classic repository with a query", `versions: [{url: "https://charts.example/a?b", range: "*"}]`, "matches no URL"),
	Entry("J1: of a url with an address in brackets that are not closed", `versions: [{url: "oci://[::1/app", range: "*"}]`, "matches no URL"),
	Entry("J1: of a url with a tag", `versions: [{url: "oci://ghcr.io/org/app:1.0.0", range: "*"}]`, "tag"),
	Entry("J1: of a url in upper case", `versions: [{url: "oci://ghcr.io/Org/app", range: "*"}]`, "write oci://ghcr.io/org/app"),
	Entry("J1: of a registry", `versions: [{url: "oci://ghcr.io", range: "*"}]`, "write oci://ghcr.io/**"),
	Entry("J1: of a url with an impossible port", `versions: [{url: "oci://ghcr.io:65536/**", range: "*"}]`, "port of 1 to 65535"),
	Entry("J1: of a url with zeros in its port", `versions: [{url: "oci://ghcr.io:0443/**", range: "*"}]`, "without leading zeros"),
	Entry("J1: of a url whose host ends with a dot", `versions: [{url: "oci://ghcr.io./**", range: "*"}]`, "matches no URL"),
	Entry("J1: of an impossible url", `versions: [{url: "oci://ghcr.io/a..b", range: "*"}]`, "matches no URL"),
	Entry("of very long texts", "digests: [\""+strings.Repeat("x", 100_000)+"\""+strings.Repeat(", y", 1000)+"]", "more"),
	Entry("deep", strings.Repeat("[", 50_000), "list"),
)

var _ = DescribeTable("J21: a spec and the cluster's list accept", Label("revocation"),
	func(key string) {
		id := "SHA256:" + strings.Repeat("ab", 32)
		signed := verify.VerifiedSignature{Signer: id}
		if strings.Contains(strings.ToUpper(strings.ReplaceAll(key, " ", "")), "C0FFEE") {
			signed = verify.VerifiedSignature{Signer: "OPENPGP:" + strings.Repeat("C0FFEE00", 5)}
		}
		own := policy.Policy{Verify: v1alpha1.Verification{Rules: v1alpha1.Rules{Revoked: &v1alpha1.Revocations{Keys: []string{key}}}}}
		Expect(policy.NewSet(time.Now, policy.Revoked{}, own).RevokedSigner(signed)).To(MatchError(verify.ErrRejected))
		Expect(policy.NewSet(time.Now, listed("keys: [\""+key+"\"]")).RevokedSigner(signed)).To(MatchError(verify.ErrRejected))
	},
	Entry("the id of a cosign key", "SHA256:"+strings.Repeat("ab", 32)),
	Entry("only its digest", strings.Repeat("ab", 32)),
	Entry("any case, and spaces", "sha256: "+strings.Repeat("AB ", 32)),
	Entry("the fingerprint of an OpenPGP key", "OPENPGP:"+strings.Repeat("C0FFEE00", 5)),
	Entry("a fingerprint in groups", " c0ff ee00 c0ff ee00 c0ff  ee00 c0ff ee00 c0ff ee00"),
	Entry("a key id", "openpgp:C0FFEE00C0FFEE00"),
)
