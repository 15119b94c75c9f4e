// SPDX-License-Identifier: Apache-2.0

package registry_test

import (
	"strings"
	"testing"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/verifiedchart/verifiedchart/internal/registry"
)

var _ = Describe("The canonical name of a repository", Label("registry"), func() {
	DescribeTable("J1: is the same for every spelling",
		func(expected string, spellings ...string) {
			for _, s := range spellings {
				Expect(registry.Canonical(s)).To(Equal(expected), s)
			}
		},
		Entry("of the case of the host", "ghcr.io/org/app", "ghcr.io/org/app", "GHCR.io/org/app", "oci://GHCR.IO/org/app", "OCI://ghcr.io/org/app"),
		Entry("of a dot at the end of the host", "ghcr.io/org/app", "ghcr.io./org/app", "ghcr.io..:443/org/app", "GHCR.IO.:0443/org/app"),
		Entry("of a default port", "ghcr.io/org/app", "ghcr.io:443/org/app", "ghcr.io:80/org/app", "ghcr.io:0443/org/app", "ghcr.io:00080/org/app", "ghcr.io:/org/app"),
		Entry("of another port", "localhost:5000/app", "LOCALHOST:5000/app", "localhost:05000/app", "localhost.:5000/app/"),
		Entry("of a slash at the end", "ghcr.io/org/app", "ghcr.io/org/app/", "oci://ghcr.io/org/app//"),
		Entry("of Docker Hub", "docker.io/org/app", "docker.io/org/app", "index.docker.io/org/app", "registry-1.docker.io/org/app", "registry.hub.docker.com/org/app", "oci://INDEX.docker.io.:443/org/app/"),
		Entry("of an official image", "docker.io/library/app", "docker.io/app", "docker.io/library/app", "registry-1.docker.io/app/", "index.docker.io:0443/library/app"),
	)

	DescribeTable("J1: keeps apart",
		func(a, b string) { Expect(registry.Canonical(a)).NotTo(Equal(registry.Canonical(b))) },
		Entry("two ports", "localhost:5000/app", "localhost:5001/app"),
		Entry("a port and none", "localhost:5000/app", "localhost/app"),
		Entry("a port that ends like a default one", "localhost:8443/app", "localhost/app"),
		Entry("Docker Hub and another port of its host", "docker.io:5000/app", "docker.io/app"),
		Entry("Docker Hub and a host that ends like it", "docker.io.example/app", "docker.io/app"),
		Entry("an official image and one of another registry", "ghcr.io/app", "ghcr.io/library/app"),
		Entry("two paths", "ghcr.io/org/app", "ghcr.io/org/app2"),
	)

	DescribeTable("is among its aliases, with the names that policies use",
		func(repository string, aliases ...string) {
			got := registry.Aliases(repository)
			Expect(got[0]).To(Equal(registry.Canonical(repository)))
			for _, a := range aliases {
				Expect(got).To(ContainElement(a))
			}
			for _, a := range got {
				Expect(registry.Canonical(a)).To(Equal(got[0]), a)
			}
		},
		Entry("with its default ports", "oci://GHCR.io/org/app", "ghcr.io/org/app", "ghcr.io:443/org/app", "ghcr.io:80/org/app"),
		Entry("only with its own port", "localhost:5000/app", "localhost:5000/app"),
		Entry("with Docker Hub's hosts", "docker.io/org/app", "index.docker.io/org/app", "registry-1.docker.io:443/org/app"),
		Entry("with an official image's short name", "docker.io/app", "docker.io/app", "index.docker.io/app", "docker.io/library/app"),
		Entry("if it is nothing", ""),
	)
})

// FuzzCanonical checks that a canonical name is its own canonical name, and that every readable repository has
// the canonical name of its URL.
func FuzzCanonical(f *testing.F) {
	for _, s := range []string{"oci://GHCR.io:0443/org/app/", "docker.io/x", "a.:443./b", "a::443", "oci://oci://x", "x:0/", "İ.io/x", "//", ".:80/"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		canonical := registry.Canonical(s)
		if again := registry.Canonical(canonical); again != canonical {
			t.Errorf("%q becomes %q, and that %q", s, canonical, again)
		}
		for _, a := range registry.Aliases(s) {
			if registry.Canonical(a) != canonical {
				t.Errorf("%q has the alias %q, which names a different repository", s, a)
			}
		}
		if repository, err := registry.ParseURL(s); err == nil && (registry.Canonical(repository) != canonical || strings.Count(canonical, "/") < strings.Count(repository, "/")) {
			t.Errorf("%q is %q, and its URL %q", repository, registry.Canonical(repository), canonical)
		}
	})
}
