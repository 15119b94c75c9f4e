// SPDX-License-Identifier: Apache-2.0

package openpgp_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/ProtonMail/go-crypto/openpgp/clearsign"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	v2 "github.com/ProtonMail/go-crypto/openpgp/v2"

	"github.com/verifiedchart/verifiedchart/internal/verify/openpgp"
	. "github.com/verifiedchart/verifiedchart/internal/verify/openpgp/openpgptest"
)

// FuzzVerify demands that no message is accepted but for the text that was signed, and that
// the library's own judgement, which is laxer, agrees where a message is accepted.
func FuzzVerify(f *testing.F) {
	key, rsa := NewKey(), NewKey(Using(RSA2048))
	subkey := AddSubkey(key)
	keyring, err := openpgp.ParseKeyring(map[string][]byte{"keys": Public(key, rsa)})
	if err != nil {
		f.Fatal(err)
	}
	const signed = "name: nginx\n- dashes\n\n...\n"
	for _, seed := range [][]byte{
		Sign(key, signed),
		Sign(key, signed, With(subkey)),
		Sign(rsa, signed, OfType(packet.SigTypeBinary)),
		Message(signed, Signature(NewKey(), signed), Signature(key, signed)),
		Framed("", signed, Signature(key, signed)),
		Framed("Comment: no\n", signed, Packet(2, Garbage("f", 60))),
		Sign(NewKey(V6()), signed),
		nil,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, message []byte) {
		got, s, err := keyring.Verify(message, judge)
		if err != nil {
			if !errors.Is(err, openpgp.ErrUntrusted) || got != nil || s != (openpgp.Signature{}) {
				t.Fatalf("refused with %q, %v, %v", got, s, err)
			}
			return
		}
		if string(got) != signed {
			t.Fatalf("accepted %q", got)
		}
		if err := libraryVerifies(message, signed, key, rsa); err != nil {
			t.Fatalf("accepted what the library refuses: %v", err)
		}
	})
}

func libraryVerifies(message []byte, text string, keys ...*v2.Entity) error {
	block, _ := clearsign.Decode(bytes.TrimSpace(message))
	if block == nil || string(block.Plaintext) != text {
		return errors.New("no such block")
	}
	var known v2.EntityList
	for _, k := range keys {
		known = append(known, Reread(k))
	}
	_, _, err := v2.VerifyDetachedSignature(known, bytes.NewReader(block.Bytes), block.ArmoredSignature.Body,
		&packet.Config{Time: func() time.Time { return now }})
	return err
}

// FuzzKeyring demands that whatever an entry holds, the good key beside it serves, no other
// key vouches for what it did not sign, and what is said of the rest is fit to be shown.
func FuzzKeyring(f *testing.F) {
	good, odd := NewKey(), NewKey(Using(P256))
	AddSubkey(odd)
	RevokeUserID(odd, ada, Created)
	binary := Public(odd, NewKey(V6()))
	for _, seed := range [][]byte{
		binary, Armored(binary), Keybox(odd), Private(odd), Public(NewKey(Using(RSA2048))),
		Public(NewKey(Using(DSA), SelfSigned(func(s *packet.Signature) { s.FlagSign = false }))), nil,
	} {
		f.Add(seed)
	}
	ours, theirs, public := Sign(good, text), Sign(NewKey(), text), Public(good)
	f.Fuzz(func(t *testing.T, content []byte) {
		if k, err := openpgp.ParseKeyring(map[string][]byte{"odd": content}); err == nil {
			if _, _, err := k.Verify(theirs, judge); !errors.Is(err, openpgp.ErrUntrusted) || k.Len() == 0 {
				t.Fatalf("%d keys, and %v", k.Len(), err)
			}
		} else if !errors.Is(err, openpgp.ErrKeyring) {
			t.Fatal(err)
		}
		k, err := openpgp.ParseKeyring(map[string][]byte{"good": public, "odd": content})
		if len(content) > openpgp.MaxKeyring/2 {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := k.Verify(ours, judge); err != nil {
			t.Fatal(err)
		}
		for _, s := range k.Skipped() {
			if s.Entry != "odd" || s.Reason == "" || !utf8.ValidString(s.Reason) || strings.ContainsAny(s.Reason, "\x1b\n") {
				t.Fatalf("%q", s)
			}
		}
	})
}
