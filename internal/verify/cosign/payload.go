// SPDX-License-Identifier: Apache-2.0

package cosign

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/opencontainers/go-digest"
	"github.com/sigstore/sigstore/pkg/signature/payload"

	"github.com/verifiedchart/verifiedchart/internal/registry"
	"github.com/verifiedchart/verifiedchart/internal/verify"
)

// payloadOf returns the payload of a legacy signature. By default, cosign signs the same payload for the same
// subject. If the digest shows that the payload is the default one, it is not read from the registry.
func payloadOf(ctx context.Context, s verify.Subject, r registry.Reader, c candidate) ([]byte, error) {
	usual, err := json.Marshal(payload.SimpleContainerImage{Critical: payload.Critical{
		Identity: payload.Identity{DockerReference: s.Repository},
		Image:    payload.Image{DockerManifestDigest: s.Manifest.Digest.String()},
		Type:     payload.CosignSignatureType,
	}})
	if err == nil && c.layer.Digest == digest.FromBytes(usual) && c.layer.Size == int64(len(usual)) {
		return usual, nil
	}
	return read(ctx, r, c, maxPayload)
}

// checkClaim returns an error unless a payload is a container signature for exactly this digest. Without this
// check, a genuine signature that was copied to the tag of a different chart would be accepted.
func checkClaim(raw []byte, subject digest.Digest) error {
	var claim payload.SimpleContainerImage
	if err := json.Unmarshal(raw, &claim); err != nil {
		return errors.New("its payload is not in cosign's format")
	}
	if claim.Critical.Type != payload.CosignSignatureType {
		return fmt.Errorf("is of type %q, not %q", claim.Critical.Type, payload.CosignSignatureType)
	}
	if claimed := claim.Critical.Image.DockerManifestDigest; claimed != subject.String() {
		return fmt.Errorf("is for %q", claimed)
	}
	return nil
}
