// SPDX-License-Identifier: Apache-2.0

package helmindex_test

import (
	"errors"
	"net/url"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"helm.sh/helm/v3/pkg/repo"

	"github.com/verifiedchart/verifiedchart/internal/helmindex"
)

var _ = Describe("ResolveURL", func() {
	DescribeTable("resolves as Helm does",
		func(repository, reference, want string) {
			resolved, err := helmindex.ResolveURL(repository, reference)
			Expect(err).NotTo(HaveOccurred())
			Expect(resolved.String()).To(Equal(want))
			Expect(repo.ResolveReferenceURL(repository, reference)).To(Equal(want))
		},
		Entry("a name beside the index", "https://a.example/charts", "x-1.0.0.tgz", "https://a.example/charts/x-1.0.0.tgz"),
		Entry("a name, for a repository with a slash at its end", "https://a.example/charts/", "x.tgz", "https://a.example/charts/x.tgz"),
		Entry("a name, for a repository without a path", "https://a.example", "x.tgz", "https://a.example/x.tgz"),
		Entry("the index itself", "https://a.example/charts", "index.yaml", "https://a.example/charts/index.yaml"),
		Entry("a path below", "https://a.example/charts", "charts/x.tgz", "https://a.example/charts/charts/x.tgz"),
		Entry("a path above", "https://a.example/charts/stable", "../x.tgz", "https://a.example/charts/x.tgz"),
		Entry("a path from the root", "https://a.example/charts", "/files/x.tgz", "https://a.example/files/x.tgz"),
		Entry("another host", "https://a.example/charts", "https://b.example/x.tgz?a=b", "https://b.example/x.tgz?a=b"),
		Entry("another host without a scheme", "https://a.example/charts", "//b.example/x.tgz", "https://b.example/x.tgz"),
		Entry("http, about which the caller decides", "https://a.example/charts", "http://a.example/x.tgz", "http://a.example/x.tgz"),
		Entry("a name, with the query of the repository", "https://a.example/charts?key=1", "x.tgz", "https://a.example/charts/x.tgz?key=1"),
		Entry("a name with a query, which that of the repository replaces", "https://a.example/charts?key=1", "x.tgz?a=b", "https://a.example/charts/x.tgz?key=1"),
		Entry("another host, without the query of the repository", "https://a.example/charts?key=1", "https://b.example/x.tgz", "https://b.example/x.tgz"),
		Entry("a path with an escape", "https://a.example/a%2Fb", "x%20y.tgz", "https://a.example/a%2Fb/x%20y.tgz"),
		Entry("build metadata", "https://a.example/charts", "x-1.0.0+b.tgz", "https://a.example/charts/x-1.0.0+b.tgz"),
		Entry("a host by its IPv6 address", "https://[2001:db8::1]:8443/charts", "x.tgz", "https://[2001:db8::1]:8443/charts/x.tgz"),
	)

	DescribeTable("names the spec.url for an archive in an OCI registry",
		func(reference, want string) {
			_, err := helmindex.ResolveURL("https://a.example/charts", reference)
			var inRegistry *helmindex.OCIError
			Expect(errors.As(err, &inRegistry)).To(BeTrue())
			Expect(inRegistry.URL).To(Equal(want))
			Expect(err).To(MatchError(helmindex.ErrURL))
			Expect(err).To(MatchError(ContainSubstring(want)))
		},
		Entry("with a tag", "oci://registry-1.docker.io/bitnamicharts/keycloak:1.2.3", "oci://registry-1.docker.io/bitnamicharts/keycloak"),
		Entry("without a tag", "oci://registry-1.docker.io/bitnamicharts/keycloak", "oci://registry-1.docker.io/bitnamicharts/keycloak"),
		Entry("with a port and a tag", "oci://r.example:5000/a/b:1.2.3_b", "oci://r.example:5000/a/b"),
		Entry("with a port alone", "oci://r.example:5000/a/b", "oci://r.example:5000/a/b"),
		Entry("with a digest", "oci://r.example/a@sha256:"+strings.Repeat("ab", 32), "oci://r.example/a"),
		Entry("with a tag and a digest", "oci://r.example/a:1@sha256:"+strings.Repeat("ab", 32), "oci://r.example/a"),
		Entry("with credentials, which are dropped", "oci://user:hunter2@r.example/a:1", "oci://r.example/a"),
	)

	DescribeTable("refuses a URL",
		func(reference string) {
			_, err := helmindex.ResolveURL("https://a.example/charts", reference)
			Expect(err).To(MatchError(helmindex.ErrURL))
			Expect(err).NotTo(MatchError(ContainSubstring("hunter2")))
		},
		Entry("of a file", "file:///etc/passwd"),
		Entry("of another scheme", "s3://bucket/x.tgz"),
		Entry("without a host", "https:///x.tgz"),
		Entry("with a port but no host", "https://:443/x.tgz"),
		Entry("without slashes", "https:x.tgz"),
		Entry("with credentials", "https://user:hunter2@b.example/x.tgz"),
		Entry("that cannot be parsed", "https://user:hunter2@[b/x.tgz"),
		Entry("with a line break", "x\n.tgz"),
		Entry("that is too long", strings.Repeat("x", 8<<10+1)),
	)

	It("takes the first URL of an entry", func() {
		archive, err := helmindex.Entry{URLs: []string{"x.tgz", "y.tgz"}}.Archive("https://a.example/charts")
		Expect(err).NotTo(HaveOccurred())
		Expect(archive.String()).To(Equal("https://a.example/charts/x.tgz"))
	})

	It("refuses an entry without a URL", func() {
		_, err := helmindex.Entry{Version: "1.0.0"}.Archive("https://a.example/charts")
		Expect(err).To(MatchError(helmindex.ErrURL))
	})
})

var _ = DescribeTable("ProvenanceURL adds .prov to the path",
	func(archive, want string) {
		parsed, err := url.Parse(archive)
		Expect(err).NotTo(HaveOccurred())
		Expect(helmindex.Beside(parsed, ".prov").String()).To(Equal(want))
		Expect(parsed.String()).To(Equal(archive))
	},
	Entry("of an archive", "https://a.example/x.tgz", "https://a.example/x.tgz.prov"),
	Entry("and keeps the query", "https://a.example/x.tgz?a=b&c=d", "https://a.example/x.tgz.prov?a=b&c=d"),
	Entry("and keeps escapes", "https://a.example/a%2Fb/x.tgz", "https://a.example/a%2Fb/x.tgz.prov"),
	Entry("and drops the fragment", "https://a.example/x.tgz#a", "https://a.example/x.tgz.prov"),
)
