// SPDX-License-Identifier: Apache-2.0

package outbound

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"syscall"

	"golang.org/x/net/http/httpproxy"
)

// guard refuses connections to internal addresses, whatever name resolved to them.
type guard struct {
	hosts    map[string]bool
	prefixes []netip.Prefix
}

func newGuard(allowed []string) guard {
	g := guard{hosts: map[string]bool{}}
	for _, a := range append(proxies(), allowed...) {
		if prefix, err := netip.ParsePrefix(a); err == nil {
			g.prefixes = append(g.prefixes, prefix)
			continue
		}
		g.hosts[strings.ToLower(a)] = true
	}
	return g
}

// proxies are the proxies, as host:port, that the environment sends requests through.
func proxies() []string {
	env := httpproxy.FromEnvironment()
	env.NoProxy = ""
	var hosts []string
	for _, scheme := range []string{"http", "https"} {
		if proxy, err := env.ProxyFunc()(&url.URL{Scheme: scheme, Host: "registry.example"}); err == nil && proxy != nil {
			hosts = append(hosts, HostPort(proxy))
		}
	}
	return hosts
}

// dial connects like a plain dialer, and checks the address after the name was resolved, so that no name can
// hide it.
func (g guard) dial(ctx context.Context, network, address string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	if g.lists(host, address) {
		return dialer(nil).DialContext(ctx, network, address)
	}
	return dialer(func(_, resolved string, _ syscall.RawConn) error {
		if ap, err := netip.ParseAddrPort(resolved); err != nil || !g.allows(ap.Addr()) {
			return refused(host)
		}
		return nil
	}).DialContext(ctx, network, address)
}

// check refuses a URL whose host is an internal address, before the proxy gets the request.
func (g guard) check(u *url.URL) error {
	a, err := netip.ParseAddr(u.Hostname())
	if err == nil && !g.lists(u.Hostname(), HostPort(u)) && !g.allows(a) {
		return refused(u.Hostname())
	}
	return nil
}

func refused(host string) error {
	return fmt.Errorf("%w to %s, an internal address: to allow this host, add it to --allow-internal-hosts", ErrRefused, host)
}

func (g guard) lists(host, address string) bool {
	return g.hosts[strings.ToLower(host)] || g.hosts[strings.ToLower(address)]
}

func (g guard) allows(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	if translated.Contains(a) {
		b := a.As16()
		a = netip.AddrFrom4([4]byte(b[12:]))
	}
	for _, p := range g.prefixes {
		if p.Contains(a) {
			return true
		}
	}
	for _, p := range special {
		if p.Contains(a) {
			return false
		}
	}
	return a.IsGlobalUnicast() && !a.IsPrivate()
}

// translated is the prefix that reaches IPv4 from networks without it (RFC 6052); the IPv4 address at the end
// is the one to check.
var translated = netip.MustParsePrefix("64:ff9b::/96")

// special are blocks that look external and are not (RFC 6890), or that carry an IPv4 address in disguise.
var special = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),      // this network
	netip.MustParsePrefix("100.64.0.0/10"),  // shared address space, used inside clusters and clouds
	netip.MustParsePrefix("192.0.0.0/24"),   // protocol assignments
	netip.MustParsePrefix("198.18.0.0/15"),  // benchmarking
	netip.MustParsePrefix("240.0.0.0/4"),    // reserved, used inside clouds
	netip.MustParsePrefix("::/96"),          // IPv4-compatible
	netip.MustParsePrefix("64:ff9b:1::/48"), // local translation
	netip.MustParsePrefix("2001::/32"),      // Teredo
	netip.MustParsePrefix("2002::/16"),      // 6to4
	netip.MustParsePrefix("fec0::/10"),      // site-local
}
