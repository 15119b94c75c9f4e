// SPDX-License-Identifier: Apache-2.0

package openpgp

import (
	"context"
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"

	"github.com/ProtonMail/go-crypto/openpgp/packet"

	"github.com/verifiedchart/verifiedchart/internal/printable"
)

// A parser collects the certificates of all entries. It works in three steps, so that the order of the packets
// does not matter for revocations:
//
//	read        the entries → the keys, and the signatures with their locations
//	revocations the revocations, by any key of the keyring
//	statements  the statements of the keys about themselves, if the keyring was read to its end
type parser struct {
	ctx     context.Context
	stopped error // the error of ctx
	unread  error // the keyring cannot be read to its end

	keys    map[string]*certificate
	ids     map[uint64][]*certificate
	packets int // the number of packets
	parts   int // the number of user ids and subkeys

	signatures []signature
	seen       map[signed]struct{}
	claims     []claim
	verified   int // the number of verified signatures

	skipped []Skipped
	more    int // the number of skipped keys and entries that are not listed
}

// A location is the position of a packet in the keyring.
type location struct {
	entry   string
	keys    bool // the keys at this location may be used, not only the revocations
	started bool // a primary key precedes the packet
	// certificate belongs to the primary key; nil if the key is not used.
	certificate *certificate
	// user or subkey is set if the packet follows a user id or a subkey. Both are nil if it follows the primary
	// key itself, or a packet that is skipped.
	user   *user
	subkey *signer
}

// A signature is a signature packet that is not parsed yet.
type signature struct {
	location
	packet *packet.OpaquePacket
}

// signed identifies a signature.
type signed struct {
	content [sha256.Size]byte
	about   any
}

func newParser(ctx context.Context) *parser {
	return &parser{
		ctx: ctx, keys: map[string]*certificate{}, ids: map[uint64][]*certificate{}, seen: map[signed]struct{}{},
	}
}

// interrupted reports whether ctx has ended.
func (p *parser) interrupted() bool {
	if p.stopped == nil {
		p.stopped = p.ctx.Err()
	}
	return p.stopped != nil
}

func (p *parser) skip(entry, format string, args ...any) {
	if len(p.skipped) == maxSkipped {
		p.more++
		return
	}
	p.skipped = append(p.skipped, Skipped{
		Entry:  printable.String(entry, maxEntry),
		Reason: printable.String(fmt.Sprintf(format, args...), maxReason),
	})
}

// read reads the keys of an entry, and collects its signatures with their locations.
func (p *parser) read(entry string, content []byte) {
	o := opener{interrupted: p.interrupted}
	o.open(content)
	if o.private {
		o.skipped = []string{privateKey}
	}
	for _, reason := range o.skipped {
		p.skip(entry, "%s", reason)
	}
	for _, reason := range o.unread {
		p.unreadable(entry, reason)
	}
	if p.packets += o.count; p.packets > maxPackets {
		p.unreadable("", tooManyPackets)
	}
	for _, r := range o.runs {
		p.run(r.packets, location{entry: entry, keys: r.keys && !o.private})
	}
}

func (p *parser) run(packets []*packet.OpaquePacket, at location) {
	strays := 0
	for _, o := range packets {
		if p.interrupted() {
			return
		}
		switch o.Tag {
		case tagSignature:
			p.sign(o, at)
		default:
			p.turn(o, &at)
		}
		if !at.started && !isRevocation(o) {
			strays++
		}
	}
	if strays > 0 {
		p.skip(at.entry, "%d packets belong to no key", strays)
	}
}

// sign keeps a signature for later. If the keyring is already refused, only revocations matter.
func (p *parser) sign(o *packet.OpaquePacket, at location) {
	if p.unread == nil || isRevocation(o) {
		p.signatures = append(p.signatures, signature{at, o})
	}
}

// turn updates the location to the key, user id or subkey that the next signatures are about.
func (p *parser) turn(o *packet.OpaquePacket, at *location) {
	switch o.Tag {
	case tagPublicKey, tagSecretKey:
		*at = location{entry: at.entry, keys: at.keys, started: true}
		at.certificate = p.certificate(o, at)
	case tagUserID, tagPublicSubkey, tagSecretSubkey, tagAttribute:
		at.user, at.subkey = nil, nil
		if at.certificate != nil {
			p.part(o, at)
		}
	}
}

