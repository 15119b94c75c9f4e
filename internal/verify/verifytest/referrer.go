// SPDX-License-Identifier: Apache-2.0

package verifytest

import (
	"encoding/json"
	"strings"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// BundleMediaType is the media type of the bundles that cosign writes.
const BundleMediaType = "application/vnd.dev.sigstore.bundle.v0.3+json"

// ReferrersTag returns the tag that lists the referrers of a manifest in a registry without the referrers API.
func ReferrersTag(d digest.Digest) string { return strings.ReplaceAll(d.String(), ":", "-") }

// AttachBundle pushes a bundle as a referrer of a manifest, as cosign does.
func AttachBundle(r Target, subject ocispec.Descriptor, raw []byte) ocispec.Descriptor {
	return r.PushReferrer(BundleMediaType, subject, r.PushBlob(BundleMediaType, raw))
}

// referrer returns an artifact manifest that refers to a subject.
func referrer(r Target, artifactType string, subject ocispec.Descriptor, layers []ocispec.Descriptor) ([]byte, ocispec.Descriptor) {
	raw, err := json.Marshal(ocispec.Manifest{
		Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageManifest, ArtifactType: artifactType,
		Config: r.PushBlob(ocispec.MediaTypeEmptyJSON, []byte("{}")), Layers: layers, Subject: &subject,
	})
	must(err)
	return raw, ocispec.Descriptor{
		MediaType: ocispec.MediaTypeImageManifest, ArtifactType: artifactType, Digest: digest.FromBytes(raw), Size: int64(len(raw)),
	}
}
