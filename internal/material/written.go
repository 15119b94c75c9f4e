// SPDX-License-Identifier: Apache-2.0

package material

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

// checkWritten returns an error if the text is empty, or is several documents of
// which all but the first would be skipped, or holds an empty value.
func checkWritten(text []byte) error {
	documents := yaml.NewDecoder(bytes.NewReader(text))
	var list, more yaml.Node
	err := documents.Decode(&list)
	switch {
	case errors.Is(err, io.EOF):
		return errEmpty
	case err != nil:
		return err
	}
	if list.Kind != yaml.DocumentNode || len(list.Content) != 1 || list.Content[0].ShortTag() == nullTag {
		return errEmpty
	}
	if err := documents.Decode(&more); !errors.Is(err, io.EOF) {
		return errors.New("more than one YAML document: write one list, without ---")
	}
	return checkFields(list.Content[0])
}

const nullTag = "!!null"

var errEmpty = errors.New("no list: if nothing is revoked, write {}")

// checkFields returns an error for a field without a value, which may be a list
// that was emptied by mistake, and for two spellings of a field, one of which would be lost.
func checkFields(n *yaml.Node) error {
	if n.Kind == yaml.MappingNode {
		for i := 0; i+1 < len(n.Content); i += 2 {
			field, value := n.Content[i], n.Content[i+1]
			if lower := strings.ToLower(field.Value); lower != field.Value {
				return fmt.Errorf("line %d: unknown field %q: write %s", field.Line, field.Value, lower)
			}
			if value.ShortTag() == nullTag {
				return fmt.Errorf("line %d: %q has no value: if nothing is listed, write []", field.Line, field.Value)
			}
		}
	}
	for _, child := range n.Content {
		if err := checkFields(child); err != nil {
			return err
		}
	}
	return nil
}

var (
	// plumbing is what parsers put before an error, of no use to an author of a list.
	plumbing = regexp.MustCompile(`error (?:unmarshaling JSON|converting YAML to JSON): |while decoding JSON: |\b(?:json|yaml): |unmarshal errors:\s*`)
	// wrongKind is the error of a JSON decoder for a value of another kind than the field has.
	wrongKind = regexp.MustCompile(`cannot unmarshal (\w+) into Go (?:struct field \w+\.([\w.]+)|value)(?: of type \S+)?`)
)

// plain returns the text of an error without names of Go types.
func plain(err error) string {
	return wrongKind.ReplaceAllStringFunc(plumbing.ReplaceAllString(err.Error(), ""), func(match string) string {
		parts := wrongKind.FindStringSubmatch(match)
		if kind, field := parts[1], parts[2]; field != "" {
			return "field " + field + " holds a value of the wrong kind: " + kind
		}
		return "the list has no fields: write digests, keys or versions"
	})
}
