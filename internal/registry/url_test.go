// SPDX-License-Identifier: Apache-2.0

package registry_test

import (
	"strings"
	"testing"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/verifiedchart/verifiedchart/internal/registry"
)

var _ = Describe("The URL of a repository", Label("registry"), func() {
	DescribeTable("is parsed", func(url, repository string) {
		Expect(registry.ParseURL(url)).To(Equal(repository))
	},
		Entry("a host and a path", "oci://ghcr.io/org/charts/app", "ghcr.io/org/charts/app"),
		Entry("a port", "oci://registry.example:5000/app", "registry.example:5000/app"),
		Entry("an address", "oci://127.0.0.1:5000/a", "127.0.0.1:5000/a"),
		Entry("an IPv6 address", "oci://[2001:DB8::1]/a", "[2001:db8::1]/a"),
		Entry("an IPv6 address and a port", "oci://[::1]:5000/org/a", "[::1]:5000/org/a"),
		Entry("a short host", "oci://localhost/app", "localhost/app"),
		Entry("a host in upper case", "oci://GHCR.io/app", "ghcr.io/app"),
		Entry("a slash at its end", "oci://ghcr.io/app/", "ghcr.io/app"),
		Entry("every separator", "oci://h/a.b/a_b/a__b/a-b/a---b", "h/a.b/a_b/a__b/a-b/a---b"),
		Entry("the highest port", "oci://h:65535/a", "h:65535/a"),
	)

	DescribeTable("is refused, and not repeated", func(url string) {
		_, err := registry.ParseURL(url)
		Expect(err).To(MatchError(registry.ErrURL))
		Expect(err.Error()).NotTo(ContainSubstring("canary"))
	},
		Entry("nothing", ""),
		Entry("another scheme", "https://ghcr.io/canary"),
		Entry("no scheme", "ghcr.io/canary"),
		Entry("a scheme in upper case", "OCI://ghcr.io/canary"),
		Entry("I6: a user and a password", "oci://user:canary@ghcr.io/app"),
		Entry("I6: a user", "oci://canary@ghcr.io/app"),
		Entry("I6: a password with a slash", "oci://user:canary/x@ghcr.io/app"),
		Entry("I6: an escaped at sign", "oci://user:canary%40ghcr.io/app"),
		Entry("a tag", "oci://ghcr.io/app:canary"),
		Entry("a tag and a slash", "oci://ghcr.io/app:canary/"),
		Entry("a digest", "oci://ghcr.io/app@sha256:"+strings.Repeat("a", 64)),
		Entry("a query", "oci://ghcr.io/app?token=canary"),
		Entry("a fragment", "oci://ghcr.io/app#canary"),
		Entry("no host", "oci:///canary"),
		Entry("no path", "oci://canary.io"),
		Entry("an IPv6 address without brackets", "oci://::1/canary"),
		Entry("an IPv6 address with a zone", "oci://[fe80::1%25canary]/app"),
		Entry("an IPv4 address in brackets", "oci://[10.0.0.1]/canary"),
		Entry("brackets that are not closed", "oci://[::1/canary"),
		Entry("brackets with a name", "oci://[canary]/app"),
		Entry("text after the brackets", "oci://[::1]canary/app"),
		Entry("an IPv6 address and port 0", "oci://[::1]:0/canary"),
		Entry("an IPv6 address and a port without digits", "oci://[::1]:/canary"),
		Entry("no path, and a slash", "oci://canary.io/"),
		Entry("two slashes", "oci://ghcr.io//canary"),
		Entry("a path upwards", "oci://ghcr.io/../canary"),
		Entry("a path in upper case", "oci://ghcr.io/Canary"),
		Entry("an escape", "oci://ghcr.io/%63anary"),
		Entry("a backslash", `oci://ghcr.io\canary/app`),
		Entry("a space", "oci://ghcr.io/can ary"),
		Entry("a line break", "oci://ghcr.io/app\n"),
		Entry("an invalid character", "oci://ghcr.io/\xff"),
		Entry("a letter of another script", "oci://ghcr.io/аpp"),
		Entry("port 0", "oci://canary.io:0/app"),
		Entry("a port out of range", "oci://canary.io:65536/app"),
		Entry("an empty port", "oci://canary.io:/app"),
		Entry("two dots in the host", "oci://canary..io/app"),
		Entry("a dot at the end of the host", "oci://canary.io./app"),
		Entry("a hyphen at the start of the host", "oci://-canary.io/app"),
		Entry("a path without end", "oci://ghcr.io/"+strings.Repeat("canary/", 1000)),
	)
})

// FuzzParseURL checks that an accepted URL is only a host and a path, and that the result parses to itself; a
// rejection is short and quotes no secret.
func FuzzParseURL(f *testing.F) {
	for _, url := range []string{"oci://ghcr.io/org/app", "oci://h:5000/a_b/c", "oci://u:p@h/a", "oci://h/a:1", "oci://h/a?b", "oci://[::1]/a", "oci://H/a/"} {
		f.Add(url)
	}
	f.Fuzz(func(t *testing.T, url string) {
		repository, err := registry.ParseURL(url)
		if err != nil {
			if len(err.Error()) > 1024 {
				t.Errorf("an error of %d bytes", len(err.Error()))
			}
			return
		}
		if strings.ContainsAny(repository, "@?#%\\ \r\n\x00") || strings.Contains(repository, "..") || strings.Contains(repository, "//") {
			t.Errorf("%q is accepted as %q", url, repository)
		}
		again, err := registry.ParseURL("oci://" + repository)
		if err != nil || again != repository {
			t.Errorf("%q is accepted as %q, which is %q, %v", url, repository, again, err)
		}
		if _, err := registry.NewClient(registry.ClientOptions{}).Repository(registry.Target{Repository: repository}); err != nil {
			t.Errorf("%q is accepted as %q and cannot be read: %v", url, repository, err)
		}
	})
}
