// SPDX-License-Identifier: Apache-2.0

package openpgp

import (
	"bytes"
	"encoding/base64"
	"regexp"
	"strings"

	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"
)

var (
	armorBegin  = []byte("-----BEGIN PGP ")
	armorEnd    = []byte("-----END PGP ")
	armorDashes = []byte("-----")

	// alteredArmor matches the first or last line of a block that was altered, for example with
	// longer dashes. The text that it is applied to excludes the blocks that were read.
	alteredArmor = regexp.MustCompile(`(?i)\b(BEGIN|END)\W+PGP\W+(PUBLIC|PRIVATE|SECRET|SIGN|MESSAGE|ARMOR)`)
)

// armored reads the ASCII-armored blocks in content. It ignores text around them, but not binary data.
func (o *opener) armored(content []byte) {
	for {
		begin := bytes.Index(content, armorBegin)
		if begin < 0 {
			o.text(content)
			return
		}
		o.text(content[:begin])
		content = content[begin:]
		length := blockLength(content)
		o.block(content[:length])
		content = content[length:]
	}
}

// text checks that the content outside of the blocks is only text. A revocation certificate that lost its armor
// must not be taken for a comment.
func (o *opener) text(content []byte) {
	switch {
	case bytes.ContainsFunc(content, isBinary):
		o.unreadable("there is binary data outside of the ASCII-armored blocks: put it into an entry of its own")
		o.salvage(content)
	case alteredArmor.Match(content):
		o.unreadable("the first or last line of an ASCII-armored block is altered: export the keys again (gpg --armor --export)")
	}
}

// isBinary reports whether the character cannot occur in text.
func isBinary(r rune) bool { return r < ' ' && !strings.ContainsRune("\t\n\v\f\r", r) }

// salvage searches binary data after a block for revocations. The keyring is refused in any case.
func (o *opener) salvage(content []byte) {
	content = bytes.TrimLeft(content, whiteSpace)
	if len(content) > 0 && content[0]&0x80 != 0 {
		o.packets(content, false)
	}
}

// blockLength returns the length of the armored block at the start of content. A block without
// an end extends to the next block, or to the end of content.
func blockLength(content []byte) int {
	length := len(content)
	if next := bytes.Index(content[len(armorBegin):], armorBegin); next >= 0 {
		length = len(armorBegin) + next
	}
	end := bytes.Index(content[:length], armorEnd)
	if end < 0 {
		return length
	}
	if dashes := bytes.Index(content[end+len(armorEnd):length], armorDashes); dashes >= 0 {
		return end + len(armorEnd) + dashes + len(armorDashes)
	}
	return length
}

// block reads one armored block. Keys count only in a public key block, revocations in any block.
func (o *opener) block(content []byte) {
	first, rest, _ := bytes.Cut(content, []byte("\n"))
	body, last, ended := bytes.Cut(rest, armorEnd)
	kind := blockType(first[len(armorBegin):])
	switch kind {
	case openpgp.PublicKeyType, "":
	case openpgp.PrivateKeyType:
		o.private = true
	default:
		o.skip("an ASCII-armored block holds no keys: it is a %s", kind)
	}
	binary, whole := armorBody(body)
	if !whole || !ended || kind == "" || blockType(last) != kind {
		o.unreadable("an ASCII-armored block is broken: export the keys again (gpg --armor --export)")
	}
	o.packets(binary, kind == openpgp.PublicKeyType)
}

// blockType returns the type of a block from the end of its first or last line; empty if there is none.
func blockType(line []byte) string {
	name, ok := bytes.CutSuffix(bytes.TrimRight(line, whiteSpace), armorDashes)
	if !ok {
		return ""
	}
	return "PGP " + string(name)
}

// armorBody decodes the lines between the first and the last line of a block: headers, Base64, and a checksum,
// which RFC 9580 tells readers to ignore. It reports whether it decoded everything. The reader of the library
// is not used, because it ignores anything after the checksum, which may be a revocation.
func armorBody(body []byte) (binary []byte, whole bool) {
	var encoded []byte
	lines := bytes.Split(body, []byte("\n"))
	// The last line may start with more than dashes, for example if they were escaped.
	if last := len(lines) - 1; len(bytes.Trim(lines[last], "-: \t")) == 0 {
		lines = lines[:last]
	}
	headers, sum := true, false
	for _, line := range lines {
		line = bytes.Trim(line, whiteSpace)
		headers = headers && bytes.Contains(line, []byte(":"))
		switch {
		case headers, len(line) == 0:
		case sum:
			return decoded(encoded, false)
		case len(line) == 5 && line[0] == '=':
			sum = true
		default:
			encoded = append(encoded, line...)
		}
	}
	return decoded(encoded, len(encoded) > 0)
}

// decoded decodes Base64 as far as possible.
func decoded(encoded []byte, whole bool) ([]byte, bool) {
	binary, err := base64.StdEncoding.DecodeString(string(encoded))
	return binary, whole && err == nil
}
