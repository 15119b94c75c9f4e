// SPDX-License-Identifier: Apache-2.0

package charttest

import (
	"encoding/json"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/verifiedchart/verifiedchart/internal/chart"
)

// ConfigJSON returns the configuration of a chart, as `helm push` makes it from Chart.yaml.
func ConfigJSON(name, version string) []byte {
	return marshal(map[string]string{
		"apiVersion": "v2", "name": name, "version": version, "appVersion": "1.0", "description": "A chart for tests",
	})
}

// Descriptor describes a blob.
func Descriptor(mediaType string, blob []byte) ocispec.Descriptor {
	return ocispec.Descriptor{MediaType: mediaType, Digest: digest.FromBytes(blob), Size: int64(len(blob))}
}

// Manifest returns the manifest of a chart of these two blobs, as `helm push`
// makes it, changed by the functions in their order.
func Manifest(config, archive []byte, change ...func(*ocispec.Manifest)) []byte {
	m := ocispec.Manifest{
		Versioned: specs.Versioned{SchemaVersion: 2},
		MediaType: ocispec.MediaTypeImageManifest,
		Config:    Descriptor(chart.ConfigMediaType, config),
		Layers:    []ocispec.Descriptor{Descriptor(chart.ArchiveMediaType, archive)},
	}
	for _, c := range change {
		c(&m)
	}
	return marshal(m)
}

func marshal(v any) []byte {
	raw, err := json.Marshal(v)
	must(err)
	return raw
}
