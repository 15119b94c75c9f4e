// SPDX-License-Identifier: Apache-2.0

package attached

import (
	"encoding/json"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/verifiedchart/verifiedchart/internal/registry"
)

// Manifest is what an attached image manifest says that it holds. Nothing of it is proven.
type Manifest struct {
	Config ocispec.Descriptor   `json:"config"`
	Layers registry.Descriptors `json:"layers"`
}

// ParseManifest reads an image manifest of at most registry.MaxDescriptors layers.
func ParseManifest(raw []byte) (Manifest, error) {
	var m Manifest
	err := json.Unmarshal(raw, &m)
	return m, err
}
