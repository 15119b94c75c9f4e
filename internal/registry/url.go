// SPDX-License-Identifier: Apache-2.0

package registry

import (
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"strconv"
	"strings"

	"github.com/verifiedchart/verifiedchart/internal/location"
)

// scheme of the URL of a repository.
const scheme = location.OCI

// maxURL bounds the URL of a repository in bytes.
const maxURL = 512

// ErrURL is matched by the error for a URL that names no repository.
var ErrURL = errors.New("not the URL of a repository")

// The grammar of the distribution specification.
var (
	hostPattern = regexp.MustCompile(`^(?:[A-Za-z0-9]|[A-Za-z0-9][A-Za-z0-9-]*[A-Za-z0-9])(?:\.(?:[A-Za-z0-9]|[A-Za-z0-9][A-Za-z0-9-]*[A-Za-z0-9]))*(?::([0-9]{1,5}))?$`)
	pathPattern = regexp.MustCompile(`^[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*$`)
)

// ParseURL returns the repository, host in lower case and path, of a URL oci://host[:port]/path of at most 512
// bytes. It rejects tags, digests, credentials and queries with an error that matches ErrURL and quotes none of
// them. The path follows the distribution specification; a trailing slash is dropped.
func ParseURL(url string) (string, error) {
	rest, ok := strings.CutPrefix(url, scheme)
	switch {
	case len(url) > maxURL:
		return "", fmt.Errorf("%w: it has more than %d bytes", ErrURL, maxURL)
	case !ok:
		return "", fmt.Errorf("%w: it must start with %s", ErrURL, scheme)
	case strings.Contains(rest, "@"):
		return "", fmt.Errorf("%w: it must hold neither credentials nor a digest", ErrURL)
	case strings.ContainsAny(rest, "?#"):
		return "", fmt.Errorf("%w: it must hold no query", ErrURL)
	}
	host, path, _ := strings.Cut(strings.TrimSuffix(rest, "/"), "/")
	switch {
	case !isHost(host):
		return "", fmt.Errorf("%w: the host must be a name, an IPv4 address, or an IPv6 address in brackets, with or without a port", ErrURL)
	case strings.Contains(path, ":"):
		return "", fmt.Errorf("%w: it must hold no tag", ErrURL)
	case !pathPattern.MatchString(path):
		return "", fmt.Errorf("%w: after the host comes a path of lower case letters, digits and . _ - /", ErrURL)
	}
	return strings.ToLower(host) + "/" + path, nil
}

func isHost(host string) bool {
	if strings.HasPrefix(host, "[") {
		return isIPv6(host)
	}
	match := hostPattern.FindStringSubmatch(host)
	if match == nil {
		return false
	}
	if match[1] == "" {
		return true
	}
	port, err := strconv.ParseUint(match[1], 10, 16)
	return err == nil && port > 0
}

// isIPv6 reports whether a host is an IPv6 address in brackets, with or without a port.
func isIPv6(host string) bool {
	address, rest, isClosed := strings.Cut(host[1:], "]")
	ip, err := netip.ParseAddr(address)
	if !isClosed || err != nil || !ip.Is6() || ip.Zone() != "" {
		return false
	}
	port, hasPort := strings.CutPrefix(rest, ":")
	if !hasPort {
		return rest == ""
	}
	n, err := strconv.ParseUint(port, 10, 16)
	return err == nil && n > 0 && port[0] != '+'
}
