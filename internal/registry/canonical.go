// SPDX-License-Identifier: Apache-2.0

package registry

import (
	"slices"
	"strings"
)

// official is the folder of Docker Hub's official images.
const official = "library/"

// hubs are the hosts that answer for Docker Hub.
var hubs = []string{dockerHub, "index.docker.io", "registry-1.docker.io", "registry.hub.docker.com"}

// defaultPorts are the ports of a host without a port: of HTTPS, and of plain HTTP.
var defaultPorts = []string{"443", "80"}

// Canonical returns the canonical name of a repository, "host[:port]/path", for every spelling of its URL or of
// its host and path: the host in lower case without a trailing dot, the port without leading zeros or absent if
// it is a default port, Docker Hub as docker.io/<namespace>/<name>, no trailing slash. The name is an identity:
// never dial it, and never select credentials by it.
func Canonical(repository string) string {
	for len(repository) >= len(scheme) && strings.EqualFold(repository[:len(scheme)], scheme) {
		repository = repository[len(scheme):]
	}
	host, path, found := strings.Cut(strings.TrimRight(repository, "/"), "/")
	host = CanonicalHost(host)
	if !found {
		return host
	}
	if host == dockerHub && !strings.Contains(path, "/") {
		path = official + path
	}
	return host + "/" + path
}

// CanonicalHost returns the canonical name of a host with or without a port.
func CanonicalHost(host string) string {
	name, port, _ := strings.Cut(strings.ToLower(host), ":")
	if strings.Trim(port, "0123456789") != "" {
		return strings.ToLower(host) // there is no port
	}
	name = strings.TrimRight(name, ".")
	if digits := strings.TrimLeft(port, "0"); digits != "" {
		port = digits
	}
	switch {
	case port != "" && !slices.Contains(defaultPorts, port):
		return name + ":" + port
	case slices.Contains(hubs, name):
		return dockerHub
	}
	return name
}

// Aliases returns every usual spelling of a repository, with its canonical name first.
func Aliases(repository string) []string {
	canonical := Canonical(repository)
	host, path, found := strings.Cut(canonical, "/")
	if !found {
		return []string{canonical}
	}
	hosts, paths := []string{host}, []string{path}
	if host == dockerHub {
		hosts = hubs
		if short, ok := strings.CutPrefix(path, official); ok {
			paths = append(paths, short)
		}
	}
	var aliases []string
	for _, p := range paths {
		for _, h := range hosts {
			aliases = append(aliases, h+"/"+p)
			if strings.Contains(h, ":") {
				continue
			}
			for _, port := range defaultPorts {
				aliases = append(aliases, h+":"+port+"/"+p)
			}
		}
	}
	return aliases
}
