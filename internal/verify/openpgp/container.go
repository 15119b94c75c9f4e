// SPDX-License-Identifier: Apache-2.0

package openpgp

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// Packet types (RFC 9580, section 5).
const (
	tagSignature    = 2
	tagSecretKey    = 5
	tagPublicKey    = 6
	tagSecretSubkey = 7
	tagCompressed   = 8
	tagEncrypted    = 9
	tagUserID       = 13
	tagPublicSubkey = 14
	tagAttribute    = 17
	tagEncryptedV1  = 18
	tagEncryptedV2  = 20
)

// maxPackets bounds the packets of an entry, and of a whole keyring: a packet costs far more than its size
// suggests.
const maxPackets = 20_000

const privateKey = "it holds a private key: replace the key pair, which every reader of the Secret has, " +
	"and store only the new public key (gpg --export)"

// An opener splits one entry of a keyring into packets, whichever format it has.
type opener struct {
	// interrupted reports whether to stop.
	interrupted func() bool
	runs        []run
	count       int  // the number of packets
	private     bool // the entry holds a private key
	// skipped lists reasons why parts are not used, unread lists reasons why the entry was not read to its end.
	skipped, unread []string
}

// A run is a sequence of packets.
type run struct {
	packets []*packet.OpaquePacket
	keys    bool // the keys in the run may be used, not only the revocations
}

func (o *opener) skip(format string, args ...any) {
	o.skipped = append(o.skipped, fmt.Sprintf(format, args...))
}

func (o *opener) unreadable(format string, args ...any) {
	if len(o.unread) < maxSkipped {
		o.unread = append(o.unread, fmt.Sprintf(format, args...))
	}
}

// open reads the content of an entry.
func (o *opener) open(content []byte) {
	switch {
	case len(bytes.TrimSpace(content)) == 0:
		o.skip("it is empty")
	case isKeybox(content):
		o.keybox(content)
	case content[0]&0x80 != 0 && !utf8.Valid(content):
		if !o.packets(content, true) {
			if at := bytes.Index(content, armorBegin); at >= 0 {
				o.armored(content[at:])
			}
		}
	default:
		o.textual(content)
	}
}

// textual reads an entry that is not binary.
func (o *opener) textual(content []byte) {
	o.armored(content)
	if len(o.runs) > 0 || len(o.unread) > 0 {
		return
	}
	if o.isEncoded(content) {
		o.unreadable("it is a keyring in Base64: decode it first (base64 --decode)")
		return
	}
	o.skip("it is no OpenPGP keyring: neither binary nor ASCII-armored nor a GnuPG keybox")
}

// isEncoded reports whether the text is a keyring that was encoded once too often.
func (o *opener) isEncoded(content []byte) bool {
	text := bytes.TrimRight(bytes.Join(bytes.Fields(content), nil), "=")
	binary, err := base64.RawStdEncoding.DecodeString(string(text))
	if err != nil || len(binary) == 0 {
		return false
	}
	inner := opener{interrupted: o.interrupted}
	return isKeybox(binary) || bytes.Contains(binary, armorBegin) || inner.packets(binary, false)
}

// packets splits a binary keyring into its packets, as far as it can be read, and reports whether it reached
// the end.
func (o *opener) packets(binary []byte, keys bool) bool {
	var all []*packet.OpaquePacket
	problem := ""
	content := bytes.NewReader(binary)
	for r := packet.NewOpaqueReader(content); !o.interrupted(); {
		endless := isEndless(binary[len(binary)-content.Len():])
		p, err := r.Next()
		if errors.Is(err, io.EOF) && p == nil {
			break
		}
		if problem = o.problem(p, err, endless); problem != "" {
			o.unreadable("%s", problem)
			break
		}
		o.count++
		o.private = o.private || p.Tag == tagSecretKey || p.Tag == tagSecretSubkey
		all = append(all, p)
	}
	o.runs = append(o.runs, run{packets: all, keys: keys})
	return problem == ""
}

// isEndless reports whether the packet that starts here extends to the end of the keyring, which would hide the
// packets after it.
func isEndless(header []byte) bool { return len(header) > 0 && header[0]&0xc3 == 0x83 }

// problem returns why the packet, and all data after it, cannot be read; empty if it can.
func (o *opener) problem(p *packet.OpaquePacket, err error, endless bool) string {
	switch {
	case err != nil || endless:
		if p != nil && (p.Tag == tagSecretKey || p.Tag == tagSecretSubkey) {
			o.private = true
		}
		return fmt.Sprintf("packet %d is broken: export the keys again (gpg --export)", o.count+1)
	case o.count == maxPackets:
		return tooManyPackets
	}
	switch p.Tag {
	case tagCompressed, tagEncrypted, tagEncryptedV1, tagEncryptedV2:
		return fmt.Sprintf("packet %d is compressed or encrypted: export the keys as they are (gpg --export)", o.count+1)
	}
	return ""
}
