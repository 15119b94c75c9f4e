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

// A parser collects the certificates of all entries. It works in three steps, so that no
// revocation depends on where it stands:
//
//	read        the entries → the keys, and the signatures with their places
//	revocations the revocations, by any key of the keyring
//	statements  what the keys say of themselves, if the keyring was read to its end
type parser struct {
	ctx     context.Context
	stopped error // the error of ctx
	unread  error // the keyring cannot be read to its end

	keys    map[string]*certificate
	ids     map[uint64][]*certificate
	packets int // how many there are
	parts   int // how many user ids and subkeys there are

	signatures []signature
	seen       map[signed]struct{}
	claims     []claim
	verified   int // how many signatures were verified

	skipped []Skipped
	more    int // how many were skipped beyond what is listed
}

// A place is where a packet stands.
type place struct {
	entry   string
	keys    bool // the keys here may be used, and not only the revocations
	started bool // there is a primary key before it
	// certificate is that of the primary key; nil if it is not one to use.
	certificate *certificate
	// The user id or the subkey that the packet follows; both are nil if it follows the primary
	// key itself, or something that is passed over.
	user   *user
	subkey *signer
}

// A signature is a signature packet that was not parsed yet.
type signature struct {
	place
	packet *packet.OpaquePacket
}

// signed tells signatures apart.
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

// read reads the keys of an entry, and where its signatures stand.
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
		p.run(r.packets, place{entry: entry, keys: r.keys && !o.private})
	}
}

func (p *parser) run(packets []*packet.OpaquePacket, at place) {
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

// sign keeps a signature for later. In a keyring that is refused only revocations matter.
func (p *parser) sign(o *packet.OpaquePacket, at place) {
	if p.unread == nil || isRevocation(o) {
		p.signatures = append(p.signatures, signature{at, o})
	}
}

// turn turns to what the next signatures are about.
func (p *parser) turn(o *packet.OpaquePacket, at *place) {
	switch o.Tag {
	case tagPublicKey, tagSecretKey:
		*at = place{entry: at.entry, keys: at.keys, started: true}
		at.certificate = p.certificate(o, at)
	case tagUserID, tagPublicSubkey, tagSecretSubkey, tagAttribute:
		at.user, at.subkey = nil, nil
		if at.certificate != nil {
			p.part(o, at)
		}
	}
}

// certificate returns the certificate of the primary key in the packet, or nil if the key is
// not one to use. A private key begins like the public one.
func (p *parser) certificate(o *packet.OpaquePacket, at *place) *certificate {
	primary, err := publicKey(o, tagPublicKey)
	if err != nil {
		p.skip(at.entry, "a key is broken, or of an algorithm or version that is not known: %v", err)
		return nil
	}
	id := fingerprint(primary)
	c := p.keys[id]
	if c == nil {
		if weak := weakKey(primary); weak != "" {
			p.skip(at.entry, "key %s is not accepted, because %s", id, weak)
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

// part turns to a user id or a subkey, which it adds if it is new.
func (p *parser) part(o *packet.OpaquePacket, at *place) {
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

// parse parses a packet. A library that panics on one packet must not take the others along.
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

// keyring returns the keyring that was parsed, and ErrUnreadable or ErrKeyring if it is none to use.
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

// revoked returns the fingerprints of all keys that are revoked.
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
		problem := c.usable()
		if c.public && problem == "" {
			continue
		}
		delete(p.keys, id)
		if c.public {
			p.skip(c.entry, "key %s is not used, because %s", id, problem)
		}
	}
}
