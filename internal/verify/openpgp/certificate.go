// SPDX-License-Identifier: Apache-2.0

package openpgp

import (
	"fmt"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// A certificate is a primary key with what it says of itself and of its subkeys. Only what
// has been proven stands in it, so that nothing of it changes once a keyring is parsed.
type certificate struct {
	primary *packet.PublicKey
	direct  []statement
	users   []*user
	// signers are the primary key, first, and the subkeys that may be able to sign.
	signers []*signer
	// weak is why statements of this key about itself were not accepted.
	weak string
}

// A user is a user id.
type user struct {
	id      string
	says    []statement
	revoked time.Time // the newest revocation
}

// A signer is a primary key or a subkey.
type signer struct {
	certificate *certificate
	key         *packet.PublicKey
	// bindings are what binds a subkey to its primary key.
	bindings []statement
	revoked  bool
	// weak is why no signature of the key is accepted, unbound why a binding was not.
	weak, unbound string
}

// A statement is what one self-signature says of a key.
type statement struct {
	made, expires time.Time // expires is zero where it does not
	keyExpires    time.Time // likewise
	signs         bool      // the key is flagged for signing
	primaryUser   bool
	cross         *statement // the subkey's own signature, that it belongs to the primary key
	crossProblem  string     // why there is none
}

// state says that the statement is not one to rely on at a time; it is empty otherwise.
func (s *statement) state(now time.Time) string {
	switch {
	case s.made.After(now.Add(tolerance)):
		return "is from the future"
	case !s.expires.IsZero() && !now.Before(s.expires):
		return "has expired"
	}
	return ""
}

// stated reads what a proven signature about key says.
func stated(s *packet.Signature, key *packet.PublicKey) statement {
	return statement{
		made:        s.CreationTime,
		expires:     end(s.CreationTime, s.SigLifetimeSecs),
		keyExpires:  end(key.CreationTime, s.KeyLifetimeSecs),
		signs:       s.FlagsValid && s.FlagSign,
		primaryUser: s.IsPrimaryId != nil && *s.IsPrimaryId,
	}
}

// end is when something ends that lasts for some seconds, zero where that is for ever.
func end(from time.Time, seconds *uint32) time.Time {
	if seconds == nil || *seconds == 0 {
		return time.Time{}
	}
	return from.Add(time.Duration(*seconds) * time.Second)
}

func fingerprint(k *packet.PublicKey) string { return fmt.Sprintf("%X", k.Fingerprint) }

// user returns the user id by that text, which it adds where it is new.
func (c *certificate) user(id string) *user {
	for _, u := range c.users {
		if u.id == id {
			return u
		}
	}
	u := &user{id: id}
	c.users = append(c.users, u)
	return u
}

// subkey returns the subkey, which it adds where it is new.
func (c *certificate) subkey(key *packet.PublicKey) *signer {
	for _, s := range c.signers[1:] {
		if fingerprint(s.key) == fingerprint(key) {
			return s
		}
	}
	s := &signer{certificate: c, key: key, weak: weakKey(key)}
	if s.weak == "" && key.Version != c.primary.Version {
		s.weak = "it is of another version than its primary key"
	}
	c.signers = append(c.signers, s)
	return s
}

// usable says why the key can never verify anything; it is empty for one that may.
func (c *certificate) usable() string {
	vouched := len(c.direct) > 0
	for _, u := range c.users {
		vouched = vouched || c.primary.Version < versionWithDirect && len(u.says) > 0
	}
	switch {
	case !vouched && c.weak != "":
		return "no self-signature of the key is accepted: of one, " + c.weak
	case !vouched:
		return "the key has no valid self-signature"
	}
	return ""
}
