// SPDX-License-Identifier: Apache-2.0

package openpgptest

import (
	"bytes"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"
)

// SubkeyOption changes what AddSubkey adds.
type SubkeyOption func(*subkeySpec)

type subkeySpec struct {
	algorithm   Algorithm
	created     time.Time
	binds       func(*packet.Signature)
	crossSigner *packet.PrivateKey
	crosses     func(*packet.Signature)
	uncrossed   bool
}

// SubkeyUsing adds a subkey with the algorithm; the default is Ed25519.
func SubkeyUsing(a Algorithm) SubkeyOption { return func(s *subkeySpec) { s.algorithm = a } }

// SubkeyCreatedAt adds a subkey that was created and bound at the time; the default is Created.
func SubkeyCreatedAt(t time.Time) SubkeyOption { return func(s *subkeySpec) { s.created = t } }

// Bound changes the binding signature before signing.
func Bound(change func(*packet.Signature)) SubkeyOption {
	return func(s *subkeySpec) { s.binds = change }
}

// SubkeyExpiringAfter adds a subkey with the lifetime.
func SubkeyExpiringAfter(d time.Duration) SubkeyOption {
	return Bound(func(s *packet.Signature) { s.KeyLifetimeSecs = seconds(d) })
}

// ForEncryption adds a subkey that is flagged for encryption, and not for signing.
func ForEncryption() SubkeyOption {
	return Bound(func(s *packet.Signature) {
		s.FlagSign, s.FlagEncryptCommunications, s.FlagEncryptStorage = false, true, true
	})
}

// WithoutCrossSignature adds a subkey without a cross-signature over the primary key.
func WithoutCrossSignature() SubkeyOption { return func(s *subkeySpec) { s.uncrossed = true } }

// CrossSignedBy adds a subkey whose cross-signature is made by a different key.
func CrossSignedBy(other *packet.PrivateKey) SubkeyOption {
	return func(s *subkeySpec) { s.crossSigner = other }
}

// CrossSigned changes the cross-signature before signing.
func CrossSigned(change func(*packet.Signature)) SubkeyOption {
	return func(s *subkeySpec) { s.crosses = change }
}

// CrossSignatureExpiringAfter adds a subkey whose cross-signature has the lifetime.
func CrossSignatureExpiringAfter(d time.Duration) SubkeyOption {
	return CrossSigned(func(s *packet.Signature) { s.SigLifetimeSecs = seconds(d) })
}

// AddSubkey adds a subkey that is flagged for signing, and returns its key pair.
func AddSubkey(e *openpgp.Entity, options ...SubkeyOption) *packet.PrivateKey {
	spec := newSubkeySpec(options)
	key := spec.algorithm(spec.created)
	key.IsSubkey = true
	if e.PrimaryKey.Version == 6 {
		must(key.UpgradeToV6())
	}
	e.Subkeys = append(e.Subkeys, openpgp.Subkey{Primary: e, PublicKey: &key.PublicKey, PrivateKey: key})
	bind(e, key, spec)
	return key
}

// Rebind binds the last subkey again, at the time in the options.
func Rebind(e *openpgp.Entity, options ...SubkeyOption) {
	bind(e, e.Subkeys[len(e.Subkeys)-1].PrivateKey, newSubkeySpec(options))
}

func newSubkeySpec(options []SubkeyOption) subkeySpec {
	spec := subkeySpec{algorithm: Ed25519, created: Created}
	for _, o := range options {
		o(&spec)
	}
	return spec
}

func bind(e *openpgp.Entity, key *packet.PrivateKey, spec subkeySpec) {
	s := signature(e.PrivateKey, packet.SigTypeSubkeyBinding, spec.created)
	s.FlagsValid, s.FlagSign = true, true
	if !spec.uncrossed {
		s.EmbeddedSignature = crossSignature(e, key, spec)
	}
	if spec.binds != nil {
		spec.binds(s)
	}
	must(s.SignKey(&key.PublicKey, e.PrivateKey, config(s)))
	subkey := &e.Subkeys[len(e.Subkeys)-1]
	subkey.Bindings = append(subkey.Bindings, packet.NewVerifiableSig(s))
}

func crossSignature(e *openpgp.Entity, key *packet.PrivateKey, spec subkeySpec) *packet.Signature {
	signer := key
	if spec.crossSigner != nil {
		signer = spec.crossSigner
	}
	s := signature(signer, packet.SigTypePrimaryKeyBinding, spec.created)
	if spec.crosses != nil {
		spec.crosses(s)
	}
	must(s.CrossSignKey(&key.PublicKey, e.PrimaryKey, signer, config(s)))
	return s
}

// RevokeSubkey revokes the last subkey.
func RevokeSubkey(e *openpgp.Entity, at time.Time, reason packet.ReasonForRevocation) {
	subkey := &e.Subkeys[len(e.Subkeys)-1]
	s := signature(e.PrivateKey, packet.SigTypeSubkeyRevocation, at)
	s.RevocationReason = &reason
	must(s.RevokeSubkey(subkey.PublicKey, e.PrivateKey, config(s)))
	subkey.Revocations = append(subkey.Revocations, packet.NewVerifiableSig(s))
}

// Reread returns the public part of a key, as a recipient reads it.
func Reread(e *openpgp.Entity) *openpgp.Entity {
	read, err := openpgp.ReadEntity(packet.NewReader(bytes.NewReader(Public(e))))
	must(err)
	return read
}
