// SPDX-License-Identifier: Apache-2.0

// Package location names the repositories of charts: "host[:port]/path" in an OCI registry, and
// "https://host[:port]/path/chart" for a chart in a classic repository.
//
// It does not know how repositories are read, or what is in them.
package location

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/fluxcd/pkg/oci"
)

const (
	// OCI is the scheme of the URL of a repository in an OCI registry.
	OCI = oci.OCIRepositoryPrefix
	// classic is the scheme in the names of classic repositories, however they are read.
	classic = "https://"
	// cleartext is the other scheme of classic repositories.
	cleartext = "http://"
)

// official is the folder of Docker Hub's official images.
const official = "library/"

// dockerHub is the host of Docker Hub in the name of a repository.
const dockerHub = "docker.io"

// hubs are the hosts that answer for Docker Hub.
var hubs = []string{dockerHub, "index.docker.io", "registry-1.docker.io", "registry.hub.docker.com"}

// defaultPorts are the ports of a host without a port: of HTTPS, and of plain HTTP.
var defaultPorts = []string{"443", "80"}

// IsClassic reports whether a URL, or the name of a repository, is that of a classic repository.
func IsClassic(repository string) bool {
	return hasScheme(repository, classic) || hasScheme(repository, cleartext)
}

func hasScheme(text, scheme string) bool {
	return len(text) >= len(scheme) && strings.EqualFold(text[:len(scheme)], scheme)
}

// WithoutScheme returns the host and path of a URL, or of the name of a repository.
func WithoutScheme(repository string) string {
	for _, scheme := range []string{OCI, classic, cleartext} {
		for hasScheme(repository, scheme) {
			repository = repository[len(scheme):]
		}
	}
	return repository
}

// Canonical returns the canonical name of a repository for every spelling of its URL or of its name: the host in
// lower case without a trailing dot, an IPv6 address in its shortest form, the port without leading zeros or absent if it is a default port, Docker
// Hub as docker.io/<namespace>/<name>, no trailing slash. A classic repository that is read over plain HTTP has
// the name of the one that is read over HTTPS. The name is an identity: never dial it, and never select
// credentials by it.
func Canonical(repository string) string {
	host, path, found := strings.Cut(strings.TrimRight(WithoutScheme(repository), "/"), "/")
	if IsClassic(repository) {
		return classic + strings.TrimRight(hostOf(host)+"/"+path, "/")
	}
	host = CanonicalHost(host)
	if !found {
		return host
	}
	if host == dockerHub && !strings.Contains(path, "/") {
		path = official + path
	}
	return host + "/" + path
}

// CanonicalHost returns the canonical name of the host of a registry, with or without a port.
func CanonicalHost(host string) string {
	if name := hostOf(host); !slices.Contains(hubs, name) {
		return name
	}
	return dockerHub
}

// hostOf returns the canonical spelling of a host with or without a port.
func hostOf(host string) string {
	name, port, _ := strings.Cut(strings.ToLower(host), ":")
	if address, rest, ok := strings.Cut(strings.ToLower(host), "]"); ok && strings.HasPrefix(address, "[") {
		ip, err := netip.ParseAddr(address[1:])
		if port, ok = strings.CutPrefix(rest, ":"); err != nil || !ok && rest != "" {
			return strings.ToLower(host)
		}
		if name = ip.WithZone("").Unmap().String(); strings.Contains(name, ":") {
			name = "[" + name + "]"
		}
	}
	if strings.Trim(port, "0123456789") != "" {
		return strings.ToLower(host) // there is no port
	}
	name = strings.TrimRight(name, ".")
	if digits := strings.TrimLeft(port, "0"); digits != "" {
		port = digits
	}
	if port != "" && !slices.Contains(defaultPorts, port) {
		return name + ":" + port
	}
	return name
}

// SameHost reports whether two repositories are on one host.
func SameHost(a, b string) bool {
	host := func(repository string) string {
		host, _, _ := strings.Cut(WithoutScheme(repository), "/")
		return CanonicalHost(host)
	}
	return IsClassic(a) == IsClassic(b) && host(a) == host(b)
}

// URLs returns every usual spelling of the URL of a repository, with its canonical name first.
func URLs(repository string) []string {
	canonical := Canonical(repository)
	host, path, found := strings.Cut(WithoutScheme(canonical), "/")
	schemes := []string{OCI}
	if IsClassic(repository) {
		schemes = []string{classic, cleartext}
	}
	if !found {
		return []string{schemes[0] + host}
	}
	hosts, paths := []string{host}, []string{path}
	if host == dockerHub && !IsClassic(repository) {
		hosts = hubs
		if short, ok := strings.CutPrefix(path, official); ok {
			paths = append(paths, short)
		}
	}
	var urls []string
	for _, scheme := range schemes {
		for _, p := range paths {
			for _, h := range hosts {
				urls = append(urls, scheme+h+"/"+p)
				for _, port := range defaultPorts {
					if hostOf(h+":"+port) == h { // there is no other port
						urls = append(urls, scheme+h+":"+port+"/"+p)
					}
				}
			}
		}
	}
	return urls
}
