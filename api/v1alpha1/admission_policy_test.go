// SPDX-License-Identifier: Apache-2.0

package v1alpha1_test

import (
	"fmt"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
)

// createPolicy sends a ClusterChartPolicy with a good spec, changed by the edits.
func createPolicy(edits ...edit) error {
	spec := map[string]any{"verify": map[string]any{"authorities": []any{authority("release")}}}
	for _, e := range edits {
		e(spec)
	}
	obj := &unstructured.Unstructured{Object: map[string]any{"spec": spec}}
	obj.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind(v1alpha1.ClusterChartPolicyKind))
	obj.SetGenerateName("policy-")
	return k8s.Create(GinkgoT().Context(), obj)
}

func urls(list ...any) edit       { return set(list, "match", "urls") }
func namespaces(list ...any) edit { return set(list, "match", "namespaces") }

// times repeats an entry with a number at its end.
func times(n int, entry string) []any {
	var list []any
	for i := range n {
		list = append(list, entry+strings.Repeat("a", i))
	}
	return list
}

var _ = Describe("The API server, asked for a ClusterChartPolicy,", Label("admission", "policy"), func() {
	DescribeTable("takes one",
		func(edits ...edit) { Expect(createPolicy(edits...)).To(Succeed()) },
		Entry("for everything"),
		Entry("for a registry", urls("oci://ghcr.io/**")),
		Entry("for a folder, a chart and a part of a name", urls("oci://ghcr.io/org/*", "oci://ghcr.io/org/app", "oci://ghcr.io/org/app-*-x/**", "oci://ghcr.io/org/a__b/c---d.e_f")),
		Entry("for hosts", urls("oci://*.example.com/**", "oci://*/org/**", "oci://registry-*.example/app")),
		Entry("for ports", urls("oci://localhost:5000/**", "oci://*:*/**", "oci://h:65535/a", "oci://h:5*/a")),
		Entry("J1: for a host in upper case with a default port, which are canonicalised", urls("oci://GHCR.io:443/org/**")),
		Entry("for every path of any host", urls("**", "**/app", "oci://**", "oci://**/app", "oci://ghcr.io**", "oci://gh**app")),
		Entry("with a slash at the end", urls("oci://ghcr.io/org/app/")),
		Entry("for IPv6 addresses", urls("oci://[2001:db8::1]/**", "oci://[::1]:5000/org/*", "https://[2001:DB8::1]:8443/Stable/*")),
		Entry("for classic repositories", urls("https://charts.example/**", "https://charts.example:8443/Stable/app", "http://*.example/a_b~c+d/*", "https://**", "**/App")),
		Entry("for namespaces", namespaces("apps", "team-*", "*-prod", "*", "**", "a", "1-2", strings.Repeat("a", 63))),
		Entry("with the most entries of the greatest length", set(times(64, "oci://ghcr.io/"+strings.Repeat("a", 430)), "match", "urls"), func(spec map[string]any) {
			set(times(63, "a"), "match", "namespaces")(spec)
		}),
		Entry("J16: that revokes identities", set([]any{map[string]any{"issuer": "https://issuer.example", "subject": ".*"}}, "verify", "revoked", "identities")),
	)

	DescribeTable("J1: refuses one that can match nothing, and names the fix",
		func(hint string, edits ...edit) {
			err := createPolicy(edits...)
			Expect(apierrors.IsInvalid(err)).To(BeTrue(), "%v", err)
			Expect(err).To(MatchError(ContainSubstring(hint)))
		},
		Entry("since its URL has no scheme", "write oci://ghcr.io/org/*", urls("ghcr.io/org/*")),
		Entry("since the second of its URLs has no scheme", "write oci://ghcr.io/org/**", urls("oci://ghcr.io/org/**", "ghcr.io/org/**")),
		Entry("since its URL has another scheme", "write oci://ghcr.io/org/*", urls("ftp://ghcr.io/org/*")),
		Entry("since its path in a classic repository goes up", "match none", urls("https://charts.example/a/../b")),
		Entry("since its path in a classic repository has an escape", "match none", urls("https://charts.example/a%2Fb")),
		Entry("since its path in a classic repository is empty", "write https://charts.example/**", urls("https://charts.example")),
		Entry("since the port of its classic repository is too high", "port of 1 to 65535", urls("https://charts.example:65536/**")),
		Entry("since its scheme is in upper case", "write oci://ghcr.io/org/*", urls("OCI://ghcr.io/org/*")),
		Entry("since its URL begins with white space", "must start with oci://", urls(" oci://ghcr.io/org/*")),
		Entry("since its URL has a tag", "neither credentials nor a tag", urls("oci://ghcr.io/org/app:1.0.0")),
		Entry("since its URL has any tag", "neither credentials nor a tag", urls("oci://ghcr.io/org/*:*")),
		Entry("since its URL has a digest", "neither credentials nor a tag", urls("oci://ghcr.io/org/app@"+digestOf("0"))),
		Entry("since its URL has credentials", "neither credentials nor a tag", urls("oci://user@ghcr.io/org/app")),
		Entry("since its path is in upper case", "write oci://ghcr.io/org/*", urls("oci://ghcr.io/Org/*")),
		Entry("since its path is in upper case behind any host", "write oci://**/app", urls("oci://**/App")),
		Entry("since it is a registry alone", "write oci://ghcr.io/**", urls("oci://ghcr.io")),
		Entry("since it is a registry and a slash", "write oci://ghcr.io/**", urls("oci://ghcr.io/")),
		Entry("since its star ends before the path", "write oci://ghcr.*/**", urls("oci://ghcr.*")),
		Entry("since its path has two dots", "match none", urls("oci://ghcr.io/a..b")),
		Entry("since its path has two slashes", "match none", urls("oci://ghcr.io/a//b")),
		Entry("since its path goes up", "match none", urls("oci://ghcr.io/org/../**")),
		Entry("since a part of its path begins with a dash", "match none", urls("oci://ghcr.io/-a/**")),
		Entry("since a part of its path ends with a dot", "match none", urls("oci://ghcr.io/a./*")),
		Entry("since its path has a question mark", "match none", urls("oci://ghcr.io/a?/b")),
		Entry("since its path has brackets", "match none", urls("oci://ghcr.io/[ab]/c")),
		Entry("since its host has an underscore", "match none", urls("oci://my_host/a")),
		Entry("since its host has an empty label", "match none", urls("oci://ghcr..io/a")),
		Entry("since its host ends with a dot", "match none", urls("oci://ghcr.io./a")),
		Entry("since it has no host", "match none", urls("oci:///a")),
		Entry("since its port is zero", "port of 1 to 65535", urls("oci://h:0/a")),
		Entry("since its port is too high", "port of 1 to 65535", urls("oci://h:65536/a")),
		Entry("since its port has zeros", "without leading zeros", urls("oci://h:0443/a")),
		Entry("since its port is a name", "match none", urls("oci://h:https/a")),
		Entry("since a namespace is in upper case", "lower case letters", namespaces("Team-*")),
		Entry("since a namespace has an underscore", "lower case letters", namespaces("a_b")),
		Entry("since a namespace has a dot", "lower case letters", namespaces("a.b")),
		Entry("since a namespace has a slash", "lower case letters", namespaces("team/*")),
		Entry("since a namespace begins with a dash", "lower case letters", namespaces("-*")),
		Entry("since a namespace ends with a dash", "lower case letters", namespaces("team-")),
		Entry("since a namespace begins with white space", "lower case letters", namespaces(" apps")),
		Entry("since a namespace is too long", "may not be more than 63", namespaces(strings.Repeat("a", 64))),
		Entry("since a namespace is empty", "match.namespaces", namespaces("")),
	)

	DescribeTable("J5: refuses revocations that cannot be read",
		func(hint string, edits ...edit) {
			err := createPolicy(edits...)
			Expect(apierrors.IsInvalid(err)).To(BeTrue(), "%v", err)
			Expect(err).To(MatchError(ContainSubstring(hint)))
		},
		Entry("such as no range", "versions must be ranges", set([]any{"no range"}, "verify", "revoked", "versions")),
		Entry("such as no key", "keys must be", set([]any{"deadbeef"}, "verify", "revoked", "keys")),
	)
})

