// SPDX-License-Identifier: Apache-2.0

// Package chartrepo reads classic chart repositories: web servers with an index.yaml, archives, and signatures
// beside them.
//
//	Find     a version → its archive, by the index
//	Measure  an archive → its digest, by its bytes
//	Reader   an archive with its digest → its bytes, and the files beside it
//
// Nothing in a repository is proven. The package does not know signatures, charts, which archive is wanted, or
// Kubernetes.
package chartrepo

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"net/url"
	"path"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/verifiedchart/verifiedchart/internal/download"
	"github.com/verifiedchart/verifiedchart/internal/fairlru"
	"github.com/verifiedchart/verifiedchart/internal/outbound"
	"github.com/verifiedchart/verifiedchart/internal/problem"
	"github.com/verifiedchart/verifiedchart/internal/registry"
)

// DefaultMaxIndexSize is the usual bound on an index in bytes, as in Helm's own repositories.
const DefaultMaxIndexSize = 50 << 20

const (
	// chartsBytes bounds the parsed parts of indexes that are kept in memory, in bytes.
	chartsBytes = 16 << 20
	// measuredBytes bounds the digests of archives that are kept in memory, in bytes.
	measuredBytes = 1 << 20
)

// File is a file on the disk that is written once, and then read until it is discarded.
type File interface {
	io.Writer
	// Reader returns a reader of the written bytes, which may be used by several at a time.
	Reader() *io.SectionReader
	Discard()
}

// Options configure a Client.
type Options struct {
	// Downloads sends the requests.
	Downloads *download.Client
	// Stage returns an empty file for an index.
	Stage func() (File, error)
	// MaxIndexSize bounds an index in bytes, after decompression; DefaultMaxIndexSize if it is not positive.
	MaxIndexSize int64
	// Now is the clock; time.Now by default.
	Now func() time.Time
}

// Client reads repositories. A process has one Client: it keeps the last index of each repository on the disk.
// It is safe for concurrent use.
type Client struct {
	downloads *download.Client
	stage     func() (File, error)
	maxIndex  int64
	now       func() time.Time
	indexes   *indexes
	charts    *fairlru.Cache[chartKey, parsed]
	parsing   *parsing
	measured  *fairlru.Cache[string, measured]
}

// NewClient returns a Client.
func NewClient(o Options) *Client {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.MaxIndexSize <= 0 {
		o.MaxIndexSize = DefaultMaxIndexSize
	}
	return &Client{
		downloads: o.Downloads, stage: o.Stage, maxIndex: o.MaxIndexSize, now: o.Now, indexes: newIndexes(),
		charts: fairlru.New[chartKey, parsed](chartsBytes), parsing: newParsing(), measured: fairlru.New[string, measured](measuredBytes),
	}
}

// Target is a chart in a repository, and the means to read it.
type Target struct {
	// Repository is the URL of the repository, as ParseURL returns it, a slash and the name of the chart: see Name.
	Repository string
	// PlainHTTP allows http URLs.
	PlainHTTP bool
	// Credentials are offered to the host of the repository, and to every host that the index names if
	// PassCredentials is set and the URL is https. A redirect to another host drops them.
	Credentials     download.Credentials
	PassCredentials bool
	// Trust holds the user's certificates. The user's proxy is that of the context.
	Trust outbound.Trust
	// Scope keeps tenants apart: see download.Request. It is the namespace.
	Scope string
}

// Repository reads one chart of a repository.
type Repository struct {
	client *Client
	target Target
	url    *url.URL
	chart  string
}

// Repository returns a reader of the target. The error matches registry.ErrURL if the target names no chart of a
// repository. Repository sends no request.
func (c *Client) Repository(t Target) (*Repository, error) {
	base, chart := Split(t.Repository)
	text, err := ParseURL(base)
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(text)
	if err != nil || chart == "" {
		return nil, fmt.Errorf("%w: it names no chart", registry.ErrURL)
	}
	if u.Scheme == "http" && !t.PlainHTTP {
		return nil, problem.New(registry.ErrURL, "url is http, which needs insecure: true").Fix("write https://, or set insecure: true")
	}
	return &Repository{client: c, target: t, url: u, chart: chart}, nil
}

// maxURL bounds the URL of a repository in bytes.
const maxURL = 512

// urlPattern matches URLs of repositories. The path has one spelling only, so that rules about it apply: no
// empty segment, and no escape.
var urlPattern = regexp.MustCompile(`^(https?)://(\[[0-9A-Fa-f:.]+\]|(?:[A-Za-z0-9]|[A-Za-z0-9][A-Za-z0-9-]*[A-Za-z0-9])(?:\.(?:[A-Za-z0-9]|[A-Za-z0-9][A-Za-z0-9-]*[A-Za-z0-9]))*)(?::([0-9]{1,5}))?((?:/[A-Za-z0-9._~+-]+)*)/?$`)