// certificate returns the certificate of the primary key in the packet, or nil if the key is not used. A
// private key packet starts with the public key.
func (p *parser) certificate(o *packet.OpaquePacket, at *location) *certificate {
	primary, err := publicKey(o, tagPublicKey)
	if err != nil {
		p.skip(at.entry, "a key is broken, or of an algorithm or version that is not known: %v", err)
		return nil
	}
	id := fingerprint(primary)
	c := p.keys[id]
	if c == nil {
		if weak := weakKey(primary); weak != "" {
			p.skip(at.entry, "key %s %s: %s", id, weak, acceptedKeys)
			return nil
		}
		c = &certificate{primary: primary, entry: at.entry}
		c.signers = []*signer{{certificate: c, key: primary}}
		p.keys[id] = c
		p.ids[primary.KeyId] = append(p.ids[primary.KeyId], c)
	}
	if at.keys && !c.public {
		c.public, c.entry = true, at.entry
	}
	return c
}

// part updates the location to a user id or a subkey, and adds it to the certificate if it is new.
func (p *parser) part(o *packet.OpaquePacket, at *location) {
	c := at.certificate
	switch o.Tag {
	case tagUserID:
		if at.user = c.user(string(o.Contents)); at.user == nil && p.hasRoom() {
			at.user = c.addUser(string(o.Contents))
		}
	case tagPublicSubkey, tagSecretSubkey:
		key, err := publicKey(o, tagPublicSubkey)
		if err != nil {
			return
		}
		if at.subkey = c.subkey(key); at.subkey == nil && p.hasRoom() {
			at.subkey = c.addSubkey(key)
		}
	}
}

// hasRoom counts one more user id or subkey, and reports whether it may be kept.
func (p *parser) hasRoom() bool {
	if p.parts++; p.parts > maxParts {
		p.unreadable("", tooManyParts)
		return false
	}
	return true
}

// publicKey parses the public part of a key packet.
func publicKey(o *packet.OpaquePacket, tag uint8) (*packet.PublicKey, error) {
	return parse[*packet.PublicKey](&packet.OpaquePacket{Tag: tag, Contents: o.Contents})
}

// parse parses a packet. If the library panics on one packet, the others are still read.
func parse[T packet.Packet](o *packet.OpaquePacket) (t T, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("it cannot be parsed: %v", r)
		}
	}()
	p, err := o.Parse()
	if err != nil {
		return t, err
	}
	t, ok := p.(T)
	if !ok {
		return t, fmt.Errorf("it is a packet of another type, %T", p)
	}
	return t, nil
}

// keyring returns the parsed keyring, with ErrUnreadable or ErrKeyring if it is not usable.
func (p *parser) keyring() (*Keyring, error) {
	k := &Keyring{revoked: p.revoked()}
	if p.unread == nil {
		p.finishKey()
	}
	if p.more > 0 {
		p.skipped[maxSkipped-1].Reason = fmt.Sprintf("%d more keys and entries are not used", p.more+1)
	}
	k.skipped = p.skipped
	switch {
	case p.unread != nil:
		return k, p.unread
	case len(p.keys) == 0:
		return k, noKey(p.skipped)
	}
	k.hold(p.keys)
	return k, nil
}

// revoked returns the fingerprints of all revoked keys.
func (p *parser) revoked() (revoked []string) {
	for _, c := range p.keys {
		for _, s := range c.signers {
			if s.revoked {
				revoked = append(revoked, fingerprint(s.key))
			}
		}
	}
	slices.Sort(revoked)
	return slices.Compact(revoked)
}

// finishKey drops the keys that can never verify anything.
func (p *parser) finishKey() {
	for _, id := range slices.Sorted(maps.Keys(p.keys)) {
		c := p.keys[id]
		fault, fix := c.usable()
		if c.public && fault == "" {
			continue
		}
		delete(p.keys, id)
		if c.public {
			p.skip(c.entry, "key %s %s: %s", id, fault, fix)
		}
	}
}