var _ = Describe("The API server, asked for ranges of versions,", Label("admission"), func() {
	DescribeTable("J5: takes",
		func(ranges ...any) {
			for _, r := range ranges {
				_, err := create(set(map[string]any{"semver": r}, "ref"))
				Expect(err).NotTo(HaveOccurred(), "%v", r)
			}
			_, err := create(set(ranges, "verify", "revoked", "versions"))
			Expect(err).NotTo(HaveOccurred())
		},
		Entry("a version", "1.2.3", "v1.2.3", "=1.2.3", "1.2.3-rc.1+build.5", "2024.02.0"),
		Entry("a part of one", "1", "1.2", "1.x", "1.2.X", "*", "1.*"),
		Entry("a bound", "<1.2.3", "<= 1.2.3", "=<1.2.3", ">1", ">=1.2", "=>1.2", "!=1.2.3", "!= 1.x"),
		Entry("a neighbourhood", "~1.2", "~>1.2.3", "^1.2.3", "^ 0.2"),
		Entry("several", ">=1.0.0 <2.0.0", ">=1.0.0, <2.0.0", ">=1.0.0,<2.0.0", "<1 || >=2.3.4 !=2.4.0", "1.x||2.x", " >= 1.0 "),
		Entry("from one to another", "1.2 - 1.4.5", "1.0.0 - 2.0.0 || 3.x"),
	)

	DescribeTable("J5: refuses",
		func(ranges ...any) {
			for _, r := range ranges {
				_, err := create(set(map[string]any{"semver": r}, "ref"))
				Expect(err).To(MatchError(ContainSubstring("semver must be a range")), "%v", r)
				_, err = create(set([]any{r}, "verify", "revoked", "versions"))
				Expect(err).To(MatchError(ContainSubstring("versions must be ranges")), "%v", r)
			}
		},
		Entry("words", "no range", "latest", "one"),
		Entry("malformed bounds", "<<1", ">=<1", "==1", "=!1", "1<", ">", "&1"),
		Entry("malformed versions", "1.2.3.4", "1..2", ".1", "1.", "1x", "1.2.3_4", "V1", "1.2.3-.", "1.2.3+b.", "1.2.3-rc..1"),
		Entry("a missing part", " ", "1 ||", "|| 1", "1 | 2", "1,,2", "1,"),
		Entry("another separator", "1 and 2", "1;2", "[1,2)", "1 -2"),
	)
})

