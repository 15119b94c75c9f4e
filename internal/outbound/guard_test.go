// SPDX-License-Identifier: Apache-2.0

package outbound

import (
	"net/http"
	"net/netip"
	"net/url"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

var _ = Describe("The guard", func() {
	DescribeTable("A11: allows addresses of the outside only", func(address string, allowed bool) {
		Expect(newGuard(nil).allows(netip.MustParseAddr(address))).To(Equal(allowed))
	},
		Entry("public IPv4", "140.82.121.33", true),
		Entry("public IPv6", "2606:50c0:8000::154", true),
		Entry("public IPv4 through NAT64", "64:ff9b::8c52:7921", true),
		Entry("loopback", "127.0.0.1", false),
		Entry("the end of loopback", "127.255.255.254", false),
		Entry("loopback over IPv6", "::1", false),
		Entry("loopback as IPv4 in IPv6", "::ffff:127.0.0.1", false),
		Entry("shared addresses as IPv4 in IPv6", "::ffff:100.64.0.1", false),
		Entry("loopback as IPv4-compatible", "::127.0.0.1", false),
		Entry("loopback through NAT64", "64:ff9b::7f00:1", false),
		Entry("RFC 1918 through NAT64", "64:ff9b::a00:1", false),
		Entry("RFC 1918, 10/8", "10.1.2.3", false),
		Entry("RFC 1918, 172.16/12", "172.31.255.255", false),
		Entry("next to 172.16/12", "172.32.0.1", true),
		Entry("RFC 1918, 192.168/16", "192.168.1.1", false),
		Entry("the metadata service", "169.254.169.254", false),
		Entry("the metadata service of a cloud in shared addresses", "100.100.100.200", false),
		Entry("link-local over IPv6", "fe80::1", false),
		Entry("ULA", "fd00:ec2::254", false),
		Entry("site-local", "fec0::1", false),
		Entry("unspecified", "0.0.0.0", false),
		Entry("unspecified over IPv6", "::", false),
		Entry("this network", "0.1.2.3", false),
		Entry("reserved", "240.0.0.1", false),
		Entry("broadcast", "255.255.255.255", false),
		Entry("multicast", "224.0.0.1", false),
		Entry("6to4 of a private address", "2002:a00:1::1", false),
		Entry("Teredo", "2001:0:a00:1::1", false),
	)

	It("A11: allows a block that is listed, through NAT64 too, and no other", func() {
		g := newGuard([]string{"10.1.0.0/16", "registry.internal", "mirror.internal:5000"})
		Expect(g.allows(netip.MustParseAddr("10.1.2.3"))).To(BeTrue())
		Expect(g.allows(netip.MustParseAddr("64:ff9b::a01:203"))).To(BeTrue())
		Expect(g.allows(netip.MustParseAddr("10.2.2.3"))).To(BeFalse())
		Expect(g.lists("Registry.internal", "registry.internal:443")).To(BeTrue())
		Expect(g.lists("mirror.internal", "mirror.internal:5000")).To(BeTrue())
		Expect(g.lists("mirror.internal", "mirror.internal:443")).To(BeFalse())
		Expect(g.lists("other.internal", "other.internal:443")).To(BeFalse())
	})

	DescribeTable("A11: lets a proxy be reached, by its port only", func(variable, proxy, address string) {
		GinkgoT().Setenv(variable, proxy)
		g := newGuard(nil)
		Expect(g.lists("proxy.internal", address)).To(BeTrue())
		Expect(g.lists("proxy.internal", "proxy.internal:6443")).To(BeFalse())
	},
		Entry("a URL", "HTTPS_PROXY", "http://user:pass@proxy.internal:3128", "proxy.internal:3128"),
		Entry("no scheme", "HTTP_PROXY", "proxy.internal:3128", "proxy.internal:3128"),
		Entry("no port", "HTTPS_PROXY", "https://proxy.internal", "proxy.internal:443"),
		Entry("SOCKS", "HTTPS_PROXY", "socks5://proxy.internal", "proxy.internal:1080"),
	)
})

var _ = Describe("The transport", func() {
	t := newTransport(Options{AllowedHosts: []string{"10.1.0.0/16"}})
	secure := Origin{HostPort: "10.9.9.9:443"}
	clear := Origin{HostPort: "10.9.9.9:80", PlainHTTP: true}

	DescribeTable("A14: speaks plain HTTP only if that was asked for", func(o Origin, to string, allowed bool) {
		_, err := t.route(must(url.Parse(to)), o)
		if allowed {
			Expect(err).NotTo(HaveOccurred())
		} else {
			Expect(err).To(MatchError(ErrCleartext))
		}
	},
		Entry("HTTPS", secure, "https://10.9.9.9/", true),
		Entry("HTTPS elsewhere", secure, "https://registry.example/", true),
		Entry("plain HTTP", secure, "http://10.9.9.9/", false),
		Entry("plain HTTP elsewhere", secure, "http://registry.example/", false),
		Entry("plain HTTP that was asked for", clear, "http://10.9.9.9/", true),
		Entry("another scheme", clear, "ftp://10.9.9.9/", false),
		Entry("no request of a Reader", Origin{}, "http://registry.example/", false),
	)

	DescribeTable("A11: asks no proxy for an internal address, and does not mix up the hosts that are allowed there", func(to string, through http.RoundTripper) {
		got, err := t.route(must(url.Parse(to)), secure)
		if through == nil {
			Expect(err).To(MatchError(ErrRefused))
			return
		}
		Expect(err).NotTo(HaveOccurred())
		Expect(got).To(BeIdenticalTo(through))
	},
		Entry("its own address", "https://10.9.9.9/", t.configured),
		Entry("its own address, with the port", "https://10.9.9.9:443/", t.configured),
		Entry("its own address, with another port", "https://10.9.9.9:10250/", nil),
		Entry("another internal address", "https://10.9.9.8/", nil),
		Entry("an internal address that is allowed", "https://10.1.9.9/", t.elsewhere),
		Entry("a name, which is looked at when it is resolved", "https://registry.example/", t.elsewhere),
	)
})

var _ = DescribeTable("A13: a redirect keeps credentials on its own host only", func(from, to string, kept bool) {
	via, err := http.NewRequest(http.MethodGet, from, nil)
	Expect(err).NotTo(HaveOccurred())
	req := &http.Request{URL: must(url.Parse(to)), Header: http.Header{"Authorization": {"Bearer t"}, "Cookie": {"c"}, "Referer": {"r"}}}
	Expect(checkRedirect(req, []*http.Request{via})).To(Succeed())
	Expect(req.Header).NotTo(HaveKey("Referer"))
	if kept {
		Expect(req.Header).To(And(HaveKey("Authorization"), HaveKey("Cookie")))
	} else {
		Expect(req.Header).NotTo(Or(HaveKey("Authorization"), HaveKey("Cookie")))
	}
},
	Entry("the same host", "https://h.example/a", "https://h.example/b", true),
	Entry("the same host, with the port that it has anyway", "https://h.example/a", "https://H.example:443/b", true),
	Entry("a subdomain", "https://h.example/a", "https://cdn.h.example/b", false),
	Entry("the parent domain", "https://h.example/a", "https://example/b", false),
	Entry("another port", "https://h.example/a", "https://h.example:8443/b", false),
	Entry("another host", "https://h.example/a", "https://other.example/b", false),
	Entry("another scheme", "http://h.example:443/a", "https://h.example/b", false),
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
