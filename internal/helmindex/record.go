// SPDX-License-Identifier: Apache-2.0

package helmindex

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"regexp"
	"strings"
	"time"

	"go.yaml.in/yaml/v2"
	helm "helm.sh/helm/v3/pkg/chart"
	sigsyaml "sigs.k8s.io/yaml"

	"github.com/verifiedchart/verifiedchart/internal/yamlsize"
)

// index has the fields of Helm's index. The parser is strict, so unknown fields are refused as Helm does.
type index struct {
	APIVersion  string               `json:"apiVersion"`
	Entries     map[string][]*record `json:"entries"`
	ServerInfo  map[string]any       `json:"serverInfo,omitempty"`
	Generated   time.Time            `json:"generated"`
	PublicKeys  []string             `json:"publicKeys,omitempty"`
	Annotations map[string]string    `json:"annotations,omitempty"`
}

// record has the fields of an entry in Helm's index.
type record struct {
	*helm.Metadata
	URLs    []string  `json:"urls"`
	Created time.Time `json:"created,omitempty"`
	Removed bool      `json:"removed,omitempty"`
	Digest  string    `json:"digest,omitempty"`

	// Fields of Helm 2, which Helm 3 still accepts.
	Checksum      string `json:"checksum,omitempty"`
	Engine        string `json:"engine,omitempty"`
	TillerVersion string `json:"tillerVersion,omitempty"`
	URL           string `json:"url,omitempty"`
}

// parseYAML parses YAML in the way Helm does, within bounds.
func parseYAML(raw []byte) (index, error) {
	if err := checkYAML(raw); err != nil {
		return index{}, err
	}
	var parsed index
	if err := sigsyaml.UnmarshalStrict(raw, &parsed); err != nil {
		return index{}, err
	}
	return parsed, nil
}

// checkYAML refuses YAML that takes too much memory when it is parsed. Of the characters that can begin a node, it
// counts those that a text seldom holds.
func checkYAML(raw []byte) error {
	nodes := 0
	for _, c := range []byte(",[{:") {
		nodes += bytes.Count(raw, []byte{c})
	}
	for _, text := range []string{"- ", "-\n", "-\r", "? ", "?\n", "?\r"} {
		nodes += bytes.Count(raw, []byte(text))
	}
	if nodes > maxNodes {
		return tooLarge("index.yaml has more than %d nodes to parse", maxNodes).Fix("remove old versions from the index")
	}
	if bytes.IndexByte(raw, '&') < 0 || bytes.IndexByte(raw, '*') < 0 {
		return nil // without an anchor or an alias, nothing can grow
	}
	var v any
	if err := yaml.Unmarshal(raw, &v); err != nil {
		return err
	}
	if yamlsize.Left(v, maxExpanded) < 0 {
		return tooLarge("index.yaml has aliases that stand for more than %d bytes", maxExpanded).Fix("write it without aliases")
	}
	return nil
}

// chart returns the chart from its records.
func (f finder) chart(records []*record, block []byte) (Chart, error) {
	if len(records) > MaxVersions {
		return Chart{}, f.manyVersions()
	}
	hash := sha256.Sum256(block)
	found := Chart{BlockHash: hex.EncodeToString(hash[:])}
	for _, r := range records {
		if r.isUsable() {
			found.Entries = append(found.Entries, r.entry())
		}
	}
	return found, nil
}

func (f finder) manyVersions() error {
	return tooLarge("chart %q has more than %d versions in the index", f.shown(), MaxVersions).Fix("remove old versions from the index")
}

// isUsable reports whether Helm keeps the record. Like Helm it adds an apiVersion, removes unprintable characters,
// and tolerates two dependencies with the same name, because Artifactory removes aliases.
func (r *record) isUsable() bool {
	if r == nil {
		return false
	}
	if r.Metadata == nil {
		r.Metadata = &helm.Metadata{}
	}
	if r.APIVersion == "" {
		r.APIVersion = helm.APIVersionV1
	}
	err := r.Validate()
	var invalid helm.ValidationError
	return err == nil || errors.As(err, &invalid) && strings.HasPrefix(invalid.Error(), "validation: more than one dependency with name or alias")
}

func (r *record) entry() Entry {
	return Entry{Name: r.Name, Version: r.Version, Digest: plainDigest(r.Digest), URLs: r.URLs, Created: r.Created}
}

var sha256Format = regexp.MustCompile(`^[0-9a-f]{64}$`)

// plainDigest returns the digest in lower case, without a prefix, or nothing if it is no SHA-256. Helm ignores it.
func plainDigest(text string) string {
	plain := strings.TrimPrefix(strings.ToLower(strings.TrimSpace(text)), "sha256:")
	if !sha256Format.MatchString(plain) {
		return ""
	}
	return plain
}

// refused returns the error for text that Helm's parser refuses.
func refused(object string, err error) error {
	if errors.Is(err, ErrTooLarge) {
		return err
	}
	// The text of the parser may quote the file, which may be any file.
	where := lineNumber.FindString(err.Error())
	if where != "" {
		where = " (" + where + ")"
	}
	return malformed("%s is malformed%s", object, where).Fix("correct url, or write the index with `helm repo index`").Because(err)
}

// lineNumber matches the line that a parser's error names.
var lineNumber = regexp.MustCompile(`line [0-9]{1,9}`)

// whole parses the whole index, as Helm does.
func (f finder) whole() (Chart, error) {
	if f.size > MaxParsed {
		return Chart{}, malformed("index.yaml is not in a form that can be read in bounds").
			Fix("write it in block style, without anchors, as `helm repo index` does, or as JSON; other forms may have %d bytes", MaxParsed)
	}
	raw := make([]byte, f.size)
	if n, err := f.file.ReadAt(raw, 0); n < len(raw) {
		return Chart{}, readError(err)
	}
	parsed, err := parseYAML(raw)
	if err != nil {
		return Chart{}, refused("index.yaml", err)
	}
	if parsed.APIVersion == "" {
		return Chart{}, noAPIVersion()
	}
	records, ok := parsed.Entries[f.name]
	if !ok {
		return Chart{}, f.notFound()
	}
	block, err := json.Marshal(records)
	if err != nil {
		return Chart{}, refused("index.yaml", err)
	}
	return f.chart(records, block)
}
