// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/internal/pattern"
	"github.com/verifiedchart/verifiedchart/internal/printable"
	"github.com/verifiedchart/verifiedchart/internal/registry"
)

// scheme is the scheme of the URL of a chart.
const scheme = "oci://"

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
	written := strings.TrimPrefix(repository, scheme)
	urls := []string{scheme + written}
	for _, name := range append(registry.Aliases(repository), strings.TrimRight(written, "/")) {
		if url := scheme + name; !slices.Contains(urls, url) {
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

// canonicalGlob returns the glob with the canonical host, with a scheme, and
// without a slash at its end.
func canonicalGlob(glob string) string {
	host, path, found := strings.Cut(strings.TrimPrefix(glob, scheme), "/")
	if found {
		path = "/" + strings.TrimRight(path, "/")
	}
	return scheme + registry.CanonicalHost(host) + path
}

// The grammar of globs is the grammar of URLs, in which a star may stand for letters and digits.
const (
	globPath = `(?:/[a-z0-9*]+(?:(?:[.]|_|__|-+)[a-z0-9*]+)*)+/?`
	globHost = `[a-z0-9*](?:[a-z0-9*-]*[a-z0-9*])?(?:[.][a-z0-9*](?:[a-z0-9*-]*[a-z0-9*])?)*`
)

var (
	// urlGlob matches globs that begin with a host, openGlob globs in which ** may stand for the host and for part of the path.
	urlGlob  = regexp.MustCompile(`^oci://(?i:` + globHost + `)(?::([0-9*]+))?` + globPath + `$`)
	openGlob = regexp.MustCompile(`^(?:oci://)?(?i:[a-z0-9*._-]*[*][*][a-z0-9*._-]*)(?::([0-9*]+))?(?:` + globPath + `)?$`)
)

// checkGlob returns an error with the fix for a glob that matches no URL. The
// admission rules of ClusterChartPolicies are the same.
func checkGlob(glob string) error {
	shown := printable.String(glob, maxShown)
	rest, hasScheme := strings.CutPrefix(glob, scheme)
	host, path, _ := strings.Cut(rest, "/")
	switch {
	case !hasScheme && !strings.HasPrefix(glob, pattern.AnySegments):
		if _, after, found := strings.Cut(shown, "://"); found {
			shown = after
		}
		return fmt.Errorf("url must start with %s: write %[1]s%s", scheme, shown)
	case strings.Contains(glob, "@") || strings.Contains(path, ":"):
		return fmt.Errorf("url %q must hold neither credentials nor a tag or digest: remove them", shown)
	case strings.ToLower(path) != path:
		return fmt.Errorf("url must have a path in lower case: write %s", strings.ToLower(shown))
	case path == "" && !strings.Contains(host, pattern.AnySegments):
		return fmt.Errorf("url must have a path: write %s/**", strings.TrimSuffix(shown, "/"))
	}
	return checkGrammar(glob)
}

// checkGrammar returns an error for a glob that no URL can match by its grammar.
func checkGrammar(glob string) error {
	shown := printable.String(glob, maxShown)
	match := urlGlob.FindStringSubmatch(glob)
	if match == nil {
		match = openGlob.FindStringSubmatch(glob)
	}
	switch {
	case match == nil:
		return fmt.Errorf("url %q matches no URL: write oci://host[:port]/path, as in oci://ghcr.io/org/**", shown)
	case !isPort(match[1]):
		return fmt.Errorf("url %q must have a port of 1 to 65535 without leading zeros", shown)
	}
	return nil
}

// isPort reports whether a port is valid in the glob of a URL. * may stand for digits, and the port may be empty.
func isPort(port string) bool {
	if port == "" || strings.Contains(port, pattern.OneSegment) {
		return !strings.HasPrefix(port, "0")
	}
	n, err := strconv.ParseUint(port, 10, 16)
	return err == nil && n > 0 && !strings.HasPrefix(port, "0")
}
