// SPDX-License-Identifier: Apache-2.0

package chartrepo_test

import (
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/verifiedchart/verifiedchart/internal/chartrepo"
	"github.com/verifiedchart/verifiedchart/internal/location"
	"github.com/verifiedchart/verifiedchart/internal/registry"
)

var _ = Describe("The URL of a classic repository", Label("classic"), func() {
	DescribeTable("is read",
		func(raw, want string) {
			Expect(chartrepo.ParseURL(raw)).To(Equal(want))
			base, chart := chartrepo.Split(chartrepo.Name(want, "app"))
			Expect(base).To(Equal(want))
			Expect(chart).To(Equal("app"))
			Expect(location.Canonical(strings.TrimSuffix(raw, "/") + "/app")).To(Equal(location.Canonical(chartrepo.Name(want, "app"))))
		},
		Entry("with a path", "https://charts.example.com/stable", "https://charts.example.com/stable"),
		Entry("without a path", "https://helm.releases.example.com", "https://helm.releases.example.com"),
		Entry("with a slash at its end", "https://charts.example.com/stable/", "https://charts.example.com/stable"),
		Entry("with a port", "https://charts.example.com:8443/api/packages/org/helm", "https://charts.example.com:8443/api/packages/org/helm"),
		Entry("with a host in upper case, and a path whose case stays", "https://Charts.Example.COM/Stable", "https://charts.example.com/Stable"),
		Entry("with an IPv6 address", "https://[2001:DB8::1]:8443/stable", "https://[2001:db8::1]:8443/stable"),
		Entry("over plain HTTP, which needs permission later", "http://10.0.0.1:8080/charts", "http://10.0.0.1:8080/charts"),
	)

	DescribeTable("is refused, without a word of it in the error",
		func(raw string) {
			_, err := chartrepo.ParseURL(raw)
			Expect(err).To(MatchError(registry.ErrURL))
			Expect(err.Error()).NotTo(ContainSubstring("hunter2"))
		},
		Entry("of a registry", "oci://ghcr.io/org/app"),
		Entry("with credentials", "https://user:hunter2@charts.example.com/stable"),
		Entry("with a query", "https://charts.example.com/stable?token=hunter2"),
		Entry("with a fragment", "https://charts.example.com/stable#hunter2"),
		Entry("with an escape, by which a rule about the path could be avoided", "https://charts.example.com/st%61ble"),
		Entry("with an escaped slash", "https://charts.example.com/a%2Fb"),
		Entry("with an empty segment", "https://charts.example.com//stable"),
		Entry("with the segment ..", "https://charts.example.com/other/../stable"),
		Entry("with the segment .", "https://charts.example.com/./stable"),
		Entry("with a backslash", `https://charts.example.com\stable`),
		Entry("with a port that no host has", "https://charts.example.com:65536/stable"),
		Entry("with port 0", "https://charts.example.com:0/stable"),
		Entry("with white space", "https://charts.example.com/stable "),
		Entry("with a line break", "https://charts.example.com/stable\n"),
		Entry("without a host", "https:///stable"),
		Entry("with an IPv4 address in brackets", "https://[10.0.0.1]/stable"),
		Entry("with a zone", "https://[fe80::1%25hunter2]/stable"),
		Entry("with brackets that hold no address", "https://[::1::2]/stable"),
		Entry("of a file", "file:///etc/charts"),
		Entry("that is too long", "https://charts.example.com/"+strings.Repeat("a", 512)),
		Entry("that is empty", ""),
	)
})
