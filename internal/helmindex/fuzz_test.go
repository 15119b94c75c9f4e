// SPDX-License-Identifier: Apache-2.0

package helmindex_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/verifiedchart/verifiedchart/internal/helmindex"
)

// fragments are inserted into the text of an index. Many of them change its outline, or move it into a text.
var fragments = []string{
	"\n", "\n", " ", "  ", "    ", "- ", ": ", ":", "\"", "'", "''", "\\", "\\\"", "[", "]", "{", "}", ", ", "|\n", ">-\n", "|2\n", "#", " # ", "\t", "\r\n", "\r",
	"\u0085", "\u2028", "\u2029", "\ufeff", "&x ", "*x", "!!str ", "? ", "---\n", "...\n", "%YAML 1.1\n", "null", "~", "<<: ", "@", "`", "é", "\x00",
	"\n  nginx:", "\n  \"nginx\":", "\n  'nginx': ", "\nentries:", "\nEntries:", "\n\"entries\":", "\napiVersion: v1", "\n  redis:\n", "\n  - version: 9.9.9\n    name: nginx",
	"\n    version: 8.8.8", "\n  007:", "\n  7:", "\n  \"7\":", "\n  yes:", "\n  1.0:", "\n    description: ", "\n    description: \"", "\n    description: '",
	"\n    description: |\n      ", "\n    description: foo\n      ", "\n    keywords: [", "\n    keywords: [\"a", "\n    annotations: {a: \"b\"", "\n    urls:\n    - ", "\nannotations: {}",
	"\nannotations:\n  nginx: |\n", "\ngenerated: \"2020-01-01T00:00:00Z\"", "\npublicKeys:\n- ", "\"entries\": {", "\"nginx\": [", "{\"version\": \"7.7.7\", \"name\": \"nginx\"}", "\"apiVersion\": \"v1\",",
	"created: 2020-01-01T00:00:00Z", "urls: [\"https://a.example/x.tgz\"]", "  nginx: [{name: nginx, version: 3.3.3}]\n", "  nginx: []\n", "\n\n", "      ", "\n   ",
}

// mutated inserts fragments: of two bytes, the first is the place and the second the fragment.
func mutated(text string, picks []byte) string {
	for i := 0; i+1 < len(picks) && i < 24; i += 2 {
		at := len(text) * int(picks[i]) / 255
		text = text[:at] + fragments[int(picks[i+1])%len(fragments)] + text[at:]
	}
	return text
}

// FuzzFind changes the text of an index. If Helm loads it, Find must return Helm's entries or refuse the index.
func FuzzFind(f *testing.F) {
	for _, text := range seeds() {
		f.Add(text, []byte{})
		f.Add(text, []byte{40, 60, 200, 50})
	}
	folder := f.TempDir()
	f.Fuzz(func(t *testing.T, text string, picks []byte) {
		if len(text) > 8<<10 {
			return
		}
		text = mutated(text, picks)
		loaded, helmErr := byHelm(folder, text)
		names := []string{"nginx", "redis", "7", "true", "1", "missing"}
		if helmErr == nil {
			for name := range loaded.Entries {
				names = append(names, name)
			}
		}
		for _, name := range names {
			found, err := read(text, name)
			if err != nil && (!isClassified(err) || len(err.Error()) > 2048) {
				t.Fatalf("not a bounded verdict: %v", err)
			}
			if helmErr != nil {
				continue // the fault may concern another part of the index
			}
			versions, ok := loaded.Entries[name]
			switch {
			case err == nil && !ok:
				t.Fatalf("found %q, which Helm does not: %+v\n%s", name, found, text)
			case ok && errors.Is(err, helmindex.ErrNotFound):
				t.Fatalf("%q not found, but Helm finds it\n%s", name, text)
			case err == nil:
				if diff := difference(found.Entries, versions); diff != "" {
					t.Fatalf("%q: %s\n%s", name, diff, text)
				}
			}
		}
	})
}

func isClassified(err error) bool {
	return errors.Is(err, helmindex.ErrNotFound) || errors.Is(err, helmindex.ErrMalformed) || errors.Is(err, helmindex.ErrTooLarge)
}

// seeds are indexes in all forms.
func seeds() []string {
	compact := `apiVersion: v1
entries:
  nginx:
  - apiVersion: v2
    created: "2024-01-02T03:04:05Z"
    description: a server
    digest: ` + strings.Repeat("ab", 32) + `
    name: nginx
    urls:
    - https://charts.example/nginx-1.2.3.tgz
    version: 1.2.3
  - name: nginx
    urls:
    - nginx-1.2.2.tgz
    version: 1.2.2
  redis:
  - name: redis
    urls: [redis-1.0.0.tgz]
    version: 1.0.0
generated: "2024-01-02T03:04:05Z"
`
	texts := `apiVersion: v1
entries:
    nginx:
      - name: nginx
        description: "a server:
          redis:
            - of pages"
        annotations:
          x: |
            redis:
            - version: 6.6.6
          y: >-
            folded
            'text
        version: 1.2.3
        icon: 'it''s'
        home: one
          two "three
        urls:
          - nginx-1.2.3.tgz
    "redis":
      - {name: redis, version: 1.0.0, urls: ["redis-1.0.0.tgz"]}
`
	json := `{"apiVersion": "v1", "entries": {"nginx": [{"name": "nginx", "version": "1.2.3", "urls": ["nginx-1.2.3.tgz"]}, null],
 "redis": [{"name": "redis", "version": "1.0.0", "urls": ["a", "b"]}]}, "generated": "2024-01-02T03:04:05Z"}`
	flow := `{apiVersion: v1, entries: {nginx: [{name: nginx, version: 1.2.3, urls: [nginx-1.2.3.tgz]}], redis: []}}`
	return []string{compact, texts, json, flow, strings.ReplaceAll(compact, "\n", "\r\n")}
}
