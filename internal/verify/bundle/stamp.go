// SPDX-License-Identifier: Apache-2.0

package bundle

import (
	"errors"
	"time"

	"github.com/sigstore/sigstore-go/pkg/verify"
	"github.com/sigstore/sigstore/pkg/cryptoutils"
)

// isStamped reports whether the bundle carries a timestamp.
func (b *Bundle) isStamped() bool {
	stamps, err := b.entity.Timestamps()
	return err == nil && len(stamps) > 0
}

// checkEveryStamp returns an error unless the signature is valid at the time of every trusted timestamp.
// sigstore-go v1.2.1 checks only one timestamp of each authority, and ignores the others of the same authority.
func (b *Bundle) checkEveryStamp(t Trust, m material) error {
	stamps, err := b.entity.Timestamps()
	if err != nil || len(stamps) < 2 || !t.timed() {
		return err
	}
	content, err := b.entity.SignatureContent()
	if err != nil {
		return err
	}
	for _, stamp := range stamps {
		for _, authority := range m.TimestampingAuthorities() {
			proven, err := authority.Verify(stamp, content.Signature())
			if err != nil {
				continue // an untrusted timestamp proves nothing
			}
			if err := b.checkValidAt(proven.Time, m); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkValidAt returns an error unless the signer could sign at that time.
func (b *Bundle) checkValidAt(at time.Time, m material) error {
	signer, err := b.entity.VerificationContent()
	if err != nil {
		return err
	}
	leaf := signer.Certificate()
	if leaf == nil {
		if m.key == nil || !m.key.ValidAtTime(at) {
			return errors.New("a timestamp is outside of the key's period of validity")
		}
		return nil
	}
	// Fulcio writes an OtherName for some identities, which crypto/x509 does not know.
	known := leaf.UnhandledCriticalExtensions[:0]
	for _, oid := range leaf.UnhandledCriticalExtensions {
		if !oid.Equal(cryptoutils.SANOID) {
			known = append(known, oid)
		}
	}
	leaf.UnhandledCriticalExtensions = known
	if _, err := verify.VerifyLeafCertificate(at, leaf, m); err != nil {
		return errors.New("a timestamp is outside of the certificate's validity")
	}
	return nil
}
