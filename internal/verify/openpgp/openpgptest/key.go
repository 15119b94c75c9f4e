// SPDX-License-Identifier: Apache-2.0

package openpgptest

import (
	"crypto"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"
)

// Created is the default creation time of keys. It is a whole second in the past.
var Created = time.Date(2024, time.January, 1, 0, 0, 0, 0, time.UTC)

// KeyOption changes what NewKey makes.
type KeyOption func(*keySpec)

type keySpec struct {
	algorithm Algorithm
	created   time.Time
	v6        bool
	users     []string
	certifies func(*packet.Signature)
}

// Using makes a key with the algorithm; the default is Ed25519.
func Using(a Algorithm) KeyOption { return func(s *keySpec) { s.algorithm = a } }

// CreatedAt makes a key with the creation time; the default is Created.
func CreatedAt(t time.Time) KeyOption { return func(s *keySpec) { s.created = t } }

// V6 makes a key of version 6.
func V6() KeyOption { return func(s *keySpec) { s.v6 = true } }

// WithUserIDs makes a key with the user ids; the first is the primary one.
func WithUserIDs(ids ...string) KeyOption { return func(s *keySpec) { s.users = ids } }

// SelfSigned changes the self-signatures of the key before they are made.
func SelfSigned(change func(*packet.Signature)) KeyOption {
	return func(s *keySpec) { s.certifies = change }
}

// ExpiringAfter makes a key with the lifetime.
func ExpiringAfter(d time.Duration) KeyOption {
	return SelfSigned(func(s *packet.Signature) { s.KeyLifetimeSecs = seconds(d) })
}

// CertifyOnly makes a key whose primary key is not flagged for signing.
func CertifyOnly() KeyOption { return SelfSigned(func(s *packet.Signature) { s.FlagSign = false }) }

// NewKey makes a key pair whose primary key certifies and signs. It has no subkey.
func NewKey(options ...KeyOption) *openpgp.Entity {
	spec := keySpec{algorithm: Ed25519, created: Created, users: []string{"Ada <ada@example.com>"}}
	for _, o := range options {
		o(&spec)
	}
	primary := spec.algorithm(spec.created)
	primary.IsSubkey = false
	if spec.v6 {
		must(primary.UpgradeToV6())
	}
	e := &openpgp.Entity{PrimaryKey: &primary.PublicKey, PrivateKey: primary, Identities: map[string]*openpgp.Identity{}}
	if spec.v6 {
		AddDirectSignature(e, spec.created, spec.certifies)
	}
	for i, id := range spec.users {
		Certify(e, id, spec.created, func(s *packet.Signature) {
			first := i == 0
			s.IsPrimaryId = &first
			if spec.certifies != nil {
				spec.certifies(s)
			}
		})
	}
	return e
}

// Certify adds a self-signature over a user id, and the user id if it is new.
func Certify(e *openpgp.Entity, id string, at time.Time, change func(*packet.Signature)) {
	s := selfSignature(e, packet.SigTypePositiveCert, at, change)
	must(s.SignUserId(id, e.PrimaryKey, e.PrivateKey, config(s)))
	user := userID(e, id)
	user.SelfCertifications = append(user.SelfCertifications, packet.NewVerifiableSig(s))
}

// RevokeUserID revokes a user id.
func RevokeUserID(e *openpgp.Entity, id string, at time.Time) {
	s := selfSignature(e, packet.SigTypeCertificationRevocation, at, nil)
	must(s.SignUserId(id, e.PrimaryKey, e.PrivateKey, config(s)))
	user := userID(e, id)
	user.Revocations = append(user.Revocations, packet.NewVerifiableSig(s))
}

func userID(e *openpgp.Entity, id string) *openpgp.Identity {
	if e.Identities[id] == nil {
		e.Identities[id] = &openpgp.Identity{Primary: e, Name: id, UserId: &packet.UserId{Id: id}}
	}
	return e.Identities[id]
}

// AddDirectSignature adds a self-signature over only the primary key.
func AddDirectSignature(e *openpgp.Entity, at time.Time, change func(*packet.Signature)) {
	s := selfSignature(e, packet.SigTypeDirectSignature, at, change)
	must(s.SignDirectKeyBinding(e.PrimaryKey, e.PrivateKey, config(s)))
	e.DirectSignatures = append(e.DirectSignatures, packet.NewVerifiableSig(s))
}

// Revoke revokes the primary key. The changes are applied before signing.
func Revoke(e *openpgp.Entity, at time.Time, reason packet.ReasonForRevocation, change ...func(*packet.Signature)) {
	s := signature(e.PrivateKey, packet.SigTypeKeyRevocation, at)
	s.RevocationReason = &reason
	for _, c := range change {
		c(s)
	}
	must(s.RevokeKey(e.PrimaryKey, e.PrivateKey, config(s)))
	e.Revocations = append(e.Revocations, packet.NewVerifiableSig(s))
}

// selfSignature returns an unsigned self-signature that flags the primary key for certifying and signing.
func selfSignature(e *openpgp.Entity, t packet.SignatureType, at time.Time, change func(*packet.Signature)) *packet.Signature {
	s := signature(e.PrivateKey, t, at)
	s.FlagsValid, s.FlagCertify, s.FlagSign = true, true, true
	if change != nil {
		change(s)
	}
	return s
}

// signature returns an unsigned signature by the key.
func signature(by *packet.PrivateKey, t packet.SignatureType, at time.Time) *packet.Signature {
	return &packet.Signature{
		Version: by.Version, SigType: t, PubKeyAlgo: by.PubKeyAlgo, Hash: strongest(by), CreationTime: at,
		IssuerKeyId: &by.KeyId, IssuerKeyVersion: uint8(by.Version), IssuerFingerprint: by.Fingerprint,
	}
}

// strongest returns the strongest hash that the key can use.
func strongest(by *packet.PrivateKey) crypto.Hash {
	if by.PubKeyAlgo == packet.PubKeyAlgoRSA && by.Version < 6 {
		return crypto.SHA256
	}
	return crypto.SHA512
}

// config disables the salt of the library, which has none for SHA-1.
func config(s *packet.Signature) *packet.Config {
	return &packet.Config{NonDeterministicSignaturesViaNotation: packet.BoolPointer(s.Hash != crypto.SHA1)}
}

func seconds(d time.Duration) *uint32 {
	s := uint32(d / time.Second)
	return &s
}
