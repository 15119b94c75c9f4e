// SPDX-License-Identifier: Apache-2.0

package outbound

import (
	"fmt"
	"net/netip"
	"net/url"
	"strings"
)

// place is the location of an address, as seen from the controller.
type place int

const (
	// outside is the internet.
	outside place = iota
	// inside is a private network.
	inside
	// forbidden is an address that no tenant, registry or index may name.
	forbidden
)

// block is a range of addresses with a name.
type block struct {
	netip.Prefix
	name string
}

func blocks(name string, prefixes ...string) (blocks []block) {
	for _, prefix := range prefixes {
		blocks = append(blocks, block{netip.MustParsePrefix(prefix), name})
	}
	return blocks
}

const (
	metadataService = "the metadata service of a cloud"
	reservedBlock   = "a reserved address"
)

// never lists the forbidden addresses (RFC 6890, and those of the clouds). It precedes private, which holds some
// of them.
var never = join(
	blocks(metadataService, "169.254.169.254/32", "fd00:ec2::254/128", "100.100.100.200/32", "192.0.0.192/32", "168.63.129.16/32"),
	blocks("a loopback address", "127.0.0.0/8", "::1/128"),
	blocks("the unspecified address", "0.0.0.0/32", "::/128"),
	blocks("a link-local address", "169.254.0.0/16", "fe80::/10"),
	blocks("a multicast address", "224.0.0.0/4", "ff00::/8"),
	blocks("the broadcast address", "255.255.255.255/32"),
	blocks(reservedBlock, "0.0.0.0/8", "192.0.0.0/24", "fec0::/10"),
	// These carry an IPv4 address in disguise: IPv4-compatible, local translation, Teredo, 6to4.
	blocks(reservedBlock, "::/96", "64:ff9b:1::/48", "2001::/32", "2002::/16"),
)

// private lists the blocks of private networks: RFC 1918, unique local addresses, and the shared, benchmarking
// and reserved blocks that clusters, clouds and proxies use for themselves.
var private = blocks("an internal address",
	"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7", "100.64.0.0/10", "198.18.0.0/15", "240.0.0.0/4")

func join(lists ...[]block) (all []block) {
	for _, list := range lists {
		all = append(all, list...)
	}
	return all
}

// translated is the prefix that reaches IPv4 from networks without it (RFC 6052); the IPv4 address at the end
// is the one to check.
var translated = netip.MustParsePrefix("64:ff9b::/96")

// plain returns an address without its zone, and as IPv4 if it is one.
func plain(a netip.Addr) netip.Addr {
	a = a.Unmap().WithZone("")
	if translated.Contains(a) {
		b := a.As16()
		a = netip.AddrFrom4([4]byte(b[12:]))
	}
	return a
}

// placeOf returns the place of a plain address, and its name unless it is outside.
func placeOf(a netip.Addr) (p place, name string) {
	for _, b := range never {
		if b.Contains(a) {
			return forbidden, b.name
		}
	}
	for _, b := range private {
		if b.Contains(a) {
			return inside, b.name
		}
	}
	return outside, ""
}

// guard decides about the addresses that requests may be sent to, whatever name resolved to them. It is
// immutable.
type guard struct {
	hosts     map[string]bool // host or host:port
	suffixes  []string        // ".corp.example", for "*.corp.example"
	prefixes  []netip.Prefix
	apiServer map[string]bool // host:port
}

func newGuard(allowed, apiServer []string) guard {
	g := guard{hosts: map[string]bool{}, apiServer: map[string]bool{}}
	for _, a := range allowed {
		a = strings.ToLower(a)
		suffix, isSuffix := strings.CutPrefix(a, "*")
		prefix, err := netip.ParsePrefix(a)
		switch {
		case err == nil:
			g.prefixes = append(g.prefixes, prefix)
		case isSuffix && strings.HasPrefix(suffix, "."):
			g.suffixes = append(g.suffixes, suffix)
		default:
			g.hosts[withoutBrackets(a)] = true
		}
	}
	for _, a := range apiServer {
		g.apiServer[canonical(a)] = true
	}
	return g
}

// withoutBrackets removes the brackets of an IPv6 address that has no port.
func withoutBrackets(host string) string {
	if inner, ok := strings.CutPrefix(host, "["); ok && strings.HasSuffix(inner, "]") {
		return strings.TrimSuffix(inner, "]")
	}
	return host
}

// canonical returns host:port in lower case, with a plain address if the host is one.
func canonical(hostPort string) string {
	if ap, err := netip.ParseAddrPort(hostPort); err == nil {
		return netip.AddrPortFrom(plain(ap.Addr()), ap.Port()).String()
	}
	return strings.ToLower(hostPort)
}

// lists reports whether an option allows the host, by its name or with its port.
func (g guard) lists(host, hostPort string) bool {
	host = strings.ToLower(host)
	if g.hosts[host] || g.hosts[strings.ToLower(hostPort)] {
		return true
	}
	for _, suffix := range g.suffixes {
		if strings.HasSuffix(host, suffix) && len(host) > len(suffix) {
			return true
		}
	}
	return false
}

// refuses returns the error for a connection to an address that host resolved to, or nil. A request that may
// lead inside may go to private networks too.
func (g guard) refuses(host string, to netip.AddrPort, mayLeadInside bool) error {
	to = netip.AddrPortFrom(plain(to.Addr()), to.Port())
	for _, p := range g.prefixes {
		if p.Contains(to.Addr()) {
			return nil
		}
	}
	if g.apiServer[to.String()] {
		return refused(host, "the Kubernetes API server")
	}
	p, name := placeOf(to.Addr())
	if p == outside || (p == inside && mayLeadInside) {
		return nil
	}
	if p == inside {
		name = "an internal address, and an external host leads there"
	}
	return refused(host, name)
}

// check refuses a URL that names a refused address, before the proxy gets the request.
func (g guard) check(u *url.URL, mayLeadInside bool) error {
	hostPort := HostPort(u)
	if g.lists(u.Hostname(), hostPort) {
		return nil
	}
	if ap, err := netip.ParseAddrPort(hostPort); err == nil {
		return g.refuses(u.Hostname(), ap, mayLeadInside)
	}
	if g.apiServer[hostPort] {
		return refused(u.Hostname(), "the Kubernetes API server")
	}
	return nil
}

// refusedError is the error for a connection to a refused address.
type refusedError struct{ host, reason string }

// refused returns an error that matches ErrRefused and names the host, the reason and the flag.
func refused(host, reason string) error { return &refusedError{host, reason} }

func (e *refusedError) Error() string { return e.brief() + ": " + e.fix() }

// Is reports whether target is ErrRefused.
func (e *refusedError) Is(target error) bool { return target == ErrRefused }

func (e *refusedError) brief() string {
	return fmt.Sprintf("%v to %s: %s", ErrRefused, e.host, e.reason)
}

func (e *refusedError) fix() string {
	return "to allow this host, add it to --allow-internal-hosts"
}
