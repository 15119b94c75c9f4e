// SPDX-License-Identifier: Apache-2.0

package document_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"helm.sh/helm/v3/pkg/chart"
	"sigs.k8s.io/yaml"

	"github.com/verifiedchart/verifiedchart/internal/printable"
	"github.com/verifiedchart/verifiedchart/internal/verify/provenance/document"
)

// helmReads returns the result of the reader of Helm (parseMessageBlock in its package provenance), and false
// if it refuses the text.
func helmReads(text []byte) (chart.Metadata, map[string]string, bool) {
	parts := bytes.Split(bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n")), []byte("\n...\n"))
	if len(parts) < 2 {
		return chart.Metadata{}, nil, false
	}
	var m chart.Metadata
	var sums struct {
		Files map[string]string `json:"files"`
	}
	if yaml.Unmarshal(parts[0], &m) != nil || yaml.Unmarshal(parts[1], &sums) != nil {
		return chart.Metadata{}, nil, false
	}
	return m, sums.Files, true
}

// FuzzParse reads any text. A text that is read keeps the promises of a Document, binds only its own archive,
// and equals the reading of Helm.
func FuzzParse(f *testing.F) {
	for _, text := range []string{
		usual, strings.ReplaceAll(usual, "\n", "\r\n"), withMetadata(minimal + full), with("<<: {name: other}\n"), with("Name: other\n"),
		with("'<<': {name: other}\n"), with("notes: &a [*a]\n"), with("notes: |\n  a\n  ...\n"), withMetadata("name: yes\nversion: 1_0\n"),
		withMetadata("{name: hashtest, version: ! 1.2.3}\nname: other\n"), withMetadata("? name\n: |-\n  hashtest\nversion: >\n 1.2.3\n\n"),
		withMetadata("name: 'hash\n\n test'\nversion: \"1\\\n  .2.3\" # a\n"), withSums("{files: {a: '" + string(archive) + "', \"\\x62\": " + string(archive) + "}}"),
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		d, err := document.Parse(text)
		if err != nil {
			if shown := err.Error(); !errors.Is(err, document.ErrMalformed) || printable.String(shown, 1024) != shown {
				t.Fatalf("the error is %q", shown)
			}
			return
		}
		keepsPromises(t, d)
		m, files, ok := helmReads(text)
		if !ok {
			return
		}
		if m.Name != d.Name || m.Version != d.Version || len(files) != len(d.Files) {
			t.Fatalf("read %+v, Helm %q, %q and %v", d, m.Name, m.Version, files)
		}
		for name, sum := range files {
			if d.Files[name].String() != sum {
				t.Fatalf("read %q for %q, Helm %q", d.Files[name], name, sum)
			}
		}
	})
}

func keepsPromises(t *testing.T, d document.Document) {
	t.Helper()
	if d.Name == "" || d.Version == "" || len(d.Files) > 16 {
		t.Fatalf("it returned %+v", d)
	}
	for name, sum := range d.Files {
		if sum.Validate() != nil || sum.Algorithm() != "sha256" {
			t.Fatalf("the digest of %q is %q", name, sum)
		}
		bound := len(d.Files) == 1 && name == d.Name+"-"+d.Version+".tgz"
		if err := d.Binds(d.Name, d.Version, sum); (err == nil) != bound || err != nil && !errors.Is(err, document.ErrMismatch) {
			t.Fatalf("%+v binds %q: %v", d, sum, err)
		}
	}
}
