// SPDX-License-Identifier: Apache-2.0

package openpgp

import (
	"bytes"
	"crypto"
	"fmt"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// A certificate is a primary key, and its proven statements about itself and its subkeys. Unproven statements
// are left out, so a certificate does not change after the keyring is parsed.
type certificate struct {
	primary *packet.PublicKey
	// entry names the entry of the key. The key is public if it is in an entry whose keys may be used;
	// otherwise only its revocation counts.
	entry  string
	public bool
	direct []statement
	users  []*user
	// signers holds the primary key first, and then the subkeys that may be able to sign.
	signers []*signer
	// weak is why self-signatures of this key were not accepted; weakHash is the hash if that is why.
	weak     string
	weakHash crypto.Hash
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
	// bindings are the signatures that bind a subkey to its primary key.
	bindings []statement
	revoked  bool
	// weak is why no signature of the key is accepted, unbound is why a binding was not accepted.
	weak, unbound string
}

// A statement is the content of one self-signature of a key.
type statement struct {
	made, expires time.Time // expires is zero if the statement never expires
	keyExpires    time.Time // zero if the key never expires
	signs         bool      // the key is flagged for signing
	primaryUser   bool
	cross         *statement // the subkey's own signature that it belongs to the primary key
	crossProblem  string     // why cross is nil
}

// state returns why the statement is not valid at a time; empty if it is valid.
func (s *statement) state(now time.Time) string {
	switch {
	case s.made.After(now.Add(tolerance)):
		return "is from the future"
	case !s.expires.IsZero() && !now.Before(s.expires):
		return "has expired"
	}
	return ""
}

// stated reads the statement in a proven signature about key.
func stated(s *packet.Signature, key *packet.PublicKey) statement {
	return statement{
		made:        s.CreationTime,
		expires:     end(s.CreationTime, s.SigLifetimeSecs),
		keyExpires:  end(key.CreationTime, s.KeyLifetimeSecs),
		signs:       s.FlagsValid && s.FlagSign,
		primaryUser: s.IsPrimaryId != nil && *s.IsPrimaryId,
	}
}

// end returns the time at which a lifetime in seconds ends; zero if it never ends.
func end(from time.Time, seconds *uint32) time.Time {
	if seconds == nil || *seconds == 0 {
		return time.Time{}
	}
	return from.Add(time.Duration(*seconds) * time.Second)
}

func fingerprint(k *packet.PublicKey) string { return fmt.Sprintf("%X", k.Fingerprint) }

// user returns the user id with that text, or nil.
func (c *certificate) user(id string) *user {
	for _, u := range c.users {
		if u.id == id {
			return u
		}
	}
	return nil
}

func (c *certificate) addUser(id string) *user {
	u := &user{id: id}
	c.users = append(c.users, u)
	return u
}

func (c *certificate) subkey(key *packet.PublicKey) *signer {
	for _, s := range c.signers[1:] {
		if bytes.Equal(s.key.Fingerprint, key.Fingerprint) {
			return s
		}
	}
	return nil
}

func (c *certificate) addSubkey(key *packet.PublicKey) *signer {
	s := &signer{certificate: c, key: key, weak: weakKey(key)}
	if s.weak == "" && key.Version != c.primary.Version {
		s.weak = "is of another version than its primary key"
	}
	c.signers = append(c.signers, s)
	return s
}

// usable returns why the key can never verify anything, as a clause about the key, and the fix; both are empty if
// it can.
func (c *certificate) usable() (fault, fix string) {
	selfSigned := len(c.direct) > 0
	for _, u := range c.users {
		selfSigned = selfSigned || c.primary.Version < versionWithDirect && len(u.says) > 0
	}
	switch {
	case selfSigned:
		return "", ""
	case c.weakHash != 0:
		return fmt.Sprintf("is self-signed with %s", c.weakHash),
			fmt.Sprintf("its owner renews it with gpg --cert-digest-algo SHA512 --quick-set-expire %s 2y, and exports it again", fingerprint(c.primary))
	case c.weak != "":
		return "has no accepted self-signature", c.weak
	case c.primary.Version >= versionWithDirect:
		return "has no valid direct-key signature", "ask its owner for it (gpg --export)"
	case len(c.users) == 0:
		return "has no user id", "some keyservers remove user ids, so ask its owner for it (gpg --export)"
	}
	return "has no valid self-signature", "ask its owner for it (gpg --export)"
}
