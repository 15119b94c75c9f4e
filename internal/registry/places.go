// SPDX-License-Identifier: Apache-2.0

package registry

import (
	"net"
	"net/url"
	"path"
	"strings"
)

// place is the key of an entry of a docker configuration, by the kubelet's rules: URLsMatch of its package credentialprovider.
type place struct {
	// host is in lower case, without a port. Each of its labels may hold wildcards.
	host, port string
	// path is empty, or begins with a slash.
	path string
}

// placeOf parses the key of an entry: a host, a URL, or the URL of a registry's API as docker login writes it.
func placeOf(key string) (place, bool) {
	if _, rest, ok := strings.Cut(key, "://"); ok {
		key = rest
	}
	parsed, err := url.Parse("https://" + key)
	if err != nil || parsed.Host == "" {
		return place{}, false
	}
	p := place{path: parsed.Path}
	p.host, p.port = splitHost(parsed.Host)
	for _, version := range []string{"/v1", "/v2"} {
		if rest, ok := strings.CutPrefix(p.path, version); ok && (rest == "" || rest[0] == '/') {
			p.path = rest
			break
		}
	}
	if p.path == "/" {
		p.path = ""
	}
	if p.port == "" && isDockerHub(p.host) {
		p.host = dockerHub
	}
	return p, true
}

func splitHost(hostPort string) (host, port string) {
	hostPort = strings.ToLower(hostPort)
	host, port, err := net.SplitHostPort(hostPort)
	if err != nil {
		return strings.Trim(hostPort, "[]"), ""
	}
	return host, port
}

// name returns the place as it stands in messages.
func (p place) name() string {
	host := p.host
	switch {
	case p.port != "":
		host = net.JoinHostPort(p.host, p.port)
	case p.isIPv6():
		host = "[" + p.host + "]"
	}
	return host + p.path
}

func (p place) isIPv6() bool { return strings.Contains(p.host, ":") }

// isGlob reports whether the host holds wildcards.
func (p place) isGlob() bool { return !p.isIPv6() && strings.ContainsAny(p.host, `*?[\`) }

// targetsOf returns a repository by each name under which an entry may mean it: Docker Hub has several.
func targetsOf(repository string) []place {
	hostPort, folder, _ := strings.Cut(repository, "/")
	host, port := splitHost(hostPort)
	folder = "/" + folder
	if port != "" || !isDockerHub(host) {
		return []place{{host, port, folder}}
	}
	targets := []place{{dockerHub, "", folder}, {"index.docker.io", "", folder}, {"registry-1.docker.io", "", folder}}
	if strings.Count(folder, "/") == 1 {
		targets = append(targets, place{dockerHub, "", "/" + official + folder})
	}
	return targets
}

func (p place) matchesAny(targets []place) bool {
	for _, target := range targets {
		if p.matches(target) {
			return true
		}
	}
	return false
}

// matches reports whether a repository is at the place. As for the kubelet, a path is a prefix of texts, so /team- is a valid one.
func (p place) matches(target place) bool {
	if p.port != target.port || !strings.HasPrefix(target.path+"/", p.path) {
		return false
	}
	if !p.isGlob() {
		return p.host == target.host
	}
	globs, labels := strings.Split(p.host, "."), strings.Split(target.host, ".")
	if len(globs) != len(labels) {
		return false
	}
	for i, glob := range globs {
		if ok, err := path.Match(glob, labels[i]); err != nil || !ok {
			return false
		}
	}
	return true
}
