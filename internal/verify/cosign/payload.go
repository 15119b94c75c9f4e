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

// payloadOf returns what a legacy signature is over. cosign signs the same for
// the same subject unless it is told to add something; where the digest says
// that it is just that, it need not be read from the registry.
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

// checkClaim demands that a payload is a container signature for exactly this
// digest; without it a genuine signature that was copied to another chart's tag would pass.
func checkClaim(raw []byte, subject digest.Digest) error {
	var claim payload.SimpleContainerImage
	if err := json.Unmarshal(raw, &claim); err != nil {
		return errors.New("its payload is not one of cosign's")
	}
	if claim.Critical.Type != payload.CosignSignatureType {
		return fmt.Errorf("it is of type %q, not %q", claim.Critical.Type, payload.CosignSignatureType)
	}
	if claimed := claim.Critical.Image.DockerManifestDigest; claimed != subject.String() {
		return fmt.Errorf("it is for %q", claimed)
	}
	return nil
}
