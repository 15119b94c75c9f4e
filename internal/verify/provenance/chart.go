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

// maxConfig bounds a chart's configuration, Chart.yaml as JSON, in bytes.
const maxConfig = 1 << 20

// wellFormed is what names and versions may hold: they go into tags, keys and URLs
// before anything is proven of them.
var wellFormed = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._+-]{0,252}$`)

// identity is what a provenance file must speak for.
type identity struct {
	name, version string
	archive       digest.Digest
}

// chartOf returns which chart a manifest is of, by its configuration, that must
// be the one that was asked for: an older chart under a newer tag comes with a
// provenance file that is genuine, and for the older one. That the archive says
// the same as the configuration is checked once it is there.
func chartOf(ctx context.Context, s verify.Subject, r registry.Reader) (identity, error) {
	raw, err := r.Blob(ctx, s.Chart.Config, maxConfig)
	if err != nil {
		return identity{}, attached.Unread("the configuration", err)
	}
	var config struct{ Name, Version string }
	if err := json.Unmarshal(raw, &config); err != nil || !wellFormed.MatchString(config.Name) || !wellFormed.MatchString(config.Version) {
		return identity{}, attached.Refuse("it names no chart and version")
	}
	if asked := s.Chart.Name; asked != "" && config.Name != asked {
		return identity{}, attached.Refuse("it is of the chart %q, and not of %q, which was asked for", config.Name, asked)
	}
	if asked := s.Chart.Version; asked != "" && strings.TrimPrefix(config.Version, "v") != strings.TrimPrefix(asked, "v") {
		return identity{}, attached.Refuse("it is of version %q, and not of %q, which was asked for", config.Version, asked)
	}
	return identity{name: config.Name, version: config.Version, archive: s.Chart.Archive.Digest}, nil
}
