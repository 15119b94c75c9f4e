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

// weakKey returns why no signature by the key is accepted; empty if the key is strong enough.
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
		return "its algorithm is DSA"
	}
	return fmt.Sprintf("its algorithm, number %d, is not one of RSA, ECDSA and Ed25519", k.PubKeyAlgo)
}

func weakRSA(k *packet.PublicKey) string {
	// Do not use the length that the packet claims: its author chose it.
	public, ok := k.PublicKey.(*rsa.PublicKey)
	if !ok {
		return "it is not an RSA key"
	}
	if bits := public.N.BitLen(); bits < minRSABits || bits > maxRSABits {
		return fmt.Sprintf("it is an RSA key of %d bits, and %d to %d are accepted", bits, minRSABits, maxRSABits)
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
	return fmt.Sprintf("its curve, %s, is not one of NIST's, and not Curve25519", curve)
}

// weakSignature returns why no signature such as s is accepted from a key of that version; empty if s is
// strong.
func weakSignature(s *packet.Signature, version int) string {
	switch s.Hash {
	case crypto.SHA256, crypto.SHA384, crypto.SHA512:
	default:
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
