// SPDX-License-Identifier: Apache-2.0

package outbound

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// row names the requests that may lead to an address.
type row struct{ fromOutside, fromInside bool }

var (
	external = row{fromOutside: true, fromInside: true}
	internal = row{fromInside: true}
	nobody   = row{}
)

var _ = Describe("The guard", Label("network"), func() {
	DescribeTable("A11: lets a request lead", func(address string, want row) {
		g := newGuard(nil, []string{"10.96.0.1:443", "[fd00:10:96::1]:443", "api.corp.example:6443"})
		to := netip.MustParseAddrPort(address)
		Expect(g.refuses("host.example", to, false) == nil).To(Equal(want.fromOutside), "from an external host")
		Expect(g.refuses("host.example", to, true) == nil).To(Equal(want.fromInside), "from an internal host, or to the host that a user named")
	},
		Entry("to public IPv4", "140.82.121.33:443", external),
		Entry("to public IPv6", "[2606:50c0:8000::154]:443", external),
		Entry("to public IPv4 through NAT64", "[64:ff9b::8c52:7921]:443", external),
		Entry("next to 172.16/12", "172.32.0.1:443", external),
		Entry("next to the wire server of Azure", "168.63.129.17:80", external),
		Entry("to RFC 1918, 10/8", "10.1.2.3:443", internal),
		Entry("to RFC 1918, 172.16/12", "172.31.255.255:443", internal),
		Entry("to RFC 1918, 192.168/16", "192.168.1.1:443", internal),
		Entry("to RFC 1918 through NAT64", "[64:ff9b::a00:1]:443", internal),
		Entry("to RFC 1918 as IPv4 in IPv6", "[::ffff:10.0.0.1]:443", internal),
		Entry("to a unique local address", "[fd12:3456::1]:443", internal),
		Entry("to the shared addresses of clusters and VPNs", "100.64.0.1:443", internal),
		Entry("to shared addresses as IPv4 in IPv6", "[::ffff:100.64.0.1]:443", internal),
		Entry("to the benchmarking block, which some proxies use for names", "198.18.0.1:443", internal),
		Entry("to the reserved block, which some meshes use for names", "240.240.0.1:443", internal),
		Entry("to another port of the API server's host", "10.96.0.1:8443", internal),
		Entry("not to loopback", "127.0.0.1:443", nobody),
		Entry("not to the end of loopback", "127.255.255.254:443", nobody),
		Entry("not to loopback over IPv6", "[::1]:443", nobody),
		Entry("not to loopback as IPv4 in IPv6", "[::ffff:127.0.0.1]:443", nobody),
		Entry("not to loopback as IPv4-compatible", "[::127.0.0.1]:443", nobody),
		Entry("not to loopback through NAT64", "[64:ff9b::7f00:1]:443", nobody),
		Entry("not to the metadata service", "169.254.169.254:80", nobody),
		Entry("not to the metadata service through NAT64", "[64:ff9b::a9fe:a9fe]:80", nobody),
		Entry("not to the metadata service of AWS over IPv6", "[fd00:ec2::254]:80", nobody),
		Entry("not to the metadata service of Alibaba", "100.100.100.200:80", nobody),
		Entry("not to the metadata service of Oracle", "192.0.0.192:80", nobody),
		Entry("not to the wire server of Azure, on a public address", "168.63.129.16:80", nobody),
		Entry("not to link-local addresses", "169.254.1.1:443", nobody),
		Entry("not to link-local addresses over IPv6", "[fe80::1]:443", nobody),
		Entry("not to link-local addresses with a zone", "[fe80::1%lo]:443", nobody),
		Entry("not to site-local addresses", "[fec0::1]:443", nobody),
		Entry("not to the unspecified address", "0.0.0.0:443", nobody),
		Entry("not to the unspecified address over IPv6", "[::]:443", nobody),
		Entry("not to this network", "0.1.2.3:443", nobody),
		Entry("not to broadcast", "255.255.255.255:443", nobody),
		Entry("not to multicast", "224.0.0.1:443", nobody),
		Entry("not to multicast over IPv6", "[ff02::1]:443", nobody),
		Entry("not to 6to4 of a private address", "[2002:a00:1::1]:443", nobody),
		Entry("not to Teredo", "[2001:0:a00:1::1]:443", nobody),
		Entry("not to the API server", "10.96.0.1:443", nobody),
		Entry("not to the API server as IPv4 in IPv6", "[::ffff:10.96.0.1]:443", nobody),
		Entry("not to the API server over IPv6", "[fd00:10:96:0:0:0:0:1]:443", nobody),
	)

	DescribeTable("A11: refuses a URL before a proxy gets it", func(to string, refused bool) {
		g := newGuard([]string{"10.1.0.0/16"}, []string{"10.96.0.1:443", "api.corp.example:6443"})
		err := g.check(must(url.Parse(to)), false)
		if refused {
			Expect(err).To(MatchError(ErrRefused))
		} else {
			Expect(err).NotTo(HaveOccurred())
		}
	},
		Entry("with an internal address", "https://10.9.9.8/", true),
		Entry("with a loopback address", "https://[::1]:5000/", true),
		Entry("with the API server's name", "https://API.corp.example:6443/", true),
		Entry("but not with the API server's name and another port", "https://api.corp.example/", false),
		Entry("but not with a listed address", "https://10.1.9.9/", false),
		Entry("but not with a name, whose address is checked at the connection", "https://registry.example/", false),
	)

	It("A11: allows a listed block, through NAT64 too, and no other", func() {
		g := newGuard([]string{"10.1.0.0/16", "127.0.0.0/8"}, []string{"10.1.0.1:443"})
		allows := func(address string) bool {
			return g.refuses("host.example", netip.MustParseAddrPort(address), false) == nil
		}
		Expect(allows("10.1.2.3:443")).To(BeTrue())
		Expect(allows("[64:ff9b::a01:203]:443")).To(BeTrue())
		Expect(allows("127.0.0.1:5000")).To(BeTrue())
		Expect(allows("10.1.0.1:443")).To(BeTrue(), "the API server, which is listed")
		Expect(allows("10.2.2.3:443")).To(BeFalse())
	})

	DescribeTable("A11: lists", func(allowed, host, port string, listed bool) {
		Expect(newGuard([]string{allowed}, nil).lists(host, net.JoinHostPort(host, port))).To(Equal(listed))
	},
		Entry("a host in any case", "registry.internal", "Registry.INTERNAL", "443", true),
		Entry("a host on every port", "registry.internal", "registry.internal", "5000", true),
		Entry("a host with a port", "mirror.internal:5000", "mirror.internal", "5000", true),
		Entry("no other port of that host", "mirror.internal:5000", "mirror.internal", "443", false),
		Entry("an IPv6 address with a port", "[fd00::1]:5000", "fd00::1", "5000", true),
		Entry("an IPv6 address", "[fd00::1]", "fd00::1", "443", true),
		Entry("no other host", "registry.internal", "other.internal", "443", false),
		Entry("names below a domain", "*.corp.example", "s3.corp.example", "443", true),
		Entry("names far below a domain", "*.corp.example", "a.s3.Corp.Example", "443", true),
		Entry("not the domain itself", "*.corp.example", "corp.example", "443", false),
		Entry("no domain that only ends like it", "*.corp.example", "evilcorp.example", "443", false),
		Entry("nothing for a star alone", "*", "registry.internal", "443", false),
		Entry("nothing for a star without a dot", "*example", "corp.example", "443", false),
	)
})

