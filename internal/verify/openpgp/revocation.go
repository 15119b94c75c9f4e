// SPDX-License-Identifier: Apache-2.0

package openpgp

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// Subpackets of a signature that name its issuer (RFC 9580, section 5.2.3.7).
const (
	subpacketIssuer            = 16
	subpacketIssuerFingerprint = 33
)

// Versions of a signature packet.
const signatureV3, signatureV4, signatureV6 = 3, 4, 6

// isRevocation reports whether the packet has a revocation type, even if it cannot be parsed.
func isRevocation(o *packet.OpaquePacket) bool {
	at := 1
	if len(o.Contents) > 0 && o.Contents[0] <= signatureV3 {
		at = 2
	}
	if o.Tag != tagSignature || len(o.Contents) <= at {
		return false
	}
	switch packet.SignatureType(o.Contents[at]) {
	case packet.SigTypeKeyRevocation, packet.SigTypeSubkeyRevocation, packet.SigTypeCertificationRevocation:
		return true
	}
	return false
}

// revocations applies all revocations, and collects the self-signatures of the keys.
func (p *parser) revocations() {
	for _, at := range p.signatures {
		if p.interrupted() {
			return
		}
		s, err := parse[*packet.Signature](at.packet)
		switch revokes := isRevocation(at.packet); {
		case revokes && err != nil:
			p.unparsed(at, err)
		case revokes:
			p.revocation(at, s)
		case err == nil && p.unread == nil:
			p.claim(at, s)
		}
	}
}

// unparsed refuses the keyring because of a revocation that cannot be parsed, unless the revocation names a key
// that is not in the keyring.
func (p *parser) unparsed(at signature, err error) {
	ids, named := issuers(at.packet.Contents)
	known := false
	for _, id := range ids {
		known = known || len(p.ids[id]) > 0
	}
	if known || !named {
		p.unreadable(at.entry, fmt.Sprintf("a revocation cannot be read: remove the key that it revokes: %v", err))
	}
}

// issuers returns the ids of the keys that a signature packet names as its signer, and reports whether it names
// any.
func issuers(content []byte) (ids []uint64, named bool) {
	if content[0] <= signatureV3 {
		const at, length = 7, 8
		if len(content) < at+length {
			return nil, false
		}
		return []uint64{binary.BigEndian.Uint64(content[at:])}, true
	}
	width := 2 // size of the length field of the subpackets
	if content[0] >= signatureV6 {
		width = 4
	}
	rest := content[min(len(content), 4):]
	for range 2 { // the hashed and the unhashed subpackets
		area, after, ok := cutArea(rest, width)
		if !ok {
			return ids, len(ids) > 0
		}
		ids = append(ids, issuersIn(area)...)
		rest = after
	}
	return ids, len(ids) > 0
}

// cutArea splits off a subpacket area, which starts with its length.
func cutArea(content []byte, width int) (area, rest []byte, ok bool) {
	if len(content) < width {
		return nil, nil, false
	}
	length := uint64(0)
	for _, b := range content[:width] {
		length = length<<8 | uint64(b)
	}
	content = content[width:]
	if length > uint64(len(content)) {
		return nil, nil, false
	}
	return content[:length], content[length:], true
}

func issuersIn(area []byte) (ids []uint64) {
	subpackets, err := packet.OpaqueSubpackets(area)
	if err != nil {
		return nil
	}
	const idLength, critical = 8, 0x80
	for _, s := range subpackets {
		c := s.Contents
		switch s.SubType &^ critical {
		case subpacketIssuer:
			if len(c) == idLength {
				ids = append(ids, binary.BigEndian.Uint64(c))
			}
		case subpacketIssuerFingerprint:
			if len(c) > idLength && c[0] <= signatureV4 {
				ids = append(ids, binary.BigEndian.Uint64(c[len(c)-idLength:]))
			} else if len(c) > idLength {
				ids = append(ids, binary.BigEndian.Uint64(c[1:]))
			}
		}
	}
	return ids
}

// revocation applies a revocation to the key that made it, wherever either of them appears in the keyring.
func (p *parser) revocation(at signature, s *packet.Signature) {
	if !p.isNew(at.packet, nil) {
		return
	}
	for _, c := range p.candidates(at, s) {
		if p.revoke(c, at, s) {
			return
		}
	}
	if !at.started {
		p.skip(at.entry, "a revocation is not by a key of this keyring: add the key that it revokes")
	}
}

// isNew reports whether the signature was not seen before.
func (p *parser) isNew(o *packet.OpaquePacket, about any) bool {
	key := signed{sha256.Sum256(o.Contents), about}
	_, seen := p.seen[key]
	p.seen[key] = struct{}{}
	return !seen
}

// candidates returns the certificates that may have made a revocation: those that it names, or all if it names
// none. The certificate before the revocation comes first.
func (p *parser) candidates(at signature, s *packet.Signature) []*certificate {
	if s.IssuerKeyId != nil {
		named := slices.Clone(p.ids[*s.IssuerKeyId])
		// The id is not signed, so it may differ from the fingerprint.
		if c := p.keys[fmt.Sprintf("%X", s.IssuerFingerprint)]; c != nil && !slices.Contains(named, c) {
			named = append(named, c)
		}
		return named
	}
	all := make([]*certificate, 0, len(p.keys))
	for _, id := range slices.Sorted(maps.Keys(p.keys)) {
		all = append(all, p.keys[id])
	}
	return first(at.certificate, all)
}

// revoke applies the revocation if the certificate made it, and reports whether it did.
func (p *parser) revoke(c *certificate, at signature, s *packet.Signature) bool {
	switch s.SigType {
	case packet.SigTypeKeyRevocation:
		// A revocation counts even if its hash is weak.
		if p.genuine(at, s, c.primary, func() error { return c.primary.VerifyRevocationSignature(s) }) {
			c.signers[0].revoked = true
			return true
		}
	case packet.SigTypeSubkeyRevocation:
		for _, subkey := range first(at.subkey, c.signers[1:]) {
			if p.genuine(at, s, c.primary, func() error { return verifyBinding(c.primary, subkey.key, c.primary, s) }) {
				subkey.revoked = true
				return true
			}
		}
	case packet.SigTypeCertificationRevocation:
		for _, user := range first(at.user, c.users) {
			if p.genuine(at, s, c.primary, func() error { return c.primary.VerifyUserIdSignature(user.id, c.primary, s) }) {
				user.revoked = latest(user.revoked, s.CreationTime)
				return true
			}
		}
	}
	return false
}

// first returns all elements, with the preferred one moved to the front.
func first[T comparable](preferred T, all []T) []T {
	ordered := make([]T, 0, len(all))
	for _, one := range all {
		if one == preferred {
			ordered = append(ordered, one)
		}
	}
	for _, one := range all {
		if one != preferred {
			ordered = append(ordered, one)
		}
	}
	return ordered
}

// genuine reports whether the key made the signature, by calling verify. It counts every call against
// maxVerified.
func (p *parser) genuine(at signature, s *packet.Signature, by *packet.PublicKey, verify func() error) (ok bool) {
	if s.PubKeyAlgo != by.PubKeyAlgo || !fits(s, by) || p.interrupted() {
		return false
	}
	if p.verified++; p.verified > maxVerified {
		p.unreadable("", tooManySignatures)
		return false
	}
	defer func() {
		// A signature that makes the library panic may be a revocation.
		if r := recover(); r != nil {
			p.unreadable(at.entry, fmt.Sprintf("a signature cannot be verified: %v", r))
			ok = false
		}
	}()
	return verify() == nil
}
