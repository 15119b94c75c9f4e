// SPDX-License-Identifier: Apache-2.0

package chart

import (
	"encoding/json"
	"fmt"
	"regexp"

	"github.com/Masterminds/semver/v3"
	"github.com/opencontainers/go-digest"

	"github.com/verifiedchart/verifiedchart/internal/printable"
)

// Limits on the texts of a chart about itself, in bytes.
const (
	maxName        = 250 // the limit of `helm create`
	maxVersion     = 128 // the limit for tags
	maxAppVersion  = 128
	maxDescription = 512
)

// nameFormat is the format that `helm create` accepts. No such name is special in a path, a URL or a terminal,
// except names that consist of dots only.
var nameFormat = regexp.MustCompile(`^[a-zA-Z0-9._-]+$`)

// newMetadata checks the identifying fields of a chart (CVE-2024-25620, CVE-2026-35206) and makes the other
// fields fit to be shown (CVE-2021-21303).
func newMetadata(name, version, appVersion, description string) (Metadata, error) {
	if len(name) > maxName || !nameFormat.MatchString(name) || name == "." || name == ".." {
		return Metadata{}, fmt.Errorf("the chart name %q is not made of letters, digits, dashes, dots and underscores", printable.String(name, maxShown))
	}
	if _, err := semver.NewVersion(version); err != nil || len(version) > maxVersion {
		return Metadata{}, fmt.Errorf("the chart version %q is not a semantic version of at most %d bytes", printable.String(version, maxShown), maxVersion)
	}
	return Metadata{
		Name:        name,
		Version:     version,
		AppVersion:  printable.String(appVersion, maxAppVersion),
		Description: printable.String(description, maxDescription),
	}, nil
}

// ParseConfig reads the configuration blob of a chart, which is Chart.yaml as JSON. A configuration without name and
// version, which some clients push, states nothing: its Metadata is zero. Errors match ErrInvalid.
func ParseConfig(raw []byte) (Metadata, error) {
	m, err := parseConfig(raw)
	if err != nil {
		return Metadata{}, refuse(ErrInvalid, fmt.Errorf("its configuration cannot be used: %w", err))
	}
	return m, nil
}

func parseConfig(raw []byte) (Metadata, error) {
	if len(raw) > MaxConfigSize {
		return Metadata{}, fmt.Errorf("it is longer than %d bytes", MaxConfigSize)
	}
	if err := unambiguous(raw); err != nil {
		return Metadata{}, err
	}
	var c struct{ Name, Version, AppVersion, Description string }
	if err := json.Unmarshal(raw, &c); err != nil {
		return Metadata{}, err
	}
	if c.Name == "" && c.Version == "" {
		return Metadata{}, nil
	}
	return newMetadata(c.Name, c.Version, c.AppVersion, c.Description)
}

// Configures reports whether a configuration with this digest is the one that Helm makes from the Chart.yaml
// that m was read from. If it is, the configuration agrees and need not be read.
func (m Metadata) Configures(d digest.Digest) bool { return m.config != "" && m.config == d }

// Agrees returns an error matching ErrMismatch unless the chart's configuration names the same chart as its
// Chart.yaml, or nothing: users and registries must see the chart that Helm installs.
func (m Metadata) Agrees(config Metadata) error {
	if config == (Metadata{}) {
		return nil
	}
	if m.Name != config.Name || m.Version != config.Version {
		return fmt.Errorf("%w: Chart.yaml says %s %s, the configuration in the registry %s %s; package and push the chart again",
			ErrMismatch, m.Name, m.Version, config.Name, config.Version)
	}
	return nil
}
