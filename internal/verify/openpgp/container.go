// SPDX-License-Identifier: Apache-2.0

package openpgp

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"
)

// Packet types (RFC 9580, section 5).
const (
	tagSignature    = 2
	tagSecretKey    = 5
	tagPublicKey    = 6
	tagSecretSubkey = 7
	tagUserID       = 13
	tagPublicSubkey = 14
	tagAttribute    = 17
)

// maxPackets bounds the packets of a keyring, each of which costs far more than its bytes:
// a signature has to be verified.
const maxPackets = 20_000

var (
	armorBegin = []byte("-----BEGIN PGP ")
	armorEnd   = []byte("-----END PGP ")
	// armorPrivate starts a private key, whether or not its block can be read.
	armorPrivate = []byte("-----BEGIN " + openpgp.PrivateKeyType)

	errPrivate = errors.New("it holds a private key, which whoever can read the keyring can use: " +
		"replace that key pair, and put only the new public key here (gpg --export)")
)

// unpack returns the runs of packets that an entry holds, in whichever form, and what of it
// cannot be read. It is errPrivate, and nothing else, where there is a private key anywhere.
// The packets are taken off what is left of them.
func unpack(content []byte, left *int) ([][]*packet.OpaquePacket, []error) {
	binaries, problems := dearmor(content)
	var runs [][]*packet.OpaquePacket
	for _, b := range binaries {
		run, err := packets(b, left)
		if err != nil {
			problems = append(problems, err)
		}
		runs = append(runs, run)
	}
	if slices.Contains(problems, errPrivate) {
		return nil, []error{errPrivate}
	}
	return runs, problems
}

// dearmor returns the binary keyrings in content.
func dearmor(content []byte) ([][]byte, []error) {
	switch {
	case len(bytes.TrimSpace(content)) == 0:
		return nil, []error{errors.New("it is empty")}
	case isKeybox(content):
		return keyboxBlobs(content)
	case content[0]&0x80 != 0 && !bytes.HasPrefix(content, []byte("\xef\xbb\xbf")):
		return [][]byte{content}, nil
	case bytes.Contains(content, armorPrivate):
		return nil, []error{errPrivate}
	case !bytes.Contains(content, armorBegin):
		return nil, []error{errors.New("it is no OpenPGP keyring: neither binary nor ASCII-armored nor a GnuPG keybox")}
	}
	return armoredBlocks(content)
}

func armoredBlocks(content []byte) (binaries [][]byte, problems []error) {
	for {
		begin := bytes.Index(content, armorBegin)
		if begin < 0 {
			return binaries, problems
		}
		content = content[begin:]
		length := blockLength(content)
		binary, err := armoredBlock(content[:length])
		if err != nil {
			problems = append(problems, err)
		} else {
			binaries = append(binaries, binary)
		}
		content = content[length:]
	}
}

// blockLength is the length of the armored block at the start of content, up to the next
// one or the end where it has no end of its own.
func blockLength(content []byte) int {
	length := len(content)
	if next := bytes.Index(content[len(armorBegin):], armorBegin); next >= 0 {
		length = len(armorBegin) + next
	}
	end := bytes.Index(content[:length], armorEnd)
	if end < 0 {
		return length
	}
	if line := bytes.IndexByte(content[end:length], '\n'); line >= 0 {
		return end + line + 1
	}
	return length
}

func armoredBlock(content []byte) ([]byte, error) {
	block, err := armor.Decode(bytes.NewReader(content))
	if err != nil {
		return nil, errors.New("an ASCII-armored block is broken")
	}
	if block.Type != openpgp.PublicKeyType {
		return nil, fmt.Errorf("an ASCII-armored block holds no keys: it is a %s", block.Type)
	}
	binary, err := io.ReadAll(block.Body)
	if err != nil {
		return nil, errors.New("an ASCII-armored block is broken")
	}
	return binary, nil
}

// packets splits a binary keyring into its packets, as far as it can be read. A key that
// is cut short is left out, because a revocation may have been cut off.
func packets(binary []byte, left *int) ([]*packet.OpaquePacket, error) {
	var run []*packet.OpaquePacket
	for r := packet.NewOpaqueReader(bytes.NewReader(binary)); ; {
		p, err := r.Next()
		switch {
		case p != nil && (p.Tag == tagSecretKey || p.Tag == tagSecretSubkey):
			return nil, errPrivate
		case errors.Is(err, io.EOF) && p == nil:
			return run, nil
		case err != nil:
			return withoutLast(run), fmt.Errorf("it is broken after %d packets, and not read further", len(run))
		case *left == 0:
			return withoutLast(run), fmt.Errorf("the keyring holds more than %d packets, and is not read further", maxPackets)
		}
		*left--
		run = append(run, p)
	}
}

func withoutLast(run []*packet.OpaquePacket) []*packet.OpaquePacket {
	for len(run) > 0 {
		last := run[len(run)-1]
		run = run[:len(run)-1]
		if last.Tag == tagPublicKey {
			return run
		}
	}
	return nil
}
