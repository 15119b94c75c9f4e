// SPDX-License-Identifier: Apache-2.0

// Package openpgp verifies one clear-signed OpenPGP message with a keyring, strictly.
//
// It knows OpenPGP (RFC 9580): how a clear-signed message is framed, which key may sign, and whether that key
// signed. It does not know the meaning of the text, the origin of the message or the keyring, or the
// consequences of a verdict.
//
// The library github.com/ProtonMail/go-crypto parses the packets and computes the signatures. This package
// itself decides which key may sign, based on the statements that a key proves about itself when the keyring is
// parsed. The library cannot decide this: it stores its own verdicts in the keys (so two goroutines cannot
// share a keyring), looks only at the first key with an id, and verifies a key at the time that the signature
// claims. This package also checks how a message is framed, because the library skips text that does not belong
// to a message.
package openpgp

import (
	"errors"
	"fmt"
	"time"
)

var (
	// ErrKeyring is matched if a keyring holds no usable key: retrying is useless until the keyring changes.
	ErrKeyring = errors.New("no usable OpenPGP key")
	// ErrUntrusted is a verdict: the message is proven not to carry the required signature.
	ErrUntrusted = errors.New("not signed by a trusted OpenPGP key")
)

const (
	// MaxMessage is the maximum size of a clear-signed message in bytes. A longer message is refused before it
	// is parsed.
	MaxMessage = 256 << 10
	// MaxKeyring is the maximum size of all entries of a keyring together, in bytes. A larger keyring is
	// refused as a whole, because the unread part may hold a revocation.
	MaxKeyring = 4 << 20
	// maxSignatures bounds the signatures in one message.
	maxSignatures = 16
	// tolerance is how far the clock of a signer may be ahead of ours.
	tolerance = 5 * time.Minute
)

// Options are the settings of a verification.
type Options struct {
	// Now is the time of the verification. It is required.
	Now time.Time
	// AllowExpiredKeys accepts a signature that was made before its key expired, even if the key has expired
	// since. An expired signature is still refused.
	AllowExpiredKeys bool
}

// Signature is a valid signature.
type Signature struct {
	// Primary and Signing are the fingerprints, in upper-case hexadecimal, of the primary key and of the key
	// that signed: a subkey of the primary key, or the primary key itself.
	Primary, Signing string
	// UserID is the primary user id of the key, safe to display. It is empty if the key has none, which is
	// possible for a key with a direct signature.
	UserID string
	// Time is the signing time that the signer claims.
	Time time.Time
	// Ends is the first moment at which the signature is no longer valid by the clock, because the signature, a
	// key, or a statement of the key about itself expires or is superseded; zero if there is no such moment.
	// Expired keys do not matter if Options allow them.
	Ends time.Time
}

func untrusted(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrUntrusted, fmt.Sprintf(format, args...))
}

// UnknownSignerError is the verdict if no signature is by a key of the keyring. It matches ErrUntrusted.
type UnknownSignerError struct {
	// Fingerprint is the fingerprint, or else the key id, of the key that the signature names, in upper-case
	// hexadecimal digits. It is not proven: anybody may have written it.
	Fingerprint string
}

// Error names the missing key.
func (e *UnknownSignerError) Error() string {
	return fmt.Sprintf("%v: the signature names key %s, which is not in the keyring", ErrUntrusted, e.Fingerprint)
}

// Is reports whether target is ErrUntrusted.
func (e *UnknownSignerError) Is(target error) bool { return target == ErrUntrusted }
