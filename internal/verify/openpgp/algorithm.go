// SPDX-License-Identifier: Apache-2.0

package openpgp

import (
	"crypto"
	"crypto/rsa"
	"fmt"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// Bounds on the size of an RSA modulus: a shorter one is weak, a longer one takes too long to verify.
const minRSABits, maxRSABits = 2048, 8192

// acceptedKeys is the fix for a key that weakKey refuses.
const acceptedKeys = "use a key of RSA with 2048 to 8192 bits, ECDSA on P-256, P-384 or P-521, or Ed25519"

// weakKey returns why no signature by the key is accepted, as a clause about the key; empty if the key is strong
// enough.
func weakKey(k *packet.PublicKey) string {
	switch k.PubKeyAlgo {
	case packet.PubKeyAlgoRSA, packet.PubKeyAlgoRSASignOnly:
		return weakRSA(k)
	case packet.PubKeyAlgoECDSA:
		return weakCurve(k, packet.CurveNistP256, packet.CurveNistP384, packet.CurveNistP521)
	case packet.PubKeyAlgoEdDSA:
		return weakCurve(k, packet.Curve25519)
	case packet.PubKeyAlgoEd25519:
		return ""
	case packet.PubKeyAlgoDSA:
		return "is a DSA key"
	}
	return fmt.Sprintf("is of algorithm %d, not RSA, ECDSA or Ed25519", k.PubKeyAlgo)
}

func weakRSA(k *packet.PublicKey) string {
	// Do not use the length that the packet claims: its author chose it.
	public, ok := k.PublicKey.(*rsa.PublicKey)
	if !ok {
		return "is not an RSA key"
	}
	if bits := public.N.BitLen(); bits < minRSABits || bits > maxRSABits {
		return fmt.Sprintf("is an RSA key of %d bits", bits)
	}
	return ""
}

func weakCurve(k *packet.PublicKey, accepted ...packet.Curve) string {
	curve, err := k.Curve()
	for _, c := range accepted {
		if err == nil && curve == c {
			return ""
		}
	}
	if err != nil {
		return "is on an unknown curve"
	}
	return fmt.Sprintf("is on the unsupported curve %s", curve)
}

// isWeakHash reports whether signatures with that hash prove nothing. SHA-1 and MD5 collide, so a signer may have
// signed another text. The date of a signature does not matter, because a forger chooses it.
func isWeakHash(h crypto.Hash) bool {
	return h != crypto.SHA256 && h != crypto.SHA384 && h != crypto.SHA512
}

// weakSignature returns why no signature such as s is accepted from a key of that version; empty if s is
// strong.
func weakSignature(s *packet.Signature, version int) string {
	if isWeakHash(s.Hash) {
		return fmt.Sprintf("it hashes with %s, and SHA-256, SHA-384 and SHA-512 are accepted", s.Hash)
	}
	if s.Version != version {
		return fmt.Sprintf("it is a signature of version %d by a key of version %d", s.Version, version)
	}
	for _, n := range s.Notations {
		if n.IsCritical {
			return "it holds a critical notation, and none is known"
		}
	}
	return ""
}

// fits reports whether s is as long as a signature by the key must be. Otherwise, a hostile keyring could have
// a long RSA key verify a few bytes, over and over.
func fits(s *packet.Signature, k *packet.PublicKey) bool {
	public, ok := k.PublicKey.(*rsa.PublicKey)
	if !ok || s.RSASignature == nil {
		return true
	}
	const leadingZeros = 64 // more than chance produces
	return int(s.RSASignature.BitLength())+leadingZeros >= public.N.BitLen()
}
