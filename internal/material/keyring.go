// SPDX-License-Identifier: Apache-2.0

package material

import (
	"context"

	"github.com/verifiedchart/verifiedchart/internal/policy"
)

// keyring adds the keyring in a provenance authority's Secret to m. Nothing else in
// this package calls the parser of keyrings.
func (l *Loader) keyring(ctx context.Context, objects *view, name string, entries map[string][]byte, m *policy.Material) {
	object := objects.name(secretKind, name)
	keyring, err := l.keyrings.Parse(ctx, objects.namespace, entries)
	m.RevokedKeys = keyring.Revoked() // even if the keyring cannot be read to its end
	switch {
	case err != nil && ctx.Err() != nil:
		m.Err = unread(object, ctx.Err(), "") // time ran out, which proves nothing about the keyring
	case err != nil:
		m.Err = malformedIn(object, err)
	default:
		m.Keyring = keyring
	}
}
