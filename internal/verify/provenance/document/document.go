// SPDX-License-Identifier: Apache-2.0

// Package document reads the text of a Helm provenance file: Chart.yaml of the chart, a line "...", and the
// digest of the chart archive. It returns the chart and the archive that the text is for.
//
// It reads only the text of Helm, without the signature and its armor. It does not know the signer, or OpenPGP,
// and it knows no registry, manifest, archive or Kubernetes type.
//
// Helm reads the text with a lenient YAML decoder, and ignores the name and version in it. This package refuses
// any text that two decoders could read differently, so that every other reader gets the same result.
package document

import (
	"errors"
	"fmt"

	"github.com/opencontainers/go-digest"

	"github.com/verifiedchart/verifiedchart/internal/printable"
)

// ErrMalformed is matched by every error of Parse.
var ErrMalformed = errors.New("the provenance is malformed")

// MaxSize is the maximum size of a text in bytes.
const MaxSize = 256 << 10

// Limits on the content of a text.
const (
	// maxSyntax is the maximum number of characters that can begin a YAML node; a large Chart.yaml has a few
	// thousand.
	maxSyntax = 20_000
	// maxFiles is the maximum number of files in a text; Helm names one.
	maxFiles = 16
	// maxShown bounds each quote of a text in an error, in bytes.
	maxShown = 128
)

// Document is the content of the text of a provenance file.
type Document struct {
	// Name and Version are those of Chart.yaml. They are not empty; nothing else about them is checked.
	Name, Version string
	// Files holds the SHA-256 of each file in the text, at most 16, by its name, which may be any text.
	Files map[string]digest.Digest
}

// Parse reads the text of a provenance file. Its lines may end in LF, as Helm writes them, or in CRLF, as
// OpenPGP signs them. Every error matches ErrMalformed, is bounded in length and safe to display.
//
// It accepts only two YAML documents, of at most MaxSize bytes together: Chart.yaml, whose name and version are
// strings, and the mapping "files" from names to "sha256:" and 64 hexadecimal digits, in lower case as Helm
// writes them. It refuses any other number of documents, other document markers, control characters, duplicate
// keys, keys that are not strings, anchors, aliases, tags, merges, nesting deeper than 32, and more than 20000
// characters that can begin a YAML node.
func Parse(text []byte) (Document, error) {
	d, err := parse(text)
	if err != nil {
		return Document{}, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return d, nil
}

func parse(text []byte) (Document, error) {
	metadata, sums, err := split(text)
	if err != nil {
		return Document{}, err
	}
	var d Document
	if d.Name, d.Version, err = parseMetadata(metadata); err != nil {
		return Document{}, fmt.Errorf("its Chart.yaml: %w", err)
	}
	if d.Files, err = parseSums(sums); err != nil {
		return Document{}, fmt.Errorf("its list of files: %w", err)
	}
	return d, nil
}

// parseMetadata returns the name and the version of Chart.yaml.
func parseMetadata(text string) (name, version string, err error) {
	m, err := parseMapping(text)
	if err != nil {
		return "", "", err
	}
	if name, err = m.identifier("name"); err != nil {
		return "", "", err
	}
	version, err = m.identifier("version")
	return name, version, err
}

// parseSums returns the digests in the text, which must have "files" as its only key.
func parseSums(text string) (map[string]digest.Digest, error) {
	m, err := parseMapping(text)
	if err != nil {
		return nil, err
	}
	listed, ok := m["files"]
	if !ok || len(m) != 1 {
		return nil, errors.New(`"files" must be its only key`)
	}
	entries, err := mappingOf(listed)
	if err != nil {
		return nil, err
	}
	if len(entries) > maxFiles {
		return nil, fmt.Errorf("it names more than %d files", maxFiles)
	}
	files := make(map[string]digest.Digest, len(entries))
	for name, value := range entries {
		if files[name], err = parseSum(value); err != nil {
			return nil, fmt.Errorf("%q: %w", printable.String(name, maxShown), err)
		}
	}
	return files, nil
}
