// SPDX-License-Identifier: Apache-2.0

package cosign

import (
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/sigstore/cosign/v2/pkg/oci/static"

	"github.com/verifiedchart/verifiedchart/internal/registry"
	"github.com/verifiedchart/verifiedchart/internal/verify"
	"github.com/verifiedchart/verifiedchart/internal/verify/attached"
	"github.com/verifiedchart/verifiedchart/internal/verify/bundle"
)

// Formats of candidates.
const (
	bundleFormat = "bundle"
	// legacyFormat is the format of the SIGNATURE_SPEC of cosign: a layer that is a "simple signing" payload,
	// with the signature over it as an annotation.
	legacyFormat = "legacy signature"
	// blobFormat is the format of the files that cosign sign-blob wrote before bundles.
	blobFormat = "detached signature"
	// otherFormat stands for any other format.
	otherFormat = "manifest"
)

const (
	payloadMediaType = "application/vnd.dev.cosign.simplesigning.v1+json"
	// experimentalArtifactType is the type of the referrers that cosign writes for legacy signatures under
	// COSIGN_EXPERIMENTAL.
	experimentalArtifactType = "application/vnd.dev.cosign.artifact.sig.v1+json"

	// maxSignatures bounds the legacy signatures of one manifest (CVE-2023-46737). cosign appends signatures,
	// and only the newest count.
	maxSignatures = 50
	// maxPayload bounds a payload, which names one digest and takes some 250 bytes (CVE-2024-29902).
	maxPayload = 64 << 10
	// maxSignature bounds an encoded signature; one of RSA-4096 takes 684 bytes.
	maxSignature = 8 << 10
	// maxProof bounds each of the other annotations of a legacy signature.
	maxProof = 64 << 10
)

// candidate is a possible signature.
type candidate struct {
	source, format string
	// problem is a *verify.Refusal if it cannot be a signature, and any other error if it could not be read.
	problem error
	// layer holds the candidate: a bundle, or the payload of a legacy signature, which is among the annotations
	// of the layer. A file beside an archive has no layer.
	layer ocispec.Descriptor
	// file is a bundle beside an archive, and signed a detached signature of the archive.
	file   []byte
	signed *bundle.Legacy
}

// classify returns the candidates in a manifest, the newest first.
func classify(raw []byte, source string) []candidate {
	manifest, err := attached.ParseManifest(raw)
	if err != nil || manifest.Config.MediaType == "" {
		return []candidate{{source: source, format: otherFormat, problem: verify.Refuse("it is not an OCI image manifest, or has more than %d layers", registry.MaxDescriptors)}}
	}
	var candidates []candidate
	for i := len(manifest.Layers) - 1; i >= 0; i-- {
		c := candidate{source: source, layer: manifest.Layers[i]}
		if len(candidates) == maxSignatures {
			c.format, c.problem = otherFormat, verify.Refuse("%d older signatures are not considered: at most %d are", i+1, maxSignatures)
			return append(candidates, c)
		}
		c.classify()
		candidates = append(candidates, c)
	}
	if len(candidates) == 0 {
		return []candidate{{source: source, format: otherFormat, problem: verify.Refuse("it holds nothing: not a signature").Shortly("not signed")}}
	}
	return candidates
}

// classify sets the format of the candidate, and refuses a layer that exceeds the bounds.
func (c *candidate) classify() {
	limit := int64(maxPayload)
	switch mediaType := c.layer.MediaType; {
	case mediaType == payloadMediaType:
		c.format = legacyFormat
	case isBundle(mediaType):
		c.format, limit = bundleFormat, bundle.MaxSize
	default:
		c.format = otherFormat
		c.problem = verify.Refuse("a layer of media type %q is not a signature", mediaType).Shortly("not signed")
		return
	}
	switch {
	case c.layer.Digest.Validate() != nil:
		c.problem = verify.Refuse("its digest is malformed")
	case c.layer.Size <= 0 || c.layer.Size > limit:
		c.problem = verify.Refuse("it claims %d bytes, of 1 to %d", c.layer.Size, limit)
	case c.format == legacyFormat:
		c.checkAnnotations()
	}
}

// checkAnnotations refuses a legacy signature without a signature, or with an annotation that exceeds the
// bounds.
func (c *candidate) checkAnnotations() {
	signature := c.layer.Annotations[static.SignatureAnnotationKey]
	switch {
	case signature == "":
		c.problem = verify.Refuse("the layer carries no signature")
	case len(signature) > maxSignature:
		c.problem = verify.Refuse("the signature has %d bytes, more than %d", len(signature), maxSignature)
	}
	for _, key := range []string{static.CertificateAnnotationKey, static.BundleAnnotationKey, static.RFC3161TimestampAnnotationKey} {
		if n := len(c.layer.Annotations[key]); n > maxProof {
			c.problem = verify.Refuse("its annotation %s has %d bytes, more than %d", key, n, maxProof)
		}
	}
}
