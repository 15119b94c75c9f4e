// SPDX-License-Identifier: Apache-2.0

// Package openpgp judges one clear-signed OpenPGP message by a keyring, strictly.
//
// It knows OpenPGP (RFC 9580): how a clear-signed message is framed, which key
// may sign, and whether it did. It does not know what the text says, where the
// message or the keyring was found, or what follows from a verdict.
//
// The packets are parsed, and the signatures computed, by
// github.com/ProtonMail/go-crypto. Which key may sign is decided here, going by
// what a key proves to say of itself when the keyring is parsed, because that
// library keeps its own verdicts in the keys (so that one keyring cannot serve two
// goroutines), looks at the first key of an id only, and judges a key by the time
// that the signature claims. How a message is framed is decided here as well,
// because the library reads on past what does not belong to it.
package openpgp

import (
	"errors"
	"fmt"
	"time"
)

var (
	// ErrKeyring is matched if a keyring holds no usable key: asking again is in
	// vain until the keyring changes.
	ErrKeyring = errors.New("no usable OpenPGP key")
	// ErrUntrusted is a verdict: the message is proven not to be signed as asked.
	ErrUntrusted = errors.New("not signed by a trusted OpenPGP key")
)

const (
	// MaxMessage is how many bytes a clear-signed message may have; a longer one is
	// refused before it is parsed.
	MaxMessage = 256 << 10
	// MaxKeyring is how many bytes the entries of a keyring may have together. A larger one is none
	// at all, since the rest of it may hold a revocation.
	MaxKeyring = 4 << 20
	// maxSignatures bounds the signatures in one message.
	maxSignatures = 16
	// tolerance is how far another clock may be ahead of ours.
	tolerance = 5 * time.Minute
)

// Options say how to judge.
type Options struct {
	// Now is the time to judge by. It is required.
	Now time.Time
	// AllowExpiredKeys accepts a signature that was made while its key lived, though
	// the key has expired since. An expired signature stays refused.
	AllowExpiredKeys bool
}

// Signature is a good signature.
type Signature struct {
	// Primary and Signing are the fingerprints, in upper-case hexadecimal, of the
	// primary key and of the key that signed: a subkey of it, or the same.
	Primary, Signing string
	// UserID is the primary user id of the key, fit to be shown; empty where it has
	// none, as a key with a direct signature may.
	UserID string
	// Time is when the signer says to have signed.
	Time time.Time
	// Ends is the first moment at which the signature is no longer good by the clock, because
	// the signature, a key, or what a key says of itself has expired or is superseded; zero if there is
	// none. Expired keys do not matter if Options allow them.
	Ends time.Time
}

func untrusted(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrUntrusted, fmt.Sprintf(format, args...))
}

// UnknownSignerError is the verdict where no signature is by a key of the keyring. It matches ErrUntrusted.
type UnknownSignerError struct {
	// Fingerprint is that of the key that the signature says to be by, in upper-case
	// hexadecimal digits, or its key id. Anybody may have written it.
	Fingerprint string
}

// Error says whose key it is not.
func (e *UnknownSignerError) Error() string {
	return fmt.Sprintf("%v: key %s made the signature, and the keyring does not hold it", ErrUntrusted, e.Fingerprint)
}

// Is makes it match ErrUntrusted.
func (e *UnknownSignerError) Is(target error) bool { return target == ErrUntrusted }
