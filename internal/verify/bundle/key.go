// SPDX-License-Identifier: Apache-2.0

package bundle

import (
	"bytes"
	"crypto"
	"crypto/dsa" //nolint:staticcheck // only to name such a key in a message
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

	"github.com/verifiedchart/verifiedchart/internal/printable"
	"github.com/verifiedchart/verifiedchart/internal/problem"
)

// ErrKey is matched by the error for bytes that are not a public key usable for verifying signatures.
var ErrKey = errors.New("not a usable public key")

const (
	// maxKeySize bounds a PEM encoded public key in bytes; an RSA-4096 key takes 800.
	maxKeySize = 16 << 10
	// maxType bounds the type of a PEM block in messages, in bytes.
	maxType = 40
)

// Key is a trusted public key. The zero value trusts nothing.
type Key struct {
	// Name identifies the key, for example "release.pub".
	Name string
	// ID is "SHA256:" and the hexadecimal SHA-256 of the DER encoded public key (SPKI).
	ID string

	public    crypto.PublicKey
	verifiers anyOf
	// start and end bound the time in which signatures by the key count; zero means no bound.
	start, end time.Time
}

// ParseKey reads one PEM encoded public key: ECDSA on P-256, P-384 or P-521, RSA of 2048, 3072 or 4096 bits, or
// Ed25519. A byte order mark, and blanks around lines, mean nothing. It refuses anything else, including a private key and trailing data. The error matches ErrKey and
// never repeats the bytes.
func ParseKey(name string, encoded []byte) (Key, error) {
	if len(encoded) > maxKeySize {
		return Key{}, problem.New(ErrKey, "%s has %d bytes, more than %d", name, len(encoded), maxKeySize)
	}
	public, err := parsePublicKey(name, encoded)
	if err != nil {
		return Key{}, err
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

// keyID returns the ID of a key with that SHA-256 of its SPKI.
func keyID(sum []byte) string { return "SHA256:" + hex.EncodeToString(sum) }

// WithHash returns the key restricted to signatures over that hash. The error matches ErrKey if the kind of the
// key has a fixed hash.
func (k Key) WithHash(hash crypto.Hash) (Key, error) {
	if _, ok := k.public.(ed25519.PublicKey); ok && hash != crypto.SHA512 {
		return Key{}, problem.New(ErrKey, "%s is an Ed25519 key, which signs only with SHA-512", k.Name).Fix("remove hashAlgorithm")
	}
	verifiers, err := verifiersFor(k.public, []crypto.Hash{hash})
	if err != nil {
		return Key{}, fmt.Errorf("%w: %s: %w", ErrKey, k.Name, err)
	}
	k.verifiers = verifiers
	return k, nil
}

// ValidFor returns the key restricted to signatures with a proven time in a period, including both ends. A zero
// start or end is no bound.
func (k Key) ValidFor(start, end time.Time) Key {
	k.start, k.end = start, end
	return k
}

// expires reports whether signatures by the key count only within a period.
func (k Key) expires() bool { return !k.start.IsZero() || !k.end.IsZero() }

// parsePublicKey reads one public key. The name is that of the entry, for messages.
func parsePublicKey(name string, encoded []byte) (crypto.PublicKey, error) {
	text := plain(encoded)
	block, rest := pem.Decode(text)
	switch {
	case block == nil:
		return nil, notPEM(name, encoded)
	case strings.Contains(block.Type, "PRIVATE KEY"):
		return nil, problem.New(ErrKey, "%s is a PRIVATE key", name).Fix("replace the key pair, which every reader of the Secret has, and store only the public key")
	case block.Type == "CERTIFICATE":
		return nil, problem.New(ErrKey, "%s is a certificate", name).Fix("store the output of openssl x509 -in cert.pem -pubkey -noout")
	case len(bytes.TrimSpace(rest)) != 0:
		return nil, problem.New(ErrKey, "%s holds data after the key", name).Fix("put each key under a *.pub entry of its own")
	}
	public, err := cryptoutils.UnmarshalPEMToPublicKey(text)
	if kind := kindOf(block.Bytes); err != nil && kind != "" {
		return nil, problem.New(ErrKey, "%s is %s", name, kind).Fix(acceptedKeys)
	}
	if err != nil {
		return nil, problem.New(ErrKey, "%s holds a %s that cannot be parsed", name, printable.String(block.Type, maxType)).Fix(acceptedKeys)
	}
	if fault := weakness(public); fault != "" {
		return nil, problem.New(ErrKey, "%s is %s", name, fault).Fix(acceptedKeys)
	}
	return public, nil
}

// acceptedKeys is the fix for a key of another kind.
const acceptedKeys = "use ECDSA on P-256, P-384 or P-521, RSA of 2048, 3072 or 4096 bits, or Ed25519"

// weakness returns why a key is too weak to prove anything, or too large to verify in time; empty if it is
// neither.
func weakness(public crypto.PublicKey) string {
	switch key := public.(type) {
	case ed25519.PublicKey:
		return ""
	case *ecdsa.PublicKey:
		if slices.Contains([]elliptic.Curve{elliptic.P256(), elliptic.P384(), elliptic.P521()}, key.Curve) {
			return ""
		}
		return "an ECDSA key on curve " + key.Curve.Params().Name
	case *rsa.PublicKey:
		if slices.Contains([]int{2048, 3072, 4096}, key.N.BitLen()) {
			return ""
		}
		return fmt.Sprintf("an RSA key of %d bits", key.N.BitLen())
	}
	if _, ok := public.(*dsa.PublicKey); ok {
		return "a DSA key"
	}
	return "of an algorithm that cannot sign"
}

// verifiersFor returns a verifier for each scheme that signers use with such a key over the hashes, the most
// likely scheme first.
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

// hashesFor returns the hashes that signers use with such a key. The key does not define the hash: cosign takes
// the one that fits the curve, older versions always took SHA-256, and signers in a KMS take the hash of the
// KMS key (cert-manager: RSA with SHA-512). Every hash here is collision resistant, so accepting any of them
// proves the same.
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
