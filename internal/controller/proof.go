// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"encoding/json"
	"fmt"

	"github.com/verifiedchart/verifiedchart/internal/registry"
)

// storedProof is what is stored beside a published chart, so that it can be verified again without a network.
type storedProof struct {
	// Repository as it was read, which need not be its canonical name.
	Repository string `json:"repository"`
	// Answers of the registry, the manifest included.
	Answers registry.Answers `json:"answers"`
}

// largeProof is the size above which proofs are parsed a few at a time: parsing takes a multiple of the size in memory.
const largeProof = 256 << 10

// largeProofs holds an element for each large proof that is being parsed.
var largeProofs = make(chan struct{}, 2)

func parseProof(raw []byte) (storedProof, error) {
	if len(raw) > largeProof {
		largeProofs <- struct{}{}
		defer func() { <-largeProofs }()
	}
	var p struct {
		Repository string          `json:"repository"`
		Answers    json.RawMessage `json:"answers"`
	}
	if err := json.Unmarshal(raw, &p); err != nil {
		return storedProof{}, fmt.Errorf("stored signature material is malformed: %w", err)
	}
	answers, err := registry.ParseAnswers(p.Answers)
	return storedProof{Repository: p.Repository, Answers: answers}, err
}

func (p storedProof) marshal() ([]byte, error) { return json.Marshal(p) }
