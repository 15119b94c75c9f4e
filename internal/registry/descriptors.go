// SPDX-License-Identifier: Apache-2.0

package registry

import (
	"bytes"
	"encoding/json"
	"fmt"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// MaxDescriptors bounds a list of descriptors in a manifest.
const MaxDescriptors = 1_000

// Descriptors is a list of descriptors in a manifest, as its layers. JSON with
// more than MaxDescriptors is an error, which matches ErrMalformed: a manifest that
// lists a million empty ones must not cost more memory than its bytes.
type Descriptors []ocispec.Descriptor

// UnmarshalJSON implements json.Unmarshaler.
func (d *Descriptors) UnmarshalJSON(raw []byte) error {
	list, err := decodeDescriptors(json.NewDecoder(bytes.NewReader(raw)), MaxDescriptors)
	if err == nil && list.More {
		err = fmt.Errorf("%w: a list of more than %d descriptors", ErrMalformed, MaxDescriptors)
	}
	*d = list.Descriptors
	return err
}
