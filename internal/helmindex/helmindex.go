// SPDX-License-Identifier: Apache-2.0

// Package helmindex reads one chart's entries from the index.yaml of a classic chart repository, which may have
// tens of megabytes, without holding it in memory. It also selects an entry and resolves the URL of its archive.
//
// An index is read in one of three ways:
//
//   - Block style YAML, as `helm repo index`, chartmuseum and others write it: a scanner follows the lines, cuts out
//     the lines of the chart, and only these are parsed.
//   - JSON: a decoder skips all other charts token by token.
//   - Any other YAML, if it has at most 4 MiB: it is parsed as a whole, as Helm does.
//
// The result is the one of Helm's own loader, or an error: entries that Helm skips are skipped, and the parser of the
// chart's lines is Helm's. Faults that make Helm refuse the index are found only if they concern the chart or the
// outline of the file: a fault in another chart does no harm.
//
// The package does not know how an index is downloaded, whether an archive is what the index says, signatures, or
// Kubernetes. Nothing in an index is proven.
package helmindex

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/verifiedchart/verifiedchart/internal/printable"
	"github.com/verifiedchart/verifiedchart/internal/problem"
)

// Bounds on an index. The caller bounds the size of the file.
const (
	// MaxBlock bounds the part of the index that describes the chart, in bytes.
	MaxBlock = 4 << 20
	// MaxVersions bounds the entries of the chart, including those that are skipped.
	MaxVersions = 10_000
	// MaxLine bounds a line of YAML, and a token of JSON, in bytes.
	MaxLine = 64 << 10
	// MaxParsed bounds an index that is parsed as a whole, in bytes.
	MaxParsed = 4 << 20
	// maxNodes bounds the nodes of parsed text, because a node of two bytes takes hundreds of bytes of memory: so many take
	// some 50 MB. A block of MaxBlock usually has two thirds of them.
	maxNodes = 150_000
	// maxExpanded bounds the text of parsed YAML after each alias is replaced, in bytes.
	maxExpanded = 2 * MaxParsed
	// maxDepth bounds the nesting of JSON, as encoding/json does.
	maxDepth = 10_000
	// maxOddKeys bounds the keys that only the YAML parser can tell from numbers and booleans.
	maxOddKeys = 10_000
	// maxShown bounds a text of the index in a message, in bytes.
	maxShown = 128
)

var (
	// ErrNotFound is matched by the error for an index without the chart.
	ErrNotFound = errors.New("no such chart in the index")
	// ErrMalformed is matched by the error for a file that is no index, or in which the chart is malformed.
	ErrMalformed = errors.New("the index is malformed")
	// ErrTooLarge is matched by the error for an index that exceeds a bound.
	ErrTooLarge = errors.New("the index is too large")
)

// Chart is the part of an index that describes one chart.
type Chart struct {
	// Entries are in the order of the index. There may be none.
	Entries []Entry
	// BlockHash is the hex SHA-256 of the part of the index that describes the chart. If it is unchanged, so are the
	// entries. Unlike the hash of the index it does not change with `generated`, which some servers set at each request.
	BlockHash string
}

// Entry describes one version of a chart. No field is proven.
type Entry struct {
	// Name is the name in the entry. It may differ from the chart's key in the index.
	Name string
	// Version is a version that lenient semver reads, such as 1.2.3, v1.2.3 or 1.2.
	Version string
	// Digest is the hex SHA-256 of the archive in lower case, without a prefix. It is empty if the index has no digest of
	// this kind.
	Digest string
	// URLs are the places of the archive, as they are written in the index. Helm and Flux use the first.
	URLs []string
	// Created is the zero time if the index has none.
	Created time.Time
}

// Find returns the entries of the chart with this key in an index of this size. An error matches ErrNotFound,
// ErrMalformed or ErrTooLarge, or comes from the reader. The memory that it takes depends on the chart, not on the index.
func Find(r io.ReaderAt, size int64, name string) (Chart, error) {
	head, err := readHead(r, size)
	if err != nil {
		return Chart{}, err
	}
	if head == '<' {
		return Chart{}, malformed("index.yaml is a web page").Fix("correct url, or set secretRef if the page asks for a password")
	}
	f := finder{file: r, size: size, name: name}
	var found Chart
	if head == '{' {
		found, err = f.json()
	} else {
		found, err = f.blockStyle()
	}
	if errors.Is(err, errOtherForm) {
		return f.whole()
	}
	return found, err
}

// readHead returns the first byte that is no white space of JSON, or 0.
func readHead(r io.ReaderAt, size int64) (byte, error) {
	var buffer [512]byte
	for offset := int64(0); offset < size; {
		n, err := io.NewSectionReader(r, offset, size-offset).Read(buffer[:])
		for _, c := range buffer[:n] {
			if c != ' ' && c != '\t' && c != '\r' && c != '\n' {
				return c, nil
			}
		}
		if err != nil {
			return 0, readError(err)
		}
		offset += int64(n)
	}
	return 0, malformed("index.yaml is empty").Fix("correct url, or write the index with `helm repo index`")
}

// errOtherForm is returned for an index that only a parser of the whole file can read.
var errOtherForm = errors.New("not in the expected form")

// finder reads the entries of one chart.
type finder struct {
	file io.ReaderAt
	size int64
	name string
}

func malformed(format string, args ...any) *problem.Problem {
	return problem.New(ErrMalformed, format, args...)
}

func tooLarge(format string, args ...any) *problem.Problem {
	return problem.New(ErrTooLarge, format, args...)
}

func readError(err error) error {
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF // the file is shorter than its size
	}
	return fmt.Errorf("index.yaml cannot be read: %w", err)
}

func (f finder) shown() string { return printable.String(f.name, maxShown) }

func (f finder) notFound() error {
	return problem.New(ErrNotFound, "chart %q not found in the index", f.shown()).Fix("correct chart, whose case matters, or url")
}

func (f finder) twice() error {
	return malformed("chart %q stands twice in the index", f.shown()).Fix("keep one key that holds all its versions")
}

func (f finder) largeBlock() error {
	return tooLarge("chart %q takes more than %d bytes of the index", f.shown(), MaxBlock).Fix("remove old versions from the index")
}

func noAPIVersion() error {
	return malformed("index.yaml has no apiVersion").Fix("correct url, or write the index with `helm repo index`")
}
