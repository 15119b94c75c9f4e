// SPDX-License-Identifier: Apache-2.0

package chart

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/opencontainers/go-digest"
	helm "helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"
	"sigs.k8s.io/yaml"

	"github.com/verifiedchart/verifiedchart/internal/printable"
)

// load runs Helm's own loader, so that every accepted chart can be loaded by the installing Helm.
func (in *inspection) load() (_ Metadata, err error) {
	defer recovered(&err)
	i := slices.IndexFunc(in.files, func(f *loader.BufferedFile) bool { return f.Name == "Chart.yaml" })
	name, version, err := declared(in.files[i].Data)
	if err != nil {
		return Metadata{}, fmt.Errorf("its Chart.yaml cannot be used: %w", err)
	}
	c, err := loader.LoadFiles(in.files)
	if err != nil {
		return Metadata{}, err
	}
	switch v := c.Metadata.APIVersion; v {
	case helm.APIVersionV1, helm.APIVersionV2:
	default:
		return Metadata{}, fmt.Errorf("its apiVersion is %q, not v1 or v2", printable.String(v, maxShown))
	}
	m, err := newMetadata(c.Metadata.Name, c.Metadata.Version, c.Metadata.AppVersion, c.Metadata.Description)
	if err != nil {
		return Metadata{}, err
	}
	if m.Name != name || m.Version != version {
		return Metadata{}, errors.New("its Chart.yaml names another chart than Helm reads, because of characters that do not print or of its requirements.yaml")
	}
	if err := checkDependencies(c); err != nil {
		return Metadata{}, err
	}
	m.IsLibrary = c.Metadata.Type == "library"
	m.config, err = configOf(c.Metadata)
	return m, err
}

// configOf returns the digest of the configuration that Helm makes from a Chart.yaml when it pushes the chart.
func configOf(m *helm.Metadata) (digest.Digest, error) {
	raw, err := json.Marshal(m)
	if err != nil {
		return "", err
	}
	return digest.FromBytes(raw), nil
}

// recovered turns a panic of a parser, which hostile charts have caused (CVE-2024-26147, CVE-2025-55198), into
// the error of the function that defers it.
func recovered(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("parsing it panics: %v", p)
	}
}

// declared returns the name and version in Chart.yaml. It refuses a duplicate key, of which one reader takes
// the first and another the last.
func declared(raw []byte) (name, version string, err error) {
	asJSON, err := yaml.YAMLToJSONStrict(raw)
	if err != nil {
		return "", "", fmt.Errorf("%w: write each key once, as valid YAML", err)
	}
	if err := unambiguous(asJSON); err != nil {
		return "", "", err
	}
	var c struct{ Name, Version any }
	d := json.NewDecoder(bytes.NewReader(asJSON))
	d.UseNumber()
	if err := d.Decode(&c); err != nil {
		return "", "", err
	}
	return fmt.Sprint(c.Name), fmt.Sprint(c.Version), nil
}