var _ = Describe("The API server, asked for the URL of a chart,", Label("admission", "registry"), func() {
	DescribeTable("J5: refuses what can be no repository, and names the fix",
		func(hint, url string) {
			_, err := create(set(url, "url"))
			Expect(apierrors.IsInvalid(err)).To(BeTrue(), "%v", err)
			Expect(err).To(MatchError(ContainSubstring(hint)))
			_, err = create(authorities(authority("a", set(url, "signatureRepository"))))
			Expect(err).To(MatchError(ContainSubstring("signatureRepository must be")))
		},
		Entry("two dots in its path", "joined by one /", "oci://ghcr.io/a..b"),
		Entry("two slashes in its path", "joined by one /", "oci://ghcr.io/a//b"),
		Entry("two slashes behind the host", "joined by one /", "oci://ghcr.io//a"),
		Entry("two slashes at its end", "joined by one /", "oci://ghcr.io/a//"),
		Entry("a dot and an underscore in its path", "joined by one /", "oci://ghcr.io/a._b"),
		Entry("three underscores in its path", "joined by one /", "oci://ghcr.io/a___b"),
		Entry("a dash at the end of a name", "joined by one /", "oci://ghcr.io/a-/b"),
		Entry("an underscore at the beginning of a name", "joined by one /", "oci://ghcr.io/_a"),
		Entry("a dot at its end", "joined by one /", "oci://ghcr.io/a."),
		Entry("port 0", "port of 1 to 65535", "oci://ghcr.io:0/a"),
		Entry("port 00", "port of 1 to 65535", "oci://ghcr.io:00/a"),
		Entry("port 65536", "port of 1 to 65535", "oci://ghcr.io:65536/a"),
		Entry("a port of many digits", "port of 1 to 65535", "oci://ghcr.io:100000/a"),
		Entry("an empty port", "oci://host[:port]/path", "oci://ghcr.io:/a"),
		Entry("J1: a port with a zero", "write oci://ghcr.io:443/a/b", "oci://ghcr.io:0443/a/b"),
		Entry("J1: a port with zeros", "write oci://localhost:5000/a", "oci://localhost:0005000/a"),
		Entry("J1: a dot at the end of the host", "write oci://ghcr.io/a/b", "oci://ghcr.io./a/b"),
		Entry("J1: dots at the end of the host, before a port", "write oci://ghcr.io:443/a", "oci://ghcr.io..:443/a"),
		Entry("an empty label", "oci://host[:port]/path", "oci://ghcr..io/a"),
		Entry("a dot at the beginning of the host", "oci://host[:port]/path", "oci://.ghcr.io/a"),
		Entry("a dash at the end of a label", "oci://host[:port]/path", "oci://ghcr-.io/a"),
		Entry("a dash at the beginning of the host", "oci://host[:port]/path", "oci://-ghcr.io/a"),
		Entry("a dot instead of a host", "oci://host[:port]/path", "oci://./a"),
		Entry("no host", "oci://host[:port]/path", "oci:///a"),
	)

	DescribeTable("takes every spelling of a repository that has one name",
		func(url string) {
			_, err := create(set(url, "url"), authorities(authority("a", set(url, "signatureRepository"))))
			Expect(err).NotTo(HaveOccurred())
		},
		Entry("J1: upper case", "oci://GHCR.io/a/b"),
		Entry("J1: a default port", "oci://ghcr.io:443/a/b/"),
		Entry("the highest port", "oci://h:65535/a"),
		Entry("an address", "oci://127.0.0.1:5000/a"),
		Entry("every separator", "oci://h-1.example/a.b/a_b/a__b/a-b/a---b"),
		Entry("a long path", "oci://ghcr.io/"+strings.Repeat("a", 498)),
	)
})

