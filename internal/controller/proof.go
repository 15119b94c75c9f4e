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

func parseProof(raw []byte) (storedProof, error) {
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
