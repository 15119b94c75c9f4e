// SPDX-License-Identifier: Apache-2.0

package openpgptest

import (
	"crypto"
	_ "crypto/md5" // a test checks that it is refused
	"crypto/rsa"
	"crypto/sha256"
	"encoding/binary"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"
)

// hashIDs are the ids of the hashes that the library does not sign with (RFC 9580, section 9.5).
var hashIDs = map[crypto.Hash]byte{crypto.MD5: 1, crypto.SHA1: 2, crypto.SHA256: 8}

// RawSignature returns a version 4 signature over the clear-signed text, by an RSA key, with any hash that RSA
// supports. It assembles the packet itself.
func RawSignature(e *openpgp.Entity, text string, hash crypto.Hash, at time.Time) []byte {
	body := []byte{4, byte(packet.SigTypeText), byte(packet.PubKeyAlgoRSA), hashIDs[hash]}
	subpackets := binary.BigEndian.AppendUint32([]byte{5, 2}, uint32(at.Unix()))
	subpackets = binary.BigEndian.AppendUint64(append(subpackets, 9, 16), e.PrimaryKey.KeyId)
	body = append(binary.BigEndian.AppendUint16(body, uint16(len(subpackets))), subpackets...)

	h := hash.New()
	h.Write(Canonical(text))
	h.Write(body)
	h.Write(binary.BigEndian.AppendUint32([]byte{4, 0xff}, uint32(len(body))))
	digest := h.Sum(nil)
	signed, err := rsa.SignPKCS1v15(nil, e.PrivateKey.PrivateKey.(*rsa.PrivateKey), hash, digest)
	must(err)

	body = append(body, 0, 0, digest[0], digest[1])
	body = append(binary.BigEndian.AppendUint16(body, uint16(8*len(signed))), signed...)
	return Packet(2, body)
}

// Packet returns a packet with any content.
func Packet(tag byte, content []byte) []byte {
	p := binary.BigEndian.AppendUint32([]byte{0xc0 | tag, 0xff}, uint32(len(content)))
	return append(p, content...)
}

// Garbage returns meaningless bytes that depend only on the seed.
func Garbage(seed string, length int) []byte {
	var b []byte
	for sum := sha256.Sum256([]byte(seed)); len(b) < length; sum = sha256.Sum256(sum[:]) {
		b = append(b, sum[:]...)
	}
	return b[:length]
}
