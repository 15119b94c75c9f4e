package openpgp

import (
	"bytes"
	"strings"

	"github.com/ProtonMail/go-crypto/openpgp/clearsign"
)

const (
	beginMessage   = "-----BEGIN PGP SIGNED MESSAGE-----"
	beginSignature = "-----BEGIN PGP SIGNATURE-----"
	endSignature   = "-----END PGP SIGNATURE-----"
	whiteSpace     = " \t\r\n"
)

// decode returns the one clear-signed block that message is. The library passes over what
// does not belong to a block, so what there is has to be the frame of one and no more.
func decode(message []byte) (*clearsign.Block, error) {
	if err := checkFrame(message); err != nil {
		return nil, err
	}
	block, rest := clearsign.Decode(bytes.TrimLeft(message, whiteSpace))
	if block == nil || len(bytes.TrimSpace(rest)) > 0 {
		return nil, untrusted("the message is malformed")
	}
	return block, nil
}

// A frame walks the lines of a message.
type frame struct{ rest []byte }

// next returns the next line without its end, and false where there is none.
func (f *frame) next() (string, bool) {
	if len(f.rest) == 0 {
		return "", false
	}
	line, rest, _ := bytes.Cut(f.rest, []byte("\n"))
	f.rest = rest
	return strings.TrimSuffix(string(line), "\r"), true
}

// checkFrame demands one clear-signed block with nothing but white space around it.
func checkFrame(message []byte) error {
	f := frame{rest: message}
	line, ok := f.next()
	for ok && strings.Trim(line, whiteSpace) == "" {
		line, ok = f.next()
	}
	if line != beginMessage {
		return untrusted("the message does not start as a clear-signed one, which is %q", beginMessage)
	}
	for _, part := range []func(*frame) error{messageHeaders, messageText, signatureHeaders, signatureBody} {
		if err := part(&f); err != nil {
			return err
		}
	}
	if len(bytes.Trim(f.rest, whiteSpace)) > 0 {
		return untrusted("there is text after the signature")
	}
	return nil
}

func messageHeaders(f *frame) error {
	return headers(f, func(name string) bool { return name == "Hash" })
}

// signatureHeaders are those that GnuPG may be told to write; nobody signs or reads them.
func signatureHeaders(f *frame) error {
	return headers(f, func(name string) bool {
		return name == "Version" || name == "Comment" || name == "Charset" || name == "MessageID"
	})
}

// headers demands headers of known names, and the empty line that ends them.
func headers(f *frame, known func(string) bool) error {
	for {
		line, ok := f.next()
		switch {
		case !ok:
			return untrusted("the message ends in its headers")
		case strings.Trim(line, " \t") == "":
			return nil
		case strings.ContainsFunc(line, isControl):
			return untrusted("a header holds a control character")
		}
		if name, _, ok := strings.Cut(line, ":"); !ok || !known(name) {
			return untrusted("there is a header that does not belong there")
		}
	}
}

func isControl(r rune) bool { return r < ' ' || r == '\x7f' }

// messageText demands that every line that starts with a dash is escaped, up to the signature.
func messageText(f *frame) error {
	for {
		line, ok := f.next()
		switch {
		case !ok:
			return untrusted("the message has no signature")
		case line == beginSignature:
			return nil
		case strings.HasPrefix(line, "-") && !strings.HasPrefix(line, "- "):
			return untrusted("a line of the text starts with a dash that is not escaped")
		}
	}
}

// signatureBody demands Base64 and the end of the signature.
func signatureBody(f *frame) error {
	for {
		line, ok := f.next()
		line = strings.TrimRight(line, " \t")
		switch {
		case !ok:
			return untrusted("the signature has no end")
		case line == endSignature:
			return nil
		case strings.Trim(line, base64Alphabet) != "":
			return untrusted("the signature is not Base64")
		}
	}
}

const base64Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="
