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

// errOtherKey says that a signature was not made with a key, whatever it claims.
var errOtherKey = errors.New("the signature does not verify")

// anyOf verifies what one of its verifiers does, all of which are of one key.
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
		// Where only the message's digest is known the message is empty, and that is
		// what pure Ed25519 would verify: a signature over nothing would do for everything.
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

// attempt verifies by one key, and remembers that the signature is by another.
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

// material is what one signature is verified by: a trusted root, or nothing, and
// a key, or none. It answers for every hint, since a hint proves nothing.
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
