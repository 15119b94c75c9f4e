// SPDX-License-Identifier: Apache-2.0

package openpgp

import (
	"fmt"
	"time"
)

// A fault is why a key may not have signed; empty if it may.
type fault = string

// mayHaveSigned returns why a message that the key signed at the given time is not trusted now; empty if it is
// trusted.
func (s *signer) mayHaveSigned(at time.Time, o Options) fault {
	c := s.certificate
	primary, isPrimary := c.signers[0], s == c.signers[0]
	if p := primary.alive("primary key", c.properties(o.Now), at, o); p != "" {
		return p
	}
	if isPrimary {
		if signs := c.properties(o.Now)[0].signs; !signs {
			return "the primary key is not flagged for signing"
		}
		return ""
	}
	binding, p := s.binding(o.Now)
	if p != "" {
		return p
	}
	if p := s.alive("subkey", []statement{binding}, at, o); p != "" {
		return p
	}
	return binding.signing(o.Now)
}

// alive returns why the key, by the statements about it, was not valid when it signed, or is not valid now.
func (s *signer) alive(what string, says []statement, at time.Time, o Options) fault {
	switch {
	case s.revoked:
		return fmt.Sprintf("the %s is revoked", what)
	case len(says) == 0:
		return fmt.Sprintf("the %s has no self-signature that is valid now", what)
	case at.Before(s.key.CreationTime):
		return fmt.Sprintf("the signature is older than the %s", what)
	}
	for _, say := range says {
		if p := say.expired(what, at, o); p != "" {
			return p
		}
	}
	return ""
}

// expired returns why the key had expired when it signed, or has expired now unless the options allow that.
func (s *statement) expired(what string, at time.Time, o Options) fault {
	switch {
	case s.keyExpires.IsZero():
		return ""
	case !at.Before(s.keyExpires):
		return fmt.Sprintf("the %s had expired on %s, before it signed", what, s.keyExpires.UTC().Format(time.DateOnly))
	case !o.AllowExpiredKeys && !o.Now.Before(s.keyExpires):
		return fmt.Sprintf("the %s expired on %s", what, s.keyExpires.UTC().Format(time.DateOnly))
	}
	return ""
}

// signing returns why the binding does not make the subkey a signing key.
func (s *statement) signing(now time.Time) fault {
	switch {
	case !s.signs:
		return "the subkey is not flagged for signing"
	case s.cross == nil:
		return "the subkey's cross-signature " + s.crossProblem
	}
	if state := s.cross.state(now); state != "" {
		return "the subkey's cross-signature " + state
	}
	return ""
}

// binding returns the newest binding of a subkey. Only the newest counts.
func (s *signer) binding(now time.Time) (statement, fault) {
	binding, ok := newest(s.bindings, now)
	switch {
	case !ok && s.unbound != "":
		return statement{}, "the subkey's binding is not accepted: " + s.unbound
	case !ok:
		return statement{}, "the subkey is not bound to its primary key by a valid signature"
	}
	if state := binding.state(now); state != "" {
		return statement{}, "the subkey's binding " + state
	}
	return binding, ""
}

// newest returns the newest statement that is not from the future.
func newest(all []statement, now time.Time) (best statement, ok bool) {
	for _, s := range all {
		if s.made.After(now.Add(tolerance)) {
			continue
		}
		if !ok || s.made.After(best.made) {
			best, ok = s, true
		}
	}
	return best, ok
}

// properties returns the statements that decide the lifetime of the primary key. The first one also states what
// the key may be used for. There are none if no statement is valid now.
func (c *certificate) properties(now time.Time) []statement {
	direct, hasDirect := valid(c.direct, now)
	if c.primary.Version >= versionWithDirect {
		if !hasDirect {
			return nil
		}
		return []statement{direct}
	}
	_, says, ok := c.primaryUser(now)
	switch {
	case ok && hasDirect:
		return []statement{says, direct}
	case ok:
		return []statement{says}
	case hasDirect:
		return []statement{direct}
	}
	return nil
}

// primaryUser returns the user id that is flagged as the primary one, or else the newest, and its statement
// about the key. Revoked user ids do not count.
func (c *certificate) primaryUser(now time.Time) (id string, best statement, ok bool) {
	for _, u := range c.users {
		says, has := valid(u.says, now)
		if !has || u.isRevoked(says) {
			continue
		}
		if !ok || says.before(best) {
			id, best, ok = u.id, says, true
		}
	}
	return id, best, ok
}

// before reports whether the user id of s takes precedence over that of t as the primary one.
func (s *statement) before(t statement) bool {
	if s.primaryUser != t.primaryUser {
		return s.primaryUser
	}
	return s.made.After(t.made)
}

// isRevoked reports whether the user id was revoked and has not been certified again since.
func (u *user) isRevoked(says statement) bool {
	return !u.revoked.IsZero() && !says.made.After(u.revoked)
}

// valid returns the newest statement, and reports whether it is valid now.
func valid(all []statement, now time.Time) (statement, bool) {
	s, ok := newest(all, now)
	return s, ok && s.state(now) == ""
}
