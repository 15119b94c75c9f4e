// SPDX-License-Identifier: Apache-2.0

package openpgp

import (
	"bytes"
	"fmt"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// versionWithDirect is the first version of keys whose properties are in a direct-key signature, and not in one
// over a user id.
const versionWithDirect = 6

// A claim is a signature that names the primary key before it, and is not verified yet.
type claim struct {
	signature
	s *packet.Signature
}

// claim keeps a signature that names the primary key before it. Certifications by other keys do not count.
func (p *parser) claim(at signature, s *packet.Signature) {
	c := at.certificate
	if c == nil || !at.keys || !at.states(s) || !fits(s, c.primary) {
		return
	}
	if s.IssuerKeyId != nil && !s.CheckKeyIdOrFingerprint(c.primary) {
		return
	}
	var about any = c
	switch {
	case at.user != nil:
		about = at.user
	case at.subkey != nil:
		about = at.subkey
	}
	if !p.isNew(at.packet, about) {
		return
	}
	if len(p.claims) == maxVerified {
		p.unreadable("", tooManySignatures)
		return
	}
	p.claims = append(p.claims, claim{at, s})
}

// states reports whether a signature of that type makes a statement about the packet that it follows.
func (at location) states(s *packet.Signature) bool {
	switch s.SigType {
	case packet.SigTypeGenericCert, packet.SigTypePersonaCert, packet.SigTypeCasualCert, packet.SigTypePositiveCert:
		return at.user != nil
	case packet.SigTypeSubkeyBinding:
		// Most other subkeys are for encryption.
		return at.subkey != nil && at.subkey.weak == ""
	case packet.SigTypeDirectSignature:
		return at.user == nil && at.subkey == nil
	}
	return false
}

// statements verifies the statements of the keys about themselves.
func (p *parser) statements() {
	for _, c := range p.claims {
		if p.unread != nil || p.interrupted() {
			return
		}
		switch {
		case c.user != nil:
			p.aboutUser(c)
		case c.subkey != nil:
			p.aboutSubkey(c)
		default:
			p.aboutPrimary(c)
		}
	}
}

func (p *parser) aboutPrimary(at claim) {
	c, s := at.certificate, at.s
	if p.genuine(at.signature, s, c.primary, func() error { return c.primary.VerifyDirectKeySignature(s) }) &&
		c.strong(s) {
		c.direct = append(c.direct, stated(s, c.primary))
	}
}

func (p *parser) aboutUser(at claim) {
	c, s := at.certificate, at.s
	if p.genuine(at.signature, s, c.primary, func() error { return c.primary.VerifyUserIdSignature(at.user.id, c.primary, s) }) &&
		c.strong(s) {
		at.user.says = append(at.user.says, stated(s, c.primary))
	}
}

func (p *parser) aboutSubkey(at claim) {
	c, s := at.certificate, at.s
	if p.genuine(at.signature, s, c.primary, func() error { return verifyBinding(c.primary, at.subkey.key, c.primary, s) }) &&
		strong(s, c.primary.Version, &at.subkey.unbound) {
		at.subkey.bindings = append(at.subkey.bindings, p.bound(at))
	}
}

// strong reports whether a self-signature is strong.
func (c *certificate) strong(s *packet.Signature) bool {
	if isWeakHash(s.Hash) {
		c.weakHash = s.Hash
	}
	return strong(s, c.primary.Version, &c.weak)
}

// strong reports whether a signature is strong. If it is weak, strong sets why, for a key that has no better
// signature.
func strong(s *packet.Signature, version int, why *string) bool {
	weak := weakSignature(s, version)
	if weak != "" {
		*why = weak
	}
	return weak == ""
}

// bound reads the statement in a proven binding of a subkey, including the cross-signature by the subkey.
func (p *parser) bound(at claim) statement {
	primary, subkey, cross := at.certificate.primary, at.subkey.key, at.s.EmbeddedSignature
	b := stated(at.s, subkey)
	switch {
	case cross == nil:
		b.crossProblem = "is missing"
	case cross.SigType != packet.SigTypePrimaryKeyBinding,
		!p.genuine(at.signature, cross, subkey, func() error { return verifyBinding(primary, subkey, subkey, cross) }):
		b.crossProblem = "is invalid"
	case weakSignature(cross, subkey.Version) != "":
		b.crossProblem = "is weak: " + weakSignature(cross, subkey.Version)
	default:
		c := stated(cross, subkey)
		b.cross = &c
	}
	return b
}

// verifyBinding verifies a signature over a primary key and its subkey, made by one of them.
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