var _ = Describe("The API server, asked for revocations,", Label("admission", "revocation"), func() {
	revoking := func(field string, entries ...any) edit { return set(entries, "verify", "revoked", field) }
	fingerprint := strings.Repeat("c0ffee00", 5)

	DescribeTable("J21: takes what the list of the cluster takes",
		func(edits ...edit) {
			_, err := create(edits...)
			Expect(err).NotTo(HaveOccurred())
		},
		Entry("digests in any case", revoking("digests", "sha256:"+strings.Repeat("aB", 32), " SHA256:"+strings.Repeat("0", 64)+" ")),
		Entry("keys with and without prefix", revoking("keys", "SHA256:"+strings.Repeat("ab", 32), strings.Repeat("ab", 32), "OPENPGP:"+fingerprint, fingerprint, fingerprint[:16])),
		Entry("keys in any case", revoking("keys", "sha256:"+strings.Repeat("AB", 32), "OpenPGP:"+strings.ToUpper(fingerprint))),
		Entry("keys with spaces", revoking("keys", " C0FF EE00 C0FF EE00 C0FF  EE00 C0FF EE00 C0FF EE00", "sha256: "+strings.Repeat("ab ", 32))),
		Entry("J16: identities", revoking("identities", map[string]any{"issuer": "^https://issuer[.]example$", "subject": "^.*@example[.]com$"})),
		Entry("the highest number of entries", func(spec map[string]any) {
			var digests, keys, versions, identities []any
			for i := range 256 {
				digests = append(digests, fmt.Sprintf("sha256:%064x", i))
				keys = append(keys, fmt.Sprintf("%064x", i))
			}
			for i := range 64 {
				versions = append(versions, fmt.Sprintf(">=1.0.0 <1.0.%d", i))
				identities = append(identities, map[string]any{"issuer": "x", "subject": strings.Repeat("x", 512)})
			}
			spec["verify"].(map[string]any)["revoked"] = map[string]any{"digests": digests, "keys": keys, "versions": versions, "identities": identities}
		}),
	)

	DescribeTable("refuses",
		func(hint string, edits ...edit) {
			_, err := create(edits...)
			Expect(apierrors.IsInvalid(err)).To(BeTrue(), "%v", err)
			Expect(err).To(MatchError(ContainSubstring(hint)))
		},
		Entry("a digest of another algorithm", "digests must be", revoking("digests", "sha512:"+strings.Repeat("a", 128))),
		Entry("a digest without its algorithm", "digests must be", revoking("digests", strings.Repeat("a", 64))),
		Entry("a fingerprint that is cut off", "keys must be", revoking("keys", fingerprint[:39])),
		Entry("a fingerprint with another prefix", "keys must be", revoking("keys", "GPG:"+fingerprint)),
		Entry("a short fingerprint of a cosign key", "keys must be", revoking("keys", "SHA256:"+fingerprint)),
		Entry("an identity without a subject", "subject", revoking("identities", map[string]any{"issuer": "x"})),
		Entry("an identity by an empty pattern", "issuer", revoking("identities", map[string]any{"issuer": "", "subject": "x"})),
		Entry("an identity whose pattern does not compile", "regular expression", revoking("identities", map[string]any{"issuer": "(", "subject": "x"})),
	)
})
