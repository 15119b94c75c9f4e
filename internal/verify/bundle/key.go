// SPDX-License-Identifier: Apache-2.0

package bundle

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sigstore/sigstore/pkg/cryptoutils"
	"github.com/sigstore/sigstore/pkg/signature"
)

// ErrKey is matched by the error for bytes that are not a public key that signatures may be verified with.
var ErrKey = errors.New("not a usable public key")

// maxKeySize bounds a PEM encoded public key; one of RSA-4096 takes 800 bytes.
const maxKeySize = 16 << 10

// Key is a public key that signatures are trusted by. The zero value trusts nothing.
type Key struct {
	// Name tells the key from others, as "release.pub".
	Name string
	// ID is "SHA256:" and the hexadecimal SHA-256 of the DER encoded public key (SPKI).
	ID string

	public    crypto.PublicKey
	verifiers anyOf
	// start and end bound when signatures by the key count; zero for no bound.
	start, end time.Time
}

// ParseKey reads one PEM encoded public key: ECDSA on P-256, P-384 or P-521, RSA of 2048, 3072 or 4096 bits, or Ed25519.
// Anything else, a private key and trailing data among them, is refused with an
// error matching ErrKey that never repeats the bytes.
func ParseKey(name string, encoded []byte) (Key, error) {
	if len(encoded) > maxKeySize {
		return Key{}, fmt.Errorf("%w: %s has %d bytes, more than %d", ErrKey, name, len(encoded), maxKeySize)
	}
	public, err := parsePublicKey(encoded)
	if err != nil {
		return Key{}, fmt.Errorf("%w: %s: %w", ErrKey, name, err)
	}
	spki, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return Key{}, fmt.Errorf("%w: %s: %w", ErrKey, name, err)
	}
	verifiers, err := verifiersFor(public, hashesFor(public))
	if err != nil {
		return Key{}, fmt.Errorf("%w: %s: %w", ErrKey, name, err)
	}
	id := sha256.Sum256(spki)
	return Key{Name: name, ID: keyID(id[:]), public: public, verifiers: verifiers}, nil
}

// keyID is how a key is named by the SHA-256 of its SPKI.
func keyID(sum []byte) string { return "SHA256:" + hex.EncodeToString(sum) }

// WithHash returns the key for signatures over that hash alone. The error
// matches ErrKey where the key is of a kind that has no choice of hash.
func (k Key) WithHash(hash crypto.Hash) (Key, error) {
	if _, ok := k.public.(ed25519.PublicKey); ok && hash != crypto.SHA512 {
		return Key{}, fmt.Errorf("%w: %s: Ed25519 keys sign with SHA-512 and no other hash", ErrKey, k.Name)
	}
	verifiers, err := verifiersFor(k.public, []crypto.Hash{hash})
	if err != nil {
		return Key{}, fmt.Errorf("%w: %s: %w", ErrKey, k.Name, err)
	}
	k.verifiers = verifiers
	return k, nil
}

// ValidFor returns the key for signatures that were provably made within a
// period, both ends included. A zero start or end is no bound.
func (k Key) ValidFor(start, end time.Time) Key {
	k.start, k.end = start, end
	return k
}

// expires says whether signatures by the key count only within a period.
func (k Key) expires() bool { return !k.start.IsZero() || !k.end.IsZero() }

func parsePublicKey(encoded []byte) (crypto.PublicKey, error) {
	block, rest := pem.Decode(encoded)
	switch {
	case len(bytes.TrimSpace(encoded)) == 0:
		return nil, errors.New("it is empty: put the PEM encoded public key there (cosign.pub)")
	case block == nil:
		return nil, errors.New("it is not PEM encoded: put the contents of cosign.pub there")
	case strings.Contains(block.Type, "PRIVATE KEY"):
		return nil, errors.New("it is a private key: put the public key (cosign.pub) there, and replace the key pair, which must be seen as disclosed")
	case len(bytes.TrimSpace(rest)) != 0:
		return nil, errors.New("data follows the key: put each key under a *.pub entry of its own")
	}
	public, err := cryptoutils.UnmarshalPEMToPublicKey(encoded)
	if err != nil {
		return nil, errors.New("its PEM block holds no public key that can be parsed")
	}
	return public, checkStrength(public)
}

// checkStrength refuses keys that are too weak to prove anything, or too large to be worth the time.
func checkStrength(public crypto.PublicKey) error {
	switch key := public.(type) {
	case ed25519.PublicKey:
		return nil
	case *ecdsa.PublicKey:
		if slices.Contains([]elliptic.Curve{elliptic.P256(), elliptic.P384(), elliptic.P521()}, key.Curve) {
			return nil
		}
		return errors.New("an ECDSA key must be on P-256, P-384 or P-521")
	case *rsa.PublicKey:
		if slices.Contains([]int{2048, 3072, 4096}, key.N.BitLen()) {
			return nil
		}
		return fmt.Errorf("an RSA key must have 2048, 3072 or 4096 bits, and this one has %d", key.N.BitLen())
	}
	return fmt.Errorf("keys of type %T are not supported: use ECDSA, RSA or Ed25519", public)
}

// verifiersFor returns a verifier for each scheme that signers use with such a
// key over the hashes, the likeliest first.
func verifiersFor(public crypto.PublicKey, hashes []crypto.Hash) (anyOf, error) {
	if key, ok := public.(ed25519.PublicKey); ok {
		return ed25519Verifiers(key)
	}
	var verifiers anyOf
	for _, hash := range hashes {
		v, err := signature.LoadVerifier(public, hash)
		if err != nil {
			return nil, err
		}
		verifiers = append(verifiers, v)
	}
	return verifiers, nil
}

func ed25519Verifiers(key ed25519.PublicKey) (anyOf, error) {
	pure, err := signature.LoadED25519Verifier(key)
	if err != nil {
		return nil, err
	}
	prehashed, err := signature.LoadED25519phVerifier(key)
	if err != nil {
		return nil, err
	}
	return anyOf{pure, prehashed}, nil
}

// hashesFor returns the hashes that signers use with such a key. The key does
// not say which was used with it: cosign takes the one that fits the curve,
// older ones always took SHA-256, and signers in a KMS take what the KMS key was
// made for (cert-manager: RSA with SHA-512). Every hash here is collision
// resistant, so accepting any of them proves the same.
func hashesFor(public crypto.PublicKey) []crypto.Hash {
	switch key := public.(type) {
	case *ecdsa.PublicKey:
		switch key.Curve {
		case elliptic.P384():
			return []crypto.Hash{crypto.SHA384, crypto.SHA256, crypto.SHA512}
		case elliptic.P521():
			return []crypto.Hash{crypto.SHA512, crypto.SHA256, crypto.SHA384}
		}
	case *rsa.PublicKey:
		return []crypto.Hash{crypto.SHA256, crypto.SHA512, crypto.SHA384}
	}
	return []crypto.Hash{crypto.SHA256, crypto.SHA384, crypto.SHA512}
}
