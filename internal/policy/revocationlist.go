// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/verifiedchart/verifiedchart/internal/printable"
	"github.com/verifiedchart/verifiedchart/internal/verify"
)

// ParseRevocations reads the revocation list of a whole cluster: YAML with the
// fields `digests`, `keys` and `identities` as under spec.verify.revoked, and
// `versions`, each a `url`, which may be a glob, and a `range`. An unknown field is an
// error, since a misspelled entry would revoke nothing. A text without a field is also an
// error, since it may have been emptied by mistake: a list that revokes nothing is written {}
// or digests: []. Source names the list in messages. The error matches verify.ErrTrustMalformed.
func ParseRevocations(source string, raw []byte) (Revoked, error) {
	var r listReader
	list := r.list(raw)
	if r.err != nil {
		return Revoked{}, malformed(source, r.err)
	}
	parsed, err := list.parse(source)
	if err != nil {
		return Revoked{}, err
	}
	return parsed, nil
}

// listReader reads the parts of a list and keeps the first error. It takes scalars as
// they are written: 1.10 is the text of a version, not a number.
type listReader struct{ err error }

func (r *listReader) fail(at *yaml.Node, format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf("line %d: "+format, append([]any{at.Line}, args...)...)
	}
}

// list reads the one document of a list.
func (r *listReader) list(raw []byte) (list revocationList) {
	root := r.document(raw)
	if r.err != nil {
		return list
	}
	for _, f := range r.fields("the list", root, "digests", "keys", "identities", "versions") {
		switch f.name {
		case "digests":
			list.digests = r.texts(f)
		case "keys":
			list.keys = r.texts(f)
		case "identities":
			for _, e := range r.entries(f) {
				texts := r.named(e, "issuer", "subject")
				list.identities = append(list.identities, verify.IdentityPattern{Issuer: texts["issuer"], Subject: texts["subject"]})
			}
		case "versions":
			for _, e := range r.entries(f) {
				texts := r.named(e, "url", "range")
				if err := checkGlob(texts["url"]); err != nil {
					r.fail(e.value, "versions: %v", err)
				}
				list.versions = append(list.versions, revokedVersions{charts: texts["url"], text: texts["range"]})
			}
		}
	}
	return list
}

// document returns the root of the only YAML document of a text. A second document
// is an error, since reading only the first would revoke less than is written.
func (r *listReader) document(raw []byte) *yaml.Node {
	decoder := yaml.NewDecoder(bytes.NewReader(raw))
	var first, second yaml.Node
	if err := decoder.Decode(&first); err != nil && !errors.Is(err, io.EOF) {
		r.err = fmt.Errorf("not YAML: %s", printable.String(strings.TrimPrefix(err.Error(), "yaml: "), maxShown))
		return nil
	}
	if len(first.Content) != 1 || isNull(first.Content[0]) {
		r.err = errors.New("the list is empty: to revoke nothing, write {}")
		return nil
	}
	if err := decoder.Decode(&second); !errors.Is(err, io.EOF) {
		r.err = errors.New("more than one YAML document: write one list")
	}
	return first.Content[0]
}

// field is a field of a mapping, or an entry of a list by the name of the list.
type field struct {
	name  string
	value *yaml.Node
}

// fields returns the fields of a mapping, which must have known names.
func (r *listReader) fields(of string, n *yaml.Node, known ...string) []field {
	n = resolved(n)
	if n.Kind != yaml.MappingNode {
		r.fail(n, "%s must have fields: %s", of, known)
		return nil
	}
	var all []field
	for i := 0; i+1 < len(n.Content); i += 2 {
		name := n.Content[i].Value
		switch {
		case !slices.Contains(known, name):
			r.fail(n.Content[i], "field %q is unknown: the fields are %s", printable.String(name, maxShown), known)
		case slices.ContainsFunc(all, func(f field) bool { return f.name == name }):
			r.fail(n.Content[i], "field %q is listed twice", name)
		}
		all = append(all, field{name, n.Content[i+1]})
	}
	return all
}

// entries returns the entries of a list.
func (r *listReader) entries(f field) []field {
	n := resolved(f.value)
	if n.Kind != yaml.SequenceNode {
		r.fail(n, "%s must be a list: to list nothing, write %[1]s: []", f.name)
		return nil
	}
	entries := make([]field, 0, len(n.Content))
	for _, e := range n.Content {
		entries = append(entries, field{f.name, e})
	}
	return entries
}

// texts returns a list of texts.
func (r *listReader) texts(f field) []string {
	var all []string
	for _, e := range r.entries(f) {
		all = append(all, r.text(e))
	}
	return all
}

// named returns the texts of an entry by their names, all of which it must have.
func (r *listReader) named(e field, names ...string) map[string]string {
	texts := map[string]string{}
	for _, f := range r.fields("an entry of "+e.name, e.value, names...) {
		texts[f.name] = r.text(f)
	}
	for _, name := range names {
		if texts[name] == "" {
			r.fail(e.value, "an entry of %s needs a %s", e.name, name)
		}
	}
	return texts
}

func (r *listReader) text(f field) string {
	n := resolved(f.value)
	if n.Kind != yaml.ScalarNode || isNull(n) {
		r.fail(n, "%s must hold texts", f.name)
		return ""
	}
	return n.Value
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }

// resolved returns the node that an alias stands for.
func resolved(n *yaml.Node) *yaml.Node {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n
}