// ParseURL returns a URL https://host[:port][/path] of at most 512 bytes, or the same with http, with the host in
// lower case and without a slash at its end. It refuses other URLs with an error that matches registry.ErrURL and
// quotes nothing.
func ParseURL(raw string) (string, error) {
	match := urlPattern.FindStringSubmatch(raw)
	switch {
	case len(raw) > maxURL:
		return "", fmt.Errorf("%w: it has more than %d bytes", registry.ErrURL, maxURL)
	case match == nil:
		return "", fmt.Errorf("%w: write https://host[:port]/path, with letters, digits and . _ ~ + - in the path, and no credentials or query", registry.ErrURL)
	case strings.HasPrefix(match[2], "[") && !isIPv6(match[2]):
		return "", fmt.Errorf("%w: the host must be a name, an IPv4 address, or an IPv6 address in brackets", registry.ErrURL)
	case !isPort(match[3]):
		return "", fmt.Errorf("%w: the port must be from 1 to 65535", registry.ErrURL)
	}
	for segment := range strings.SplitSeq(match[4], "/") {
		if segment == "." || segment == ".." {
			return "", fmt.Errorf("%w: the path must not hold the segments . and .. at all", registry.ErrURL)
		}
	}
	host := strings.ToLower(match[2])
	if match[3] != "" {
		host += ":" + match[3]
	}
	return match[1] + "://" + host + match[4], nil
}

func isIPv6(host string) bool {
	ip, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && ip.Is6()
}

func isPort(port string) bool {
	n, err := strconv.ParseUint(port, 10, 16)
	return port == "" || err == nil && n > 0
}

// Name returns the name of the repository of a chart: the URL that ParseURL returned, a slash and the chart.
func Name(url, chart string) string { return url + "/" + chart }

// Split returns the URL and the chart in a name.
func Split(name string) (url, chart string) {
	return strings.TrimSuffix(name, "/"+path.Base(name)), path.Base(name)
}

// sameServer reports whether two URLs are on one server: their schemes, hosts and effective ports are equal.
func sameServer(a, b *url.URL) bool {
	return a.Scheme == b.Scheme && outbound.HostPort(a) == outbound.HostPort(b)
}

// request returns the request for a URL in the repository, which the index named if named is not nil.
func (r *Repository) request(u *url.URL, named *download.Server, limit int64) download.Request {
	req := download.Request{
		URL: u.String(), PlainHTTP: r.target.PlainHTTP, NamedBy: named, Trust: r.target.Trust, Scope: r.target.Scope, Limit: limit,
	}
	if sameServer(u, r.url) || r.target.PassCredentials && u.Scheme == "https" {
		req.Credentials = r.target.Credentials
	}
	return req
}

// failed returns an error about a file of the repository that matches the classes of package registry.
func (r *Repository) failed(what string, at *url.URL, err error) error {
	var limited *outbound.RateLimitedError
	host := at.Host
	switch {
	case errors.As(err, &limited):
		return limited
	case errors.Is(err, errNoArchive):
		return err
	case errors.Is(err, download.ErrNotFound):
		return problem.New(registry.ErrNotFound, "%s not found on %s", what, host).Because(err)
	case errors.Is(err, download.ErrUnauthorized):
		return problem.New(registry.ErrUnauthorized, "%s refuses access to %s", host, what).
			Fix("%s", r.accessFix(what, at)).Because(err)
	case errors.Is(err, download.ErrTooLarge):
		return problem.New(registry.ErrTooLarge, "%s on %s is too large", what, host).Because(err)
	case errors.Is(err, download.ErrURL):
		return problem.New(registry.ErrURL, "%s has a URL that is not https", what).Fix("write https:// into the index, or set insecure: true").Because(err)
	}
	brief, fix := outbound.Explain(host, err)
	explained := problem.New(nil, "%s", brief).Because(err)
	if fix == "" {
		return explained.Fix("%s could not be read", what)
	}
	return explained.Fix("%s", fix)
}

// besideArchive is what a message calls the file with a suffix beside the archive.
func besideArchive(suffix string) string { return "file " + suffix + " beside the archive" }

// accessFix returns the fix for a host that refuses access.
func (r *Repository) accessFix(what string, at *url.URL) string {
	fix := "renew the credentials in secretRef"
	switch {
	case !sameServer(at, r.url) && !r.target.PassCredentials:
		fix = "the host is not that of url, so it gets no credentials: to send them there too, set passCredentials: true"
	case r.target.Credentials == download.Credentials{}:
		fix = "set secretRef to a username and a password for the repository"
	}
	if strings.HasPrefix(what, "file ") {
		fix += "; some hosts answer so for a file that does not exist: then upload the file"
	}
	return fix
}

// copyTo copies a file of the repository. An error of w is returned as it is.
func (r *Repository) copyTo(w io.Writer, from io.Reader, what string, at *url.URL) error {
	to := &target{Writer: w}
	_, err := io.Copy(to, from)
	switch {
	case to.err != nil:
		return to.err
	case err != nil:
		return r.failed(what, at, err)
	}
	return nil
}

// target remembers the error of a writer.
type target struct {
	io.Writer
	err error
}

// Write implements io.Writer.
func (t *target) Write(p []byte) (n int, err error) {
	n, t.err = t.Writer.Write(p)
	return n, t.err
}
