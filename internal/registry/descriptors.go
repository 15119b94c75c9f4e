// SPDX-License-Identifier: Apache-2.0

package registry

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

const (
	// MaxDescriptors bounds a list of descriptors in a manifest.
	MaxDescriptors = 1_000
	// MaxAnnotations bounds the annotations of a descriptor.
	MaxAnnotations = 64
)

// Descriptor is a descriptor in a manifest. Decoding reads only the fields that this program uses, so that a
// descriptor with a million URLs or annotations takes only as much memory as its bytes. If there are more than
// MaxAnnotations annotations, decoding keeps one more than MaxAnnotations, so that a reader can reject the
// descriptor.
type Descriptor ocispec.Descriptor

// UnmarshalJSON implements json.Unmarshaler.
func (d *Descriptor) UnmarshalJSON(raw []byte) error {
	var lean struct {
		MediaType    string        `json:"mediaType"`
		Digest       digest.Digest `json:"digest"`
		Size         int64         `json:"size"`
		ArtifactType string        `json:"artifactType"`
		Annotations  annotations   `json:"annotations"`
	}
	err := json.Unmarshal(raw, &lean)
	*d = Descriptor{MediaType: lean.MediaType, Digest: lean.Digest, Size: lean.Size, ArtifactType: lean.ArtifactType, Annotations: lean.Annotations}
	return err
}

// annotations holds at most MaxAnnotations+1 annotations.
type annotations map[string]string

// UnmarshalJSON implements json.Unmarshaler.
func (a *annotations) UnmarshalJSON(raw []byte) error {
	*a = nil
	d := json.NewDecoder(bytes.NewReader(raw))
	start, err := d.Token()
	if err != nil || start != json.Delim('{') {
		return json.Unmarshal(raw, (*map[string]string)(a))
	}
	for d.More() && len(*a) <= MaxAnnotations {
		var value string
		key, err := d.Token()
		if err == nil {
			err = d.Decode(&value)
		}
		if err != nil {
			return err
		}
		if *a == nil {
			*a = annotations{}
		}
		(*a)[key.(string)] = value
	}
	return nil
}

// Descriptors is a list of descriptors in a manifest, such as its layers. JSON with more than MaxDescriptors is
// an error, which matches ErrMalformed: a manifest that lists a million empty descriptors must take only as
// much memory as its bytes.
type Descriptors []ocispec.Descriptor

// UnmarshalJSON implements json.Unmarshaler.
func (d *Descriptors) UnmarshalJSON(raw []byte) error {
	list := json.NewDecoder(bytes.NewReader(raw))
	*d = nil
	more, err := decodeList(list, MaxDescriptors, func() error {
		var entry Descriptor
		err := list.Decode(&entry)
		*d = append(*d, ocispec.Descriptor(entry))
		return err
	})
	if err == nil && more {
		err = fmt.Errorf("%w: a list of more than %d descriptors", ErrMalformed, MaxDescriptors)
	}
	return err
}
