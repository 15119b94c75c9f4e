// SPDX-License-Identifier: Apache-2.0

package outbound

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
)

// fingerprintKey keeps fingerprints from being compared with those of guessed passwords.
var fingerprintKey = func() []byte {
	key := make([]byte, sha256.Size)
	_, _ = rand.Read(key) // never returns an error
	return key
}()

// Fingerprint returns a text that is equal only for equal parts, within one process. It holds no secret.
func Fingerprint(parts ...[]byte) string {
	h := hmac.New(sha256.New, fingerprintKey)
	for _, part := range parts {
		sum := sha256.Sum256(part)
		_, _ = h.Write(sum[:]) // a hash takes everything
	}
	return hex.EncodeToString(h.Sum(nil))
}
