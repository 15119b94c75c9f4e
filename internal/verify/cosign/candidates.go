package cosign

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/verifiedchart/verifiedchart/internal/registry"
	"github.com/verifiedchart/verifiedchart/internal/verify"
)

const (
	// legacyFormat names the format of cosign's SIGNATURE_SPEC: a manifest under
	// the tag sha256-<hex>.sig whose layers are "simple signing" payloads.
	legacyFormat = "legacy"

	payloadMediaType    = "application/vnd.dev.cosign.simplesigning.v1+json"
	signatureAnnotation = "dev.cosignproject.cosign/signature"

	// maxPayload bounds a payload, which names one digest and takes some 250 bytes (CVE-2024-29902).
	maxPayload = 64 << 10
	// maxSignature bounds an encoded signature; one of RSA-4096 takes 684 bytes.
	maxSignature = 8 << 10
)

// candidate is one legacy signature: what was signed and the signature over it.
type candidate struct {
	layer     ocispec.Descriptor
	signature string // base64
}

// found is what stands under the signature tag.
type found struct {
	source     string
	candidates []candidate
	refused    []verify.Candidate
}

// signatureTag is where cosign keeps the legacy signatures of a manifest.
func signatureTag(d digest.Digest) string {
	return strings.ReplaceAll(d.String(), ":", "-") + ".sig"
}

// discover reads the legacy signatures of s, the newest first. Absence is an
// answer; an error means that it could not be found out.
func discover(ctx context.Context, s verify.Subject, r registry.Reader) (found, error) {
	f := found{source: signatureTag(s.Manifest.Digest)}
	manifest, err := r.Resolve(ctx, f.source)
	if errors.Is(err, registry.ErrNotFound) {
		return f, nil
	}
	if err != nil {
		return f, fmt.Errorf("read the signatures of %s: %w", s.Manifest.Digest, err)
	}
	var parsed ocispec.Manifest
	if err := json.Unmarshal(manifest.Raw, &parsed); err != nil {
		f.refuse("it is not an OCI image manifest")
		return f, nil
	}
	f.sort(parsed.Layers)
	return f, nil
}

// sort takes what may be a signature from the layers and refuses the rest.
// cosign appends, so the newest is last; beyond the cap the oldest are not
// considered (CVE-2023-46737).
func (f *found) sort(layers []ocispec.Descriptor) {
	for i := len(layers) - 1; i >= 0; i-- {
		if len(layers)-i > verify.MaxCandidates {
			f.refuse(fmt.Sprintf("%d older signatures are not considered: at most %d are", i+1, verify.MaxCandidates))
			return
		}
		layer := layers[i]
		signature := layer.Annotations[signatureAnnotation]
		switch {
		case layer.MediaType != payloadMediaType:
			f.refuse(fmt.Sprintf("a layer of media type %q is not a cosign payload", layer.MediaType))
		case signature == "":
			f.refuse("the layer carries no signature")
		case len(signature) > maxSignature:
			f.refuse(fmt.Sprintf("the signature has %d bytes, more than %d", len(signature), maxSignature))
		case layer.Digest.Validate() != nil:
			f.refuse("the payload's digest is malformed")
		case layer.Size <= 0 || layer.Size > maxPayload:
			f.refuse(fmt.Sprintf("the payload claims %d bytes, of 1 to %d", layer.Size, maxPayload))
		default:
			f.candidates = append(f.candidates, candidate{layer: layer, signature: signature})
		}
	}
}

func (f *found) refuse(reason string) {
	f.refused = append(f.refused, verify.Candidate{Source: f.source, Format: legacyFormat, Reason: reason})
}
