// SPDX-License-Identifier: Apache-2.0

package location_test

import (
	"strings"
	"testing"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/verifiedchart/verifiedchart/internal/location"
	"github.com/verifiedchart/verifiedchart/internal/registry"
)

var _ = Describe("The canonical name of a repository", Label("policy"), func() {
	DescribeTable("J1: is the same for every spelling",
		func(expected string, spellings ...string) {
			for _, s := range spellings {
				Expect(location.Canonical(s)).To(Equal(expected), s)
			}
		},
		Entry("of the case of the host", "ghcr.io/org/app", "ghcr.io/org/app", "GHCR.io/org/app", "oci://GHCR.IO/org/app", "OCI://ghcr.io/org/app"),
		Entry("of a dot at the end of the host", "ghcr.io/org/app", "ghcr.io./org/app", "ghcr.io..:443/org/app", "GHCR.IO.:0443/org/app"),
		Entry("of a default port", "ghcr.io/org/app", "ghcr.io:443/org/app", "ghcr.io:80/org/app", "ghcr.io:0443/org/app", "ghcr.io:00080/org/app", "ghcr.io:/org/app"),
		Entry("of another port", "localhost:5000/app", "LOCALHOST:5000/app", "localhost:05000/app", "localhost.:5000/app/"),
		Entry("of an IPv6 address", "[2001:db8::1]/app", "[2001:db8::1]/app", "[2001:DB8:0:0::1]/app", "oci://[2001:0db8::0001]:443/app/", "[2001:db8::1]:0080/app"),
		Entry("of an IPv6 address with a port", "[::1]:5000/app", "[::1]:5000/app", "[0:0:0:0:0:0:0:1]:05000/app"),
		Entry("of an IPv4 address in IPv6", "10.0.0.1:5000/app", "10.0.0.1:5000/app", "[::ffff:10.0.0.1]:5000/app", "[::ffff:a00:1]:5000/app"),
		Entry("of a slash at the end", "ghcr.io/org/app", "ghcr.io/org/app/", "oci://ghcr.io/org/app//"),
		Entry("of Docker Hub", "docker.io/org/app", "docker.io/org/app", "index.docker.io/org/app", "registry-1.docker.io/org/app", "registry.hub.docker.com/org/app", "oci://INDEX.docker.io.:443/org/app/"),
		Entry("of a classic repository", "https://charts.example/stable/app", "https://charts.example/stable/app", "HTTPS://Charts.Example.:0443/stable/app/", "http://charts.example:80/stable/app", "http://charts.example/stable/app"),
		Entry("of an official image", "docker.io/library/app", "docker.io/app", "docker.io/library/app", "registry-1.docker.io/app/", "index.docker.io:0443/library/app"),
	)

	DescribeTable("J1: keeps apart",
		func(a, b string) { Expect(location.Canonical(a)).NotTo(Equal(location.Canonical(b))) },
		Entry("two ports", "localhost:5000/app", "localhost:5001/app"),
		Entry("a port and none", "localhost:5000/app", "localhost/app"),
		Entry("a port that ends like a default one", "localhost:8443/app", "localhost/app"),
		Entry("Docker Hub and another port of its host", "docker.io:5000/app", "docker.io/app"),
		Entry("Docker Hub and a host that ends like it", "docker.io.example/app", "docker.io/app"),
		Entry("an official image and one of another registry", "ghcr.io/app", "ghcr.io/library/app"),
		Entry("a classic repository and one in a registry", "https://charts.example/app", "charts.example/app"),
		Entry("two charts of a classic repository that differ in case", "https://charts.example/App", "https://charts.example/app"),
		Entry("a classic repository on the host of Docker Hub and an image", "https://docker.io/app", "docker.io/app"),
		Entry("two paths", "ghcr.io/org/app", "ghcr.io/org/app2"),
	)

	DescribeTable("is first among its URLs, with the names that policies use",
		func(repository string, aliases ...string) {
			got := location.URLs(repository)
			Expect(got[0]).To(HaveSuffix(location.Canonical(repository)))
			for _, a := range aliases {
				Expect(got).To(ContainElement(a))
			}
			for _, a := range got {
				Expect(location.Canonical(a)).To(Equal(location.Canonical(repository)), a)
			}
		},
		Entry("with its default ports", "oci://GHCR.io/org/app", "oci://ghcr.io/org/app", "oci://ghcr.io:443/org/app", "oci://ghcr.io:80/org/app"),
		Entry("only with its own port", "localhost:5000/app", "oci://localhost:5000/app"),
		Entry("with Docker Hub's hosts", "docker.io/org/app", "oci://index.docker.io/org/app", "oci://registry-1.docker.io:443/org/app"),
		Entry("with an official image's short name", "docker.io/app", "oci://docker.io/app", "oci://index.docker.io/app", "oci://docker.io/library/app"),
		Entry("with both schemes of a classic repository", "http://Charts.example/stable/App", "https://charts.example/stable/App", "http://charts.example:80/stable/App"),
		Entry("with the default ports of an IPv6 address", "[::1]/app", "oci://[::1]/app", "oci://[::1]:443/app"),
		Entry("only with the own port of an IPv6 address", "[::1]:5000/app", "oci://[::1]:5000/app"),
		Entry("if it is nothing", ""),
	)
})

// FuzzCanonical checks that a canonical name is its own canonical name, and that every readable repository has
// the canonical name of its URL.
func FuzzCanonical(f *testing.F) {
	for _, s := range []string{"oci://GHCR.io:0443/org/app/", "docker.io/x", "a.:443./b", "a::443", "oci://oci://x", "x:0/", "İ.io/x", "//", ".:80/", "https://oci://x", "[::1]:443/x", "[::ffff:1.2.3.4]/x", "[[/x", "[]]:1/", "HTTP://a.:80/B/", "https://"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		canonical := location.Canonical(s)
		if again := location.Canonical(canonical); again != canonical {
			t.Errorf("%q becomes %q, and that %q", s, canonical, again)
		}
		for _, a := range location.URLs(s) {
			if location.Canonical(a) != canonical {
				t.Errorf("%q has the alias %q, which names a different repository", s, a)
			}
		}
		if repository, err := registry.ParseURL(s); err == nil && (location.Canonical(repository) != canonical || strings.Count(canonical, "/") < strings.Count(repository, "/")) {
			t.Errorf("%q is %q, and its URL %q", repository, location.Canonical(repository), canonical)
		}
	})
}
