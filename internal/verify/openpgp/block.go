// SPDX-License-Identifier: Apache-2.0

package openpgp

import (
	"bytes"
	"io"
	"slices"
	"strings"

	"github.com/ProtonMail/go-crypto/openpgp/armor"
)

const (
	beginMessage   = "-----BEGIN PGP SIGNED MESSAGE-----"
	beginSignature = "-----BEGIN PGP SIGNATURE-----"
	endSignature   = "-----END PGP SIGNATURE-----"
	dashEscape     = "- "
	blank          = " \t"
	whiteSpace     = " \t\r\n"
	base64Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="
)

// hashNames are the hash names that a header may have (RFC 9580, section 9.5). The header is not signed; the
// signature itself names its hash.
var hashNames = []string{"MD5", "SHA1", "RIPEMD160", "SHA224", "SHA256", "SHA384", "SHA512", "SHA3-256", "SHA3-512"}

var crlf = []byte("\r\n")

// A block is a clear-signed message, split into its parts (RFC 9580, section 7). The reader of the library
// skips lines that do not belong to a message; this one refuses them.
type block struct {
	rest []byte // the unread part
	// text is the signed text: lines without white space at their ends, separated by line feeds.
	text []byte
	// armored is the signature.
	armored []byte
}

// readBlock reads a message that must consist of one clear-signed block, with nothing but white space around
// it.
func readBlock(message []byte) (*block, error) {
	b := &block{rest: message}
	line, ok := b.next()
	for ok && len(bytes.Trim(line, whiteSpace)) == 0 {
		line, ok = b.next()
	}
	if string(line) != beginMessage {
		return nil, untrusted("the message does not start as a clear-signed one, which is %q", beginMessage)
	}
	for _, part := range []func() error{b.messageHeaders, b.readText, b.readSignature} {
		if err := part(); err != nil {
			return nil, err
		}
	}
	if len(bytes.Trim(b.rest, whiteSpace)) > 0 {
		return nil, untrusted("there is text after the signature")
	}
	return b, nil
}

// next returns the next line without its end, or false if there is none.
func (b *block) next() ([]byte, bool) {
	if len(b.rest) == 0 {
		return nil, false
	}
	line, rest, _ := bytes.Cut(b.rest, []byte("\n"))
	b.rest = rest
	return bytes.TrimSuffix(line, []byte("\r")), true
}

func (b *block) messageHeaders() error {
	return b.headers(func(name, value string) bool {
		for hash := range strings.SplitSeq(value, ",") {
			if !slices.Contains(hashNames, strings.ToUpper(strings.Trim(hash, " "))) {
				return false
			}
		}
		return name == "Hash"
	})
}

// signatureHeaders reads the headers that GnuPG can write into a signature. They are neither signed nor used.
func (b *block) signatureHeaders() error {
	return b.headers(func(name, _ string) bool {
		return slices.Contains([]string{"Version", "Comment", "Charset", "MessageID"}, name)
	})
}

// headers reads headers up to the empty line that ends them, and refuses a header that does not belong there.
func (b *block) headers(belongs func(name, value string) bool) error {
	for {
		line, ok := b.next()
		switch {
		case !ok:
			return untrusted("the message ends in its headers")
		case len(bytes.Trim(line, blank)) == 0:
			return nil
		case bytes.ContainsFunc(line, isControl):
			return untrusted("a header holds a control character")
		}
		if name, value, ok := strings.Cut(string(line), ":"); !ok || !belongs(name, value) {
			return untrusted("there is a header that does not belong there")
		}
	}
}

func isControl(r rune) bool { return r < ' ' || r == '\x7f' }

// readText reads the text up to the start of the signature. Every line that starts with a dash must be escaped,
// so that no reader can take it for the start or end of the block.
func (b *block) readText() error {
	b.text = make([]byte, 0, len(b.rest))
	for first := true; ; first = false {
		line, ok := b.next()
		if !ok {
			return untrusted("the message has no signature")
		}
		if string(line) == beginSignature {
			return nil
		}
		unescaped, escaped := bytes.CutPrefix(line, []byte(dashEscape))
		if !escaped && bytes.HasPrefix(line, []byte("-")) {
			return untrusted("a line of the text starts with a dash that is not escaped")
		}
		if !first {
			b.text = append(b.text, '\n')
		}
		b.text = append(b.text, bytes.TrimRight(unescaped, blank)...)
	}
}

// readSignature reads the headers of the signature, its Base64, and its last line.
func (b *block) readSignature() error {
	start := b.rest
	if err := b.signatureHeaders(); err != nil {
		return err
	}
	for {
		line, ok := b.next()
		line = bytes.TrimRight(line, blank)
		switch {
		case !ok:
			return untrusted("the signature has no end")
		case string(line) == endSignature:
			b.armored = start[:len(start)-len(b.rest)]
			return nil
		case len(bytes.Trim(line, base64Alphabet)) > 0:
			return untrusted("the signature is not Base64")
		}
	}
}

// signature returns the binary signature packets.
func (b *block) signature() ([]byte, error) {
	armored, err := armor.Decode(io.MultiReader(strings.NewReader(beginSignature+"\n"), bytes.NewReader(b.armored)))
	if err != nil {
		return nil, untrusted("the signature is malformed")
	}
	binary, err := io.ReadAll(armored.Body)
	if err != nil {
		return nil, untrusted("the signature is not Base64")
	}
	return binary, nil
}

// writeTo writes the text in its signed form, with CR and LF between its lines.
func (b *block) writeTo(w io.Writer) {
	for rest, more := b.text, true; more; {
		var line []byte
		line, rest, more = bytes.Cut(rest, []byte("\n"))
		_, _ = w.Write(line) // writing to a hash never fails
		if more {
			_, _ = w.Write(crlf)
		}
	}
}
