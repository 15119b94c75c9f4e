// SPDX-License-Identifier: Apache-2.0

package openpgp

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/ProtonMail/go-crypto/openpgp/packet"

	"github.com/verifiedchart/verifiedchart/internal/printable"
)

// Verify verifies a clear-signed message, and returns its signed text and the signature. The text has line
// feeds as line ends, no white space at the ends of lines, and no last line end (RFC 9580, section 7). One
// valid signature among several suffices; if several are valid, Verify returns the first.
//
// Every error matches ErrUntrusted.
func (k *Keyring) Verify(message []byte, o Options) ([]byte, Signature, error) {
	text, signatures, err := k.VerifyAll(message, o)
	if err != nil {
		return nil, Signature{}, err
	}
	return text, signatures[0], nil
}

// VerifyAll is like Verify, but returns every valid signature, one for each primary key, in the order of the
// message. If the error is nil, there is at least one.
func (k *Keyring) VerifyAll(message []byte, o Options) (text []byte, all []Signature, err error) {
	defer func() {
		// A message that makes the library panic is not trusted.
		if r := recover(); r != nil {
			text, all, err = nil, nil, untrusted("the message cannot be read: %s", printable.String(fmt.Sprint(r), maxReason))
		}
	}()
	if len(message) > MaxMessage {
		return nil, nil, untrusted("the message is longer than %d bytes", MaxMessage)
	}
	b, err := readBlock(message)
	if err != nil {
		return nil, nil, err
	}
	if all, err = k.verifyBlock(b, o); err != nil {
		return nil, nil, err
	}
	return b.text, all, nil
}

// verifyBlock returns the valid signatures of the block. If there is none, the error describes the signature
// that passed the most checks, because anybody may have added the others.
func (k *Keyring) verifyBlock(b *block, o Options) ([]Signature, error) {
	signatures, err := signaturesOf(b)
	if err != nil {
		return nil, err
	}
	var closest verdict
	var good []Signature
	for _, p := range signatures {
		v := k.consider(p, b, o)
		if v.reason == "" && !slices.ContainsFunc(good, func(s Signature) bool { return s.Primary == v.signature.Primary }) {
			good = append(good, v.signature)
		}
		if v.step > closest.step {
			closest = v
		}
	}
	switch {
	case len(good) > 0:
		return good, nil
	case closest.unknown != "":
		return nil, &UnknownSignerError{Fingerprint: closest.unknown}
	}
	return nil, untrusted("%s", closest.reason)
}

// signaturesOf returns the signature packets of the block. It requires at least one, and refuses packets of any
// other kind.
func signaturesOf(b *block) ([]*packet.OpaquePacket, error) {
	binary, err := b.signature()
	if err != nil {
		return nil, err
	}
	var signatures []*packet.OpaquePacket
	for r := packet.NewOpaqueReader(bytes.NewReader(binary)); ; {
		p, err := r.Next()
		switch {
		case errors.Is(err, io.EOF) && p == nil && len(signatures) > 0:
			return signatures, nil
		case err != nil:
			return nil, untrusted("the signature is malformed")
		case p.Tag != tagSignature:
			return nil, untrusted("the signature block holds packets that are not signatures")
		case len(signatures) == maxSignatures:
			return nil, untrusted("there are more than %d signatures", maxSignatures)
		}
		signatures = append(signatures, p)
	}
}

// Steps count the checks that a signature passed. The verdict with the highest step is reported.
const (
	stepRead = iota + 1
	stepKnown
	stepProven
)

// A verdict is a valid signature, or the reason why a signature is not valid.
type verdict struct {
	signature Signature
	reason    string
	// unknown names the key of the signature if the keyring does not hold that key.
	unknown string
	step    int
}

func refuse(step int, format string, args ...any) verdict {
	return verdict{step: step, reason: fmt.Sprintf(format, args...)}
}

func unknown(by string) verdict {
	if by == "" {
		return refuse(stepRead, "the signature does not name its key")
	}
	return verdict{step: stepRead, reason: "the keyring does not hold the key", unknown: by}
}

func (k *Keyring) consider(o *packet.OpaquePacket, b *block, opts Options) verdict {
	s, err := parse[*packet.Signature](o)
	if err != nil {
		return refuse(stepRead, "the signature is broken, or of an algorithm or version that is not known")
	}
	if s.SigType != packet.SigTypeBinary && s.SigType != packet.SigTypeText {
		return refuse(stepRead, "it is a signature of type 0x%02X, not one of a document", uint8(s.SigType))
	}
	signers := k.signersOf(s)
	if len(signers) == 0 {
		return unknown(issuer(s))
	}
	// Key ids can be made to collide, so try every key with the id.
	closest := verdict{}
	for _, by := range signers {
		v := by.consider(s, b, opts)
		if v.reason == "" || v.step > closest.step {
			closest = v
		}
		if v.reason == "" {
			break
		}
	}
	return closest
}

// signersOf returns the keys that the signature names as its signer.
func (k *Keyring) signersOf(s *packet.Signature) (by []*signer) {
	if s.IssuerKeyId == nil {
		return nil
	}
	for _, candidate := range k.signers[*s.IssuerKeyId] {
		if s.CheckKeyIdOrFingerprint(candidate.key) {
			by = append(by, candidate)
		}
	}
	return by
}

// issuer returns the fingerprint, or else the id, of the key that the signature names; empty if it names none.
func issuer(s *packet.Signature) string {
	switch {
	case len(s.IssuerFingerprint) > 0:
		return fmt.Sprintf("%X", s.IssuerFingerprint)
	case s.IssuerKeyId != nil:
		return fmt.Sprintf("%016X", *s.IssuerKeyId)
	}
	return ""
}

// consider verifies a signature that names the key.
func (s *signer) consider(sig *packet.Signature, b *block, o Options) verdict {
	id := fingerprint(s.key)
	if weak := weakSignature(sig, s.key.Version); weak != "" {
		return refuse(stepKnown, "the signature by key %s is not accepted: %s", id, weak)
	}
	if s.weak != "" {
		return refuse(stepKnown, "key %s %s", id, s.weak)
	}
	if !s.signed(b, sig) {
		return refuse(stepKnown, "the signature by key %s does not match the message", id)
	}
	if reason := timely(sig, o); reason != "" {
		return refuse(stepProven, "the signature by key %s %s", id, reason)
	}
	if reason := s.mayHaveSigned(sig.CreationTime, o); reason != "" {
		return refuse(stepProven, "key %s signed, but %s", id, reason)
	}
	user, _, _ := s.certificate.primaryUser(o.Now)
	return verdict{signature: Signature{
		Primary: fingerprint(s.certificate.primary),
		Signing: id,
		UserID:  printable.String(user, maxUserID),
		Time:    sig.CreationTime.UTC(),
		Ends:    s.ends(sig, o),
	}}
}

func (s *signer) signed(b *block, sig *packet.Signature) bool {
	// The text already has canonical line ends, for every type of signature.
	h, err := sig.PrepareVerify()
	if err != nil {
		return false
	}
	b.writeTo(h)
	return s.key.VerifySignature(h, sig) == nil
}

// timely returns why the signature itself is not valid now; empty if it is.
func timely(sig *packet.Signature, o Options) string {
	s := statement{made: sig.CreationTime, expires: end(sig.CreationTime, sig.SigLifetimeSecs)}
	return s.state(o.Now)
}
