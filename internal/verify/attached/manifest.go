// SPDX-License-Identifier: Apache-2.0

package attached

import (
	"encoding/json"

	"github.com/verifiedchart/verifiedchart/internal/registry"
)

// Manifest is the content that an attached image manifest claims. It is not proven.
type Manifest struct {
	Config registry.Descriptor  `json:"config"`
	Layers registry.Descriptors `json:"layers"`
}

// ParseManifest reads an image manifest of at most registry.MaxDescriptors layers.
func ParseManifest(raw []byte) (Manifest, error) {
	var m Manifest
	err := json.Unmarshal(raw, &m)
	return m, err
}
