// SPDX-License-Identifier: Apache-2.0

package openpgptest

import (
	"bytes"
	"crypto"
	_ "crypto/sha1" // a test checks that it is refused
	"fmt"
	"strings"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"
)

// SignOption changes how a message is signed.
type SignOption func(*signSpec)

type signSpec struct {
	key    *packet.PrivateKey
	change []func(*packet.Signature)
}

// With signs with the key; the default is the primary key.
func With(key *packet.PrivateKey) SignOption { return func(s *signSpec) { s.key = key } }

// At signs at the time; the default is an hour after Created.
func At(t time.Time) SignOption {
	return Changed(func(s *packet.Signature) { s.CreationTime = t })
}

// Hashed signs with the hash.
func Hashed(h crypto.Hash) SignOption { return Changed(func(s *packet.Signature) { s.Hash = h }) }

// OfType makes a signature of the type; the default is a text signature.
func OfType(t packet.SignatureType) SignOption {
	return Changed(func(s *packet.Signature) { s.SigType = t })
}

// Expiring makes a signature with the lifetime.
func Expiring(d time.Duration) SignOption {
	return Changed(func(s *packet.Signature) { s.SigLifetimeSecs = seconds(d) })
}

// Changed changes the signature before signing.
func Changed(change func(*packet.Signature)) SignOption {
	return func(s *signSpec) { s.change = append(s.change, change) }
}

// Sign returns the text, clear-signed by the key.
func Sign(e *openpgp.Entity, text string, options ...SignOption) []byte {
	return Message(text, Signature(e, text, options...))
}

// Signature returns the signature packet of the clear-signed text.
func Signature(e *openpgp.Entity, text string, options ...SignOption) []byte {
	spec := signSpec{key: e.PrivateKey}
	for _, o := range options {
		o(&spec)
	}
	s := signature(spec.key, packet.SigTypeText, Created.Add(time.Hour))
	for _, change := range spec.change {
		change(s)
	}
	h, err := s.PrepareSign(config(s))
	must(err)
	h.Write(Canonical(text))
	must(s.Sign(h, spec.key, config(s)))
	var b bytes.Buffer
	must(s.Serialize(&b))
	return b.Bytes()
}

// Canonical returns the text in its signed form: without white space at the ends of its lines, which end in CR
// and LF.
func Canonical(text string) []byte {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = strings.TrimRight(line, " \t\r")
	}
	return []byte(strings.Join(lines, "\r\n"))
}

// Message returns the text in a clear-signed block with the signature packets.
func Message(text string, signatures ...[]byte) []byte {
	return Framed("Hash: "+hashName(signatures)+"\n", Escaped(text), signatures...)
}

// hashName returns the hash of the first readable signature: GnuPG verifies with no other.
func hashName(signatures [][]byte) string {
	for _, s := range signatures {
		if p, err := packet.Read(bytes.NewReader(s)); err == nil {
			if read, ok := p.(*packet.Signature); ok {
				return strings.Replace(read.Hash.String(), "SHA-", "SHA", 1)
			}
		}
	}
	return "SHA256"
}

// Escaped returns the text with an escape before each line that starts with a dash.
func Escaped(text string) string {
	return strings.TrimPrefix(strings.ReplaceAll("\n"+text, "\n-", "\n- -"), "\n")
}

// Framed returns a clear-signed block with the headers and the text unchanged.
func Framed(headers, text string, packets ...[]byte) []byte {
	return fmt.Appendf(nil, "-----BEGIN PGP SIGNED MESSAGE-----\n%s\n%s\n%s", headers, text, ArmoredSignature(packets...))
}

// ArmoredSignature returns the packets in an ASCII-armored signature block.
func ArmoredSignature(packets ...[]byte) []byte {
	var b bytes.Buffer
	w, err := armor.Encode(&b, openpgp.SignatureType, nil)
	must(err)
	_, err = w.Write(bytes.Join(packets, nil))
	must(err)
	must(w.Close())
	return append(b.Bytes(), '\n')
}
