// SPDX-License-Identifier: Apache-2.0

package chart

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/fluxcd/pkg/oci"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/verifiedchart/verifiedchart/internal/printable"
	"github.com/verifiedchart/verifiedchart/internal/registry"
)

// Limits on a manifest. A manifest from Helm has one or two layers.
const (
	maxLayers      = 64
	maxAnnotations = 256
)

// manifestKeys are the keys that decide the meaning of a manifest.
var manifestKeys = []string{
	"schemaVersion", "mediaType", "config", "layers", "digest", "size", "annotations",
	"manifests", "fsLayers", "history",
}

// ParseManifest returns the layout of the one chart of an OCI image manifest. It selects layers by media type,
// in any order (HIP-0006), and ignores layers of other types. Its errors match ErrManifest: another kind of
// document, an index, no archive or several, several provenance files, an impossible size or digest, too many
// layers or annotations, or a document that other readers may understand differently (CVE-2021-41190).
func ParseManifest(raw []byte) (Layout, error) {
	layout, err := parseManifest(raw)
	if err != nil {
		return Layout{}, refuse(ErrManifest, err)
	}
	return layout, nil
}

func parseManifest(raw []byte) (Layout, error) {
	if err := unambiguous(raw, manifestKeys...); err != nil {
		return Layout{}, err
	}
	var m manifest
	if err := json.Unmarshal(raw, &m); err != nil {
		return Layout{}, err
	}
	if err := m.check(); err != nil {
		return Layout{}, err
	}
	layout, err := layoutOf(m.Config, m.Layers)
	layout.Origin = originOf(m.Annotations)
	return layout, err
}

// originOf returns the annotations that state the origin of a chart.
func originOf(annotations map[string]string) map[string]string {
	stated := oci.MetadataFromAnnotations(annotations)
	origin := map[string]string{}
	for name, value := range (&oci.Metadata{Source: stated.Source, Revision: stated.Revision, Created: stated.Created}).ToAnnotations() {
		if value != "" {
			origin[name] = printable.String(value, maxReason)
		}
	}
	return origin
}

// manifest is an image manifest, with the keys of other kinds of manifests.
type manifest struct {
	ocispec.Manifest
	Layers    registry.Descriptors `json:"layers"`
	Manifests json.RawMessage      `json:"manifests"`
	FSLayers  json.RawMessage      `json:"fsLayers"`
	History   json.RawMessage      `json:"history"`
}

func (m manifest) check() error {
	switch {
	case m.Manifests != nil:
		return errors.New("it is an index of several manifests; ask for the chart's own tag or digest")
	case m.FSLayers != nil || m.History != nil:
		return errors.New("it has keys of a Docker schema 1 manifest")
	case m.SchemaVersion != 2:
		return fmt.Errorf("its schemaVersion is %d, not 2", m.SchemaVersion)
	case m.MediaType != "" && m.MediaType != ocispec.MediaTypeImageManifest:
		return fmt.Errorf("its media type is %q, not %q", printable.String(m.MediaType, maxShown), ocispec.MediaTypeImageManifest)
	case m.Config.MediaType != ConfigMediaType:
		return fmt.Errorf("its config is a %q, not a %q", printable.String(m.Config.MediaType, maxShown), ConfigMediaType)
	case len(m.Layers) > maxLayers:
		return fmt.Errorf("it has %d layers, more than %d", len(m.Layers), maxLayers)
	case len(m.Annotations) > maxAnnotations:
		return fmt.Errorf("it has %d annotations, more than %d", len(m.Annotations), maxAnnotations)
	}
	return nil
}

func layoutOf(config ocispec.Descriptor, layers []ocispec.Descriptor) (Layout, error) {
	if err := checkDescriptor("config", config, MaxConfigSize); err != nil {
		return Layout{}, err
	}
	var archive, provenance *ocispec.Descriptor
	for i := range layers {
		var err error
		switch l := &layers[i]; l.MediaType {
		case ArchiveMediaType, LegacyArchiveMediaType:
			err = take(&archive, l, "archive", MaxArchiveSize)
		case ProvenanceMediaType:
			err = take(&provenance, l, "provenance file", MaxProvenanceSize)
		}
		if err != nil {
			return Layout{}, err
		}
	}
	if archive == nil {
		return Layout{}, fmt.Errorf("none of its %d layers is a %q", len(layers), ArchiveMediaType)
	}
	return Layout{Config: config, Archive: *archive, Provenance: provenance}, nil
}

// take stores a layer in its slot, which may be filled only once.
func take(slot **ocispec.Descriptor, layer *ocispec.Descriptor, what string, limit int64) error {
	if *slot != nil {
		return fmt.Errorf("it has more than one chart %s", what)
	}
	*slot = layer
	return checkDescriptor(what, *layer, limit)
}

// checkDescriptor refuses a descriptor that must not be requested: the digest becomes a URL, and the size an
// allocation.
func checkDescriptor(what string, d ocispec.Descriptor, limit int64) error {
	if len(d.Annotations) > registry.MaxAnnotations {
		return fmt.Errorf("the %s has more than %d annotations", what, registry.MaxAnnotations)
	}
	if d.Size < 1 || d.Size > limit {
		return fmt.Errorf("the size of the %s is %d, not from 1 to %d", what, d.Size, limit)
	}
	if err := d.Digest.Validate(); err != nil {
		return fmt.Errorf("the digest %q of the %s is malformed", printable.String(string(d.Digest), maxShown), what)
	}
	if a := d.Digest.Algorithm(); a != digest.SHA256 && a != digest.SHA512 {
		return fmt.Errorf("the digest of the %s is made with %q, not with sha256 or sha512", what, printable.String(string(a), maxShown))
	}
	return nil
}
