// SPDX-License-Identifier: Apache-2.0

package material

import (
	"fmt"
	"strings"

	"github.com/opencontainers/go-digest"
	"k8s.io/apimachinery/pkg/types"

	"github.com/verifiedchart/verifiedchart/internal/policy"
	"github.com/verifiedchart/verifiedchart/internal/verify"
)

// parseList parses a revocation list. The error matches verify.ErrTrustMalformed; its text is bounded.
func parseList(name types.NamespacedName, text []byte) (*revocationList, error) {
	object := fmt.Sprintf("%s %s, entry %s", configMapKind, name, RevokedKey)
	if len(text) > maxList {
		return nil, malformed("%s has %d bytes, more than the %d allowed", object, len(text), maxList)
	}
	source := configMapKind + " " + name.String()
	list, err := policy.ParseRevocations(source, text)
	if err != nil {
		said := strings.TrimPrefix(err.Error(), verify.ErrTrustMalformed.Error()+": ")
		return nil, malformed("%s: %s", object, strings.TrimPrefix(said, source+": ")).Because(err)
	}
	return &revocationList{list: list, text: text, version: digest.FromBytes(text).String()}, nil
}
