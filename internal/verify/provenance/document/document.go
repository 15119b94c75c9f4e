// SPDX-License-Identifier: Apache-2.0

// Package document reads the text of a Helm provenance file: the chart's
// Chart.yaml, a line "...", and the digest of the chart's archive. It says for
// which chart and which archive that text speaks.
//
// It reads Helm's text alone. It does not know who signed it, nor OpenPGP, and
// takes what is signed, without the signature and its armour. It knows no
// registry, manifest or archive, and no Kubernetes type.
//
// Helm reads the text with a lenient YAML decoder, and takes no notice of the
// name and version in it. This package refuses what two decoders could read
// differently, so that what it reads is what every other reader does.
package document

import (
	"errors"
	"fmt"

	"github.com/opencontainers/go-digest"

	"github.com/verifiedchart/verifiedchart/internal/printable"
)

// ErrMalformed is matched by every error of Parse.
var ErrMalformed = errors.New("the provenance is malformed")

// MaxSize is the size of the longest text that is read, in bytes.
const MaxSize = 256 << 10

// Limits on what a text holds.
const (
	// maxSyntax is how many characters may begin a YAML node; a large Chart.yaml has some thousands.
	maxSyntax = 20_000
	// maxFiles is how many files a text may name; Helm names one.
	maxFiles = 16
	// maxShown bounds what an error quotes of a text, in bytes.
	maxShown = 128
)

// Document is what the text of a provenance file says.
type Document struct {
	// Name and Version are those of Chart.yaml, neither of them empty nor checked any further.
	Name, Version string
	// Files holds the SHA-256 of each file that the text speaks for, at most 16, by its name, which may be any text.
	Files map[string]digest.Digest
}

// Parse reads the text of a provenance file. Its lines may end in LF, as Helm
// writes them, or in CRLF, as OpenPGP signs them. Every error matches
// ErrMalformed, is bounded in length and fit to be shown.
//
// It takes nothing but two YAML documents, of at most MaxSize bytes together:
// Chart.yaml, whose name and version are strings, and the mapping "files" from
// names to "sha256:" and 64 hexadecimal digits, in lower case as Helm writes
// them. It refuses more and fewer documents and any other marker of one, control
// characters, duplicate keys and keys that are no strings, anchors, aliases, tags
// and merges, nesting deeper than 32, and more than 20000 characters that can
// begin a YAML node.
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

// parseSums returns the digests that text holds, which has no other key than "files".
func parseSums(text string) (map[string]digest.Digest, error) {
	m, err := parseMapping(text)
	if err != nil {
		return nil, err
	}
	listed, ok := m["files"]
	if !ok || len(m) != 1 {
		return nil, errors.New(`it is not the one key "files"`)
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