var _ = Describe("The transport", Label("network"), func() {
	t := newTransport(Options{}, newGuard([]string{"10.1.0.0/16"}, nil), Route{})
	to := func(o Origin) *visit { return &visit{Origin: o} }
	secure := Origin{HostPort: "10.9.9.9:443"}
	clear := Origin{HostPort: "10.9.9.9:80", PlainHTTP: true}

	DescribeTable("A14: speaks plain HTTP only if a user asked for it", func(o Origin, u string, allowed bool) {
		_, err := t.route(must(url.Parse(u)), to(o))
		if allowed {
			Expect(err).NotTo(HaveOccurred())
		} else {
			Expect(err).To(MatchError(ErrCleartext))
		}
	},
		Entry("HTTPS", secure, "https://10.9.9.9/", true),
		Entry("HTTPS to another host", secure, "https://registry.example/", true),
		Entry("plain HTTP", secure, "http://10.9.9.9/", false),
		Entry("plain HTTP to another host", secure, "http://registry.example/", false),
		Entry("plain HTTP that a user asked for", clear, "http://10.9.9.9/", true),
		Entry("another scheme", clear, "ftp://10.9.9.9/", false),
		Entry("a request without an origin", Origin{}, "http://registry.example/", false),
	)

	DescribeTable("A11: keeps connections apart", func(u string, isInside bool, pool http.RoundTripper) {
		v := to(secure)
		v.inside.Store(isInside)
		got, err := t.route(must(url.Parse(u)), v)
		if pool == nil {
			Expect(err).To(MatchError(ErrRefused))
			return
		}
		Expect(err).NotTo(HaveOccurred())
		Expect(got).To(BeIdenticalTo(pool))
	},
		Entry("to the origin", "https://10.9.9.9/", false, t.toOrigin),
		Entry("to the origin, with its port", "https://10.9.9.9:443/", true, t.toOrigin),
		Entry("to another port of the origin, from outside", "https://10.9.9.9:10250/", false, nil),
		Entry("to another port of the origin, from inside", "https://10.9.9.9:10250/", true, t.fromInside),
		Entry("to an internal address, from outside", "https://10.9.9.8/", false, nil),
		Entry("to a listed address, from outside", "https://10.1.9.9/", false, t.fromOutside),
		Entry("to a name, from outside", "https://registry.example/", false, t.fromOutside),
		Entry("to a name, from inside", "https://registry.example/", true, t.fromInside),
		Entry("to loopback, from inside", "https://127.0.0.1/", true, nil),
	)
})

var _ = DescribeTable("A13: a redirect keeps credentials on its own host only", Label("network"), func(from, to string, kept bool) {
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
