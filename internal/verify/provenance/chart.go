// SPDX-License-Identifier: Apache-2.0

package provenance

import (
	"context"
	"encoding/json"
	"regexp"
	"strings"

	"github.com/opencontainers/go-digest"

	"github.com/verifiedchart/verifiedchart/internal/registry"
	"github.com/verifiedchart/verifiedchart/internal/verify"
	"github.com/verifiedchart/verifiedchart/internal/verify/attached"
)

// maxConfig bounds the configuration of a chart (Chart.yaml as JSON) in bytes.
const maxConfig = 1 << 20

// wellFormed matches valid names and versions: they are used in tags, keys and URLs before they are proven.
var wellFormed = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._+-]{0,252}$`)

// identity is the chart that a provenance file must be for.
type identity struct {
	name, version string
	archive       digest.Digest
}

// chartOf returns the chart of a manifest, by its configuration, or else by the request. It must be the requested
// chart: an older chart under a newer tag has a genuine provenance file, but for the older chart. A later step
// checks that the archive agrees with the configuration. An archive in a classic repository has no configuration,
// so the file must be for the requested chart.
func chartOf(ctx context.Context, s verify.Subject, r registry.Reader) (identity, error) {
	if s.IsArchive() {
		if !wellFormed.MatchString(s.Chart.Name) || !wellFormed.MatchString(s.Chart.Version) {
			return identity{}, verify.Refuse("the index does not name a chart and a version")
		}
		return identity{name: s.Chart.Name, version: s.Chart.Version, archive: s.Chart.Archive.Digest}, nil
	}
	raw, err := r.Blob(ctx, s.Chart.Config, maxConfig)
	if err != nil {
		return identity{}, attached.Unread("the configuration", err)
	}
	config, err := parseConfig(raw, s.Chart)
	if err != nil {
		return identity{}, err
	}
	if requested := s.Chart.Name; requested != "" && config.Name != requested {
		return identity{}, verify.Refuse("it is for chart %q, but the requested chart is %q", config.Name, requested)
	}
	if requested := s.Chart.Version; requested != "" && strings.TrimPrefix(config.Version, "v") != strings.TrimPrefix(requested, "v") {
		return identity{}, verify.Refuse("it is for version %q, but the requested version is %q", config.Version, requested)
	}
	return identity{name: config.Name, version: config.Version, archive: s.Chart.Archive.Digest}, nil
}

// config is the name and the version of a chart.
type config struct{ Name, Version string }

// parseConfig returns the name and the version in a configuration. An empty one states nothing, so that the file
// must be for the requested chart.
func parseConfig(raw []byte, requested verify.Chart) (config, error) {
	var c config
	if err := json.Unmarshal(raw, &c); err != nil {
		return config{}, verify.Refuse("it does not name a chart and a version")
	}
	if c.Name == "" && c.Version == "" {
		c = config{requested.Name, requested.Version}
		if c.Name == "" || c.Version == "" {
			return config{}, verify.Refuse("it is empty: set ref.tag to the version, or push the chart with helm push")
		}
	}
	if !wellFormed.MatchString(c.Name) || !wellFormed.MatchString(c.Version) {
		return config{}, verify.Refuse("it does not name a chart and a version")
	}
	return c, nil
}
