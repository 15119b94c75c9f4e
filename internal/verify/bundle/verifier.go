// SPDX-License-Identifier: Apache-2.0

package bundle

import (
	"bytes"
	"crypto"
	"errors"
	"io"

	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore/pkg/signature"
)

// errOtherKey is the error for a signature that the tried key did not make.
var errOtherKey = errors.New("the signature does not verify")

// anyOf accepts a signature that one of its verifiers accepts. All of them use the same key.
type anyOf []signature.Verifier

// PublicKey implements signature.PublicKeyProvider.
func (a anyOf) PublicKey(opts ...signature.PublicKeyOption) (crypto.PublicKey, error) {
	return a[0].PublicKey(opts...)
}

// VerifySignature implements signature.Verifier.
func (a anyOf) VerifySignature(sig, message io.Reader, opts ...signature.VerifyOption) error {
	rawSignature, err := io.ReadAll(sig)
	if err != nil {
		return err
	}
	rawMessage, err := io.ReadAll(message)
	if err != nil {
		return err
	}
	for _, verifier := range a {
		// If only the digest of the message is known, the message is empty. Pure Ed25519 would verify that
		// empty message: a signature over nothing would be accepted for every artifact.
		if _, pure := verifier.(*signature.ED25519Verifier); pure && digestOf(opts) != nil {
			continue
		}
		if verifier.VerifySignature(bytes.NewReader(rawSignature), bytes.NewReader(rawMessage), opts...) == nil {
			return nil
		}
	}
	return errOtherKey
}

func digestOf(opts []signature.VerifyOption) []byte {
	var digest []byte
	for _, o := range opts {
		o.ApplyDigest(&digest)
	}
	return digest
}

// attempt verifies with one key, and records whether the signature is by a different key.
type attempt struct {
	anyOf
	failed bool
}

// VerifySignature implements signature.Verifier.
func (a *attempt) VerifySignature(sig, message io.Reader, opts ...signature.VerifyOption) error {
	err := a.anyOf.VerifySignature(sig, message, opts...)
	a.failed = err != nil
	return err
}

// material is the trust for verifying one signature: an optional trusted root and an optional key. It returns
// the key for every hint, since a hint proves nothing.
type material struct {
	root.TrustedMaterial
	key         root.TimeConstrainedVerifier
	authorities []root.CertificateAuthority
}

// FulcioCertificateAuthorities implements root.TrustedMaterial.
func (m material) FulcioCertificateAuthorities() []root.CertificateAuthority { return m.authorities }

// PublicKeyVerifier implements root.TrustedMaterial.
func (m material) PublicKeyVerifier(hint string) (root.TimeConstrainedVerifier, error) {
	if m.key == nil {
		return m.TrustedMaterial.PublicKeyVerifier(hint)
	}
	return m.key, nil
}
