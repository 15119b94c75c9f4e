// SPDX-License-Identifier: Apache-2.0

package openpgp

import (
	"bytes"
	"fmt"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// versionWithDirect is the version of keys whose properties stand in a direct-key
// signature, and not in one over a user id.
const versionWithDirect = 6

// A reader reads what follows a primary key, one packet at a time, and keeps what the
// primary key proves to have signed.
type reader struct {
	certificate *certificate
	parts       int // how many were taken in
	// What the signatures that come next are about: a user id, a subkey, or else the primary
	// key itself. Those about what is passed over prove nothing of the primary key.
	user   *user
	subkey *signer
}

func (r *reader) packet(o *packet.OpaquePacket) {
	switch o.Tag {
	case tagSignature:
		if s, ok := parse[*packet.Signature](o); ok {
			r.signature(s)
		}
	case tagUserID, tagPublicSubkey, tagAttribute:
		r.about(o)
	}
}

// about turns to what the signatures that come next are about.
func (r *reader) about(o *packet.OpaquePacket) {
	r.user, r.subkey = nil, nil
	if !r.takes() {
		return
	}
	switch o.Tag {
	case tagUserID:
		r.user = r.certificate.user(string(o.Contents))
	case tagPublicSubkey:
		if k, ok := parse[*packet.PublicKey](o); ok {
			r.subkey = r.certificate.subkey(k)
		}
	}
}

// takes counts one more part, and is false where that is one too many.
func (r *reader) takes() bool {
	r.parts++
	return r.parts <= maxParts
}

func parse[T packet.Packet](o *packet.OpaquePacket) (T, bool) {
	p, err := o.Parse()
	t, ok := p.(T)
	return t, ok && err == nil
}

// signature takes in a signature about what was read last. Those that say to be by other
// keys say nothing here.
func (r *reader) signature(s *packet.Signature) {
	foreign := s.IssuerKeyId != nil && !s.CheckKeyIdOrFingerprint(r.certificate.primary)
	if foreign || !fits(s, r.certificate.primary) || !r.takes() {
		return
	}
	switch {
	case r.user != nil:
		r.aboutUser(s)
	case r.subkey != nil:
		r.aboutSubkey(s)
	default:
		r.aboutPrimary(s)
	}
}

func (r *reader) aboutPrimary(s *packet.Signature) {
	c := r.certificate
	switch s.SigType {
	case packet.SigTypeKeyRevocation:
		// A weak hash does not make a revocation void.
		c.signers[0].revoked = c.signers[0].revoked || c.primary.VerifyRevocationSignature(s) == nil
	case packet.SigTypeDirectSignature:
		if c.primary.VerifyDirectKeySignature(s) == nil && strong(s, c.primary.Version, &c.weak) {
			c.direct = append(c.direct, stated(s, c.primary))
		}
	}
}

func (r *reader) aboutUser(s *packet.Signature) {
	c := r.certificate
	if c.primary.VerifyUserIdSignature(r.user.id, c.primary, s) != nil {
		return
	}
	switch s.SigType {
	case packet.SigTypeCertificationRevocation:
		r.user.revoked = latest(r.user.revoked, s.CreationTime)
	case packet.SigTypeGenericCert, packet.SigTypePersonaCert, packet.SigTypeCasualCert, packet.SigTypePositiveCert:
		if strong(s, c.primary.Version, &c.weak) {
			r.user.says = append(r.user.says, stated(s, c.primary))
		}
	}
}

func (r *reader) aboutSubkey(s *packet.Signature) {
	c := r.certificate
	if verifyBinding(c.primary, r.subkey.key, c.primary, s) != nil {
		return
	}
	switch s.SigType {
	case packet.SigTypeSubkeyRevocation:
		r.subkey.revoked = true
	case packet.SigTypeSubkeyBinding:
		if strong(s, c.primary.Version, &r.subkey.unbound) {
			r.subkey.bindings = append(r.subkey.bindings, bound(s, c.primary, r.subkey.key))
		}
	}
}

// strong says in why that a signature is weak, so that a key without a better one can tell.
func strong(s *packet.Signature, version int, why *string) bool {
	weak := weakSignature(s, version)
	if weak != "" {
		*why = weak
	}
	return weak == ""
}

// bound reads what a proven binding of a subkey says, with the subkey's own signature in it.
func bound(s *packet.Signature, primary, subkey *packet.PublicKey) statement {
	b := stated(s, subkey)
	cross := s.EmbeddedSignature
	switch {
	case cross == nil:
		b.crossProblem = "is missing"
	case cross.SigType != packet.SigTypePrimaryKeyBinding,
		!fits(cross, subkey),
		verifyBinding(primary, subkey, subkey, cross) != nil:
		b.crossProblem = "is invalid"
	case weakSignature(cross, subkey.Version) != "":
		b.crossProblem = "is weak: " + weakSignature(cross, subkey.Version)
	default:
		c := stated(cross, subkey)
		b.cross = &c
	}
	return b
}

// verifyBinding verifies a signature by one of a primary key and its subkey over both.
func verifyBinding(primary, subkey, by *packet.PublicKey, s *packet.Signature) error {
	h, err := s.PrepareVerify()
	if err != nil {
		return err
	}
	var both bytes.Buffer
	if err := primary.SerializeForHash(&both); err != nil {
		return fmt.Errorf("the primary key: %w", err)
	}
	if err := subkey.SerializeForHash(&both); err != nil {
		return fmt.Errorf("the subkey: %w", err)
	}
	h.Write(both.Bytes())
	return by.VerifySignature(h, s)
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
