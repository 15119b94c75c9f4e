// SPDX-License-Identifier: Apache-2.0

package chart

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"go.yaml.in/yaml/v2"

	"github.com/verifiedchart/verifiedchart/internal/yamlsize"
)

// Bounds on the YAML that Helm parses, summed over the archive and all archives inside it, because a parsed
// document takes many times its size.
const (
	// maxDocuments bounds the size in bytes.
	maxDocuments = 2 * MaxFileSize
	// maxSyntax bounds the characters that can begin a node.
	maxSyntax = 200_000
	// maxExpanded bounds the text of a document, in bytes, after each alias is replaced.
	maxExpanded = 2 * MaxFileSize
)

// document returns the YAML document of the present entry, with this size.
func (w *walk) document(content io.Reader, size int64) ([]byte, error) {
	if w.documents -= size; w.documents < 0 {
		return nil, fmt.Errorf("all YAML files together have more than %d bytes", maxDocuments)
	}
	raw := make([]byte, size)
	if _, err := io.ReadFull(content, raw); err != nil {
		return nil, err
	}
	for _, c := range []byte("-?:,[{") {
		w.syntax -= bytes.Count(raw, []byte{c})
	}
	if !utf8.Valid(raw) {
		return nil, errors.New("it is not UTF-8")
	}
	if w.syntax < 0 {
		return nil, fmt.Errorf("all YAML files together have more than %d nodes", maxSyntax)
	}
	return raw, checkAliases(raw)
}

// checkAliases refuses a document that grows out of bounds when its aliases are replaced. The YAML decoder
// bounds the number of nodes that aliases may add, but not their length: Helm turns YAML into JSON, and one
// long text with a hundred thousand aliases would exhaust the memory.
func checkAliases(raw []byte) (err error) {
	defer recovered(&err)
	if !names(raw, '&') || !names(raw, '*') {
		return nil // without an anchor or an alias, a further parse would find no problem
	}
	var v any
	if err := yaml.Unmarshal(raw, &v); err != nil {
		return err
	}
	if yamlsize.Left(v, maxExpanded) < 0 {
		return fmt.Errorf("its aliases stand for more than %d bytes", maxExpanded)
	}
	return nil
}

// names reports whether an indicator precedes a possible name of an anchor, even in a comment.
func names(raw []byte, indicator byte) bool {
	for {
		i := bytes.IndexByte(raw, indicator)
		if i < 0 || i+1 == len(raw) {
			return false
		}
		c := raw[i+1]
		if c == '_' || c == '-' || '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z' {
			return true
		}
		raw = raw[i+1:]
	}
}
