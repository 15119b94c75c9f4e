// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/opencontainers/go-digest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/verifiedchart/verifiedchart/internal/chartrepo"
	"github.com/verifiedchart/verifiedchart/internal/registry"
	"github.com/verifiedchart/verifiedchart/internal/storage"
)

// storedProof is the signature material that is stored beside a published chart, so that the chart can be re-verified without a network.
type storedProof struct {
	// Repository as it was read, which need not be its canonical name.
	Repository string `json:"repository"`
	// Place of the archive if the repository is classic; nil if its URL must not be stored.
	Place *chartrepo.Place `json:"place,omitempty"`
	// Answers of the registry, the manifest included.
	Answers registry.Answers `json:"answers"`
}

// smallProof is the size, in bytes, up to which stored signature material is read without waiting.
const smallProof = 256 << 10

// largeProofs bounds how many larger files are read and parsed at a time, since each takes several times its size in memory.
var largeProofs = make(chan struct{}, 2)

// readProof returns the signature material that is stored beside a published chart.
func readProof(ctx context.Context, s *storage.Storage, obj client.Object, d digest.Digest) (storedProof, error) {
	size, err := s.MaterialSize(obj, d)
	if err != nil {
		return storedProof{}, err
	}
	if size > smallProof {
		select {
		case largeProofs <- struct{}{}:
			defer func() { <-largeProofs }()
		case <-ctx.Done():
			return storedProof{}, ctx.Err()
		}
	}
	raw, err := s.ReadMaterial(obj, d)
	if err != nil {
		return storedProof{}, err
	}
	return parseProof(raw)
}

func parseProof(raw []byte) (storedProof, error) {
	var p struct {
		Repository string           `json:"repository"`
		Place      *chartrepo.Place `json:"place"`
		Answers    json.RawMessage  `json:"answers"`
	}
	if err := json.Unmarshal(raw, &p); err != nil {
		return storedProof{}, fmt.Errorf("stored signature material is malformed: %w", err)
	}
	answers, err := registry.ParseAnswers(p.Answers)
	return storedProof{Repository: p.Repository, Place: p.Place, Answers: answers}, err
}

func (p storedProof) marshal() ([]byte, error) { return json.Marshal(p) }
