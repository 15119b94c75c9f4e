// SPDX-License-Identifier: Apache-2.0

package document

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/opencontainers/go-digest"
	"go.yaml.in/yaml/v3"

	"github.com/verifiedchart/verifiedchart/internal/printable"
)

// maxDepth is the maximum nesting depth of the nodes of a document.
const maxDepth = 32

// mapping holds the values of a YAML mapping by its keys.
type mapping map[string]*yaml.Node

// parseMapping reads text as one YAML document that is a mapping.
func parseMapping(text string) (mapping, error) {
	decoder := yaml.NewDecoder(strings.NewReader(text))
	var document, next yaml.Node
	if err := decoder.Decode(&document); err != nil {
		return nil, unreadable(err)
	}
	// A document can end without a marker; most readers ignore any text after it.
	if err := decoder.Decode(&next); !errors.Is(err, io.EOF) {
		return nil, errors.New("it is not one YAML document")
	}
	root := document.Content[0]
	if err := unambiguous(root, maxDepth); err != nil {
		return nil, err
	}
	return mappingOf(root)
}

// unreadable returns an error for a document that the decoder did not read. The text of the decoder is bounded,
// because it may quote any amount of the document.
func unreadable(err error) error {
	if errors.Is(err, io.EOF) {
		return errors.New("it is empty")
	}
	return errors.New(printable.String(err.Error(), maxShown))
}

// unambiguous refuses a node that is an alias, has a tag, is nested deeper than left, or has keys that are not
// strings or not distinct. It also checks all nodes in it.
func unambiguous(n *yaml.Node, left int) error {
	switch {
	case left == 0:
		return fmt.Errorf("it is nested deeper than %d", maxDepth)
	case n.Kind == yaml.AliasNode || n.Anchor != "":
		return fmt.Errorf("line %d: it has an anchor or an alias", n.Line)
	case n.Style&yaml.TaggedStyle != 0:
		return fmt.Errorf("line %d: it has a tag", n.Line)
	case n.Kind == yaml.MappingNode:
		if _, err := mappingOf(n); err != nil {
			return err
		}
	}
	for _, c := range n.Content {
		if err := unambiguous(c, left-1); err != nil {
			return err
		}
	}
	return nil
}

// mappingOf returns the mapping of n. Its keys must be distinct strings.
func mappingOf(n *yaml.Node) (mapping, error) {
	if n.Kind != yaml.MappingNode {
		return nil, fmt.Errorf("line %d: it is not a mapping", n.Line)
	}
	m := make(mapping, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, err := keyOf(n.Content[i])
		if err != nil {
			return nil, err
		}
		if _, ok := m[key]; ok {
			return nil, fmt.Errorf("line %d: the key %q appears twice", n.Content[i].Line, printable.String(key, maxShown))
		}
		m[key] = n.Content[i+1]
	}
	return m, nil
}

// keyOf returns n as a key. Helm's decoder merges even if quotes make "<<" a string, so that a later mapping
// could replace the name.
func keyOf(n *yaml.Node) (string, error) {
	key, err := stringOf(n)
	if err == nil && key == "<<" {
		return "", fmt.Errorf("line %d: it has a merge", n.Line)
	}
	return key, err
}

// stringOf returns the string of n. It must be a string for all YAML decoders: YAML 1.1, which Helm uses, reads
// some words as true or false that are strings in YAML 1.2.
func stringOf(n *yaml.Node) (string, error) {
	if n.Kind != yaml.ScalarNode || n.ShortTag() != "!!str" {
		return "", fmt.Errorf("line %d: it is not a string", n.Line)
	}
	if n.Style == 0 {
		switch strings.ToLower(n.Value) {
		case "y", "n", "yes", "no", "on", "off":
			return "", fmt.Errorf("line %d: %q is not a string to all YAML decoders", n.Line, n.Value)
		}
	}
	return n.Value, nil
}

// identifier returns the string with that key. Helm's decoder ignores the case of keys, so no other key may
// differ only in case.
func (m mapping) identifier(key string) (string, error) {
	for k := range m {
		if k != key && strings.EqualFold(k, key) {
			return "", fmt.Errorf("the key %q must be spelt %q", printable.String(k, maxShown), key)
		}
	}
	n, ok := m[key]
	if !ok {
		return "", fmt.Errorf("it has no %s", key)
	}
	value, err := stringOf(n)
	if err != nil {
		return "", fmt.Errorf("the %s: %w", key, err)
	}
	if value == "" {
		return "", fmt.Errorf("the %s is empty", key)
	}
	return value, nil
}

// parseSum returns the digest of n.
func parseSum(n *yaml.Node) (digest.Digest, error) {
	value, err := stringOf(n)
	if err != nil {
		return "", err
	}
	d := digest.Digest(value)
	if err := d.Validate(); err != nil || d.Algorithm() != digest.SHA256 {
		return "", fmt.Errorf(`%q is not "sha256:" and 64 lower-case hexadecimal digits`, printable.String(value, maxShown))
	}
	return d, nil
}
