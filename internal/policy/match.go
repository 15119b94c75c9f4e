// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/internal/location"
	"github.com/verifiedchart/verifiedchart/internal/pattern"
	"github.com/verifiedchart/verifiedchart/internal/printable"
)

// ociScheme is the scheme of the URL of a chart in an OCI registry.
const ociScheme = location.OCI

// Matches reports whether a ClusterChartPolicy applies to a chart, by the chart's
// repository (a URL, or a host and a path) and the VerifiedChart's namespace. The
// policy applies if a glob matches the canonical name of the repository, the text
// as it is written, or any other name of the repository.
func Matches(m *v1alpha1.ChartMatch, repository, namespace string) bool {
	if m == nil {
		return true
	}
	inNamespace := func(glob string) bool { return pattern.Glob(glob).Matches(namespace) }
	return (len(m.Namespaces) == 0 || slices.ContainsFunc(m.Namespaces, inNamespace)) &&
		(len(m.URLs) == 0 || anyURLMatches(m.URLs, urlsOf(repository)))
}

// urlsOf returns every URL that names a repository.
func urlsOf(repository string) []string {
	written := repository
	if !location.IsClassic(repository) {
		written = ociScheme + strings.TrimPrefix(repository, ociScheme)
	}
	urls := []string{written}
	for _, url := range append(location.URLs(repository), strings.TrimRight(written, "/")) {
		if !slices.Contains(urls, url) {
			urls = append(urls, url)
		}
	}
	return urls
}

// anyURLMatches reports whether a glob, as it is written or with a canonical host, matches a URL.
func anyURLMatches(globs, urls []string) bool {
	matches := func(glob string) bool { return slices.ContainsFunc(urls, pattern.Glob(glob).Matches) }
	return slices.ContainsFunc(globs, func(glob string) bool {
		canonical := canonicalGlob(glob)
		return matches(canonical) || (glob != canonical && matches(glob))
	})
}

// canonicalGlob returns the glob with the canonical host, and without a slash at its end. A glob that begins with **
// matches any scheme; another glob without a scheme is that of an OCI registry.
func canonicalGlob(glob string) string {
	scheme, rest := ociScheme, glob
	if before, after, found := strings.Cut(glob, "://"); found {
		scheme, rest = strings.ToLower(before)+"://", after
	} else if strings.HasPrefix(glob, pattern.AnySegments) {
		scheme = ""
	}
	host, path, found := strings.Cut(rest, "/")
	if found {
		path = "/" + strings.TrimRight(path, "/")
	}
	if scheme == ociScheme || scheme == "" {
		return scheme + location.CanonicalHost(host) + path
	}
	return location.Canonical(scheme + host + path)
}

// The grammar of globs is the grammar of URLs, in which a star may stand for letters and digits.
const (
	globPath    = `(?:/[a-z0-9*]+(?:(?:[.]|_|__|-+)[a-z0-9*]+)*)+/?`
	classicPath = `(?:/[A-Za-z0-9*._~+-]+)+/?`
	ipv6        = `\[[0-9a-f:.]+\]`
	globHost    = ipv6 + `|[a-z0-9*](?:[a-z0-9*-]*[a-z0-9*])?(?:[.][a-z0-9*](?:[a-z0-9*-]*[a-z0-9*])?)*`
	globPort    = `(?::([0-9*]+))?`
	anyHost     = `(?i:[a-z0-9*._-]*[*][*][a-z0-9*._-]*)`
)

// globs match globs of registries, globs of classic repositories, and globs in which ** may stand for the host and
// for part of the path.
var globs = []*regexp.Regexp{
	regexp.MustCompile(`^oci://(?i:` + globHost + `)` + globPort + globPath + `$`),
	regexp.MustCompile(`^https?://(?i:` + globHost + `)` + globPort + classicPath + `$`),
	regexp.MustCompile(`^oci://` + anyHost + globPort + `(?:` + globPath + `)?$`),
	regexp.MustCompile(`^(?:https?://)?` + anyHost + globPort + `(?:` + classicPath + `)?$`),
}

// dots matches the segments that no URL of a chart has.
var dots = regexp.MustCompile(`(^|/)[.][.]?(/|$)`)

// schemes are the schemes of the URLs of charts.
var schemes = regexp.MustCompile(`^(?:oci|https?)://`)

// checkGlob returns an error with the fix for a glob that matches no URL. The
// admission rules of ClusterChartPolicies are the same.
func checkGlob(glob string) error {
	shown := printable.String(glob, maxShown)
	scheme := schemes.FindString(glob)
	host, path, _ := strings.Cut(strings.TrimPrefix(glob, scheme), "/")
	switch {
	case scheme == "" && !strings.HasPrefix(glob, pattern.AnySegments):
		if _, after, found := strings.Cut(shown, "://"); found {
			shown = after
		}
		return fmt.Errorf("url must start with oci:// or https://: write oci://%s", shown)
	case strings.Contains(glob, "@") || strings.Contains(path, ":"):
		return fmt.Errorf("url %q must hold neither credentials nor a tag or digest: remove them", shown)
	case scheme == ociScheme && strings.ToLower(path) != path:
		return fmt.Errorf("url must have a path in lower case: write %s", strings.ToLower(shown))
	case dots.MatchString(path):
		return fmt.Errorf("url %q matches no URL, because of the segments . and ..: remove them", shown)
	case path == "" && !strings.Contains(host, pattern.AnySegments):
		return fmt.Errorf("url must have a path: write %s/**", strings.TrimSuffix(shown, "/"))
	}
	return checkGrammar(glob)
}

// checkGrammar returns an error for a glob that no URL can match by its grammar.
func checkGrammar(glob string) error {
	shown := printable.String(glob, maxShown)
	for _, grammar := range globs {
		match := grammar.FindStringSubmatch(glob)
		switch {
		case match == nil:
		case !isPort(match[1]):
			return fmt.Errorf("url %q must have a port of 1 to 65535 without leading zeros", shown)
		default:
			return nil
		}
	}
	return fmt.Errorf("url %q matches no URL: write oci://host[:port]/path, as in oci://ghcr.io/org/**, or https://host[:port]/path/chart", shown)
}

// isPort reports whether a port is valid in the glob of a URL. * may stand for digits, and the port may be empty.
func isPort(port string) bool {
	if port == "" || strings.Contains(port, pattern.OneSegment) {
		return !strings.HasPrefix(port, "0")
	}
	n, err := strconv.ParseUint(port, 10, 16)
	return err == nil && n > 0 && !strings.HasPrefix(port, "0")
}
