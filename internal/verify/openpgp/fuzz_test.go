// SPDX-License-Identifier: Apache-2.0

package openpgp_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
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

// FuzzVerify checks that a message is accepted only with the text that was signed, and that the library's own
// verdict, which is laxer, agrees with each acceptance.
func FuzzVerify(f *testing.F) {
	key, rsa := NewKey(), NewKey(Using(RSA2048))
	subkey := AddSubkey(key)
	keyring, err := openpgp.Parse(context.Background(), map[string][]byte{"keys": Public(key, rsa)})
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
		got, s, err := keyring.Verify(message, byNow)
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
			t.Fatalf("accepted a message that the library refuses: %v", err)
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

// FuzzKeyring checks four properties for any content of one entry: the good key in another entry counts, unless
// the whole keyring is refused; a revocation in another entry counts in either case; no other key accepts a
// message that it did not sign; and the list of skipped keys is safe to display.
func FuzzKeyring(f *testing.F) {
	good, odd, revoked := NewKey(), NewKey(Using(P256)), NewKey()
	AddSubkey(odd)
	RevokeUserID(odd, ada, Created)
	binary := Public(odd, NewKey(V6()))
	public := Public(good, revoked)
	Revoke(revoked, Created, packet.KeyRetired)
	var revocation bytes.Buffer
	if err := revoked.Revocations[0].Packet.Serialize(&revocation); err != nil {
		f.Fatal(err)
	}
	for _, seed := range [][]byte{
		binary, Armored(binary), Keybox(odd), Private(odd), Public(NewKey(Using(RSA2048))), Armored(revocation.Bytes()),
		append(Armored(binary), binary...), append(Public(odd), Armored(binary)...), Packet(8, binary), Packet(2, []byte{3, 5, 0x20, 0}),
		Public(NewKey(Using(DSA), SelfSigned(func(s *packet.Signature) { s.FlagSign = false }))), nil,
	} {
		f.Add(seed)
	}
	ours, theirs, gone := Sign(good, text), Sign(NewKey(), text), Sign(revoked, text)
	f.Fuzz(func(t *testing.T, content []byte) {
		k, err := openpgp.Parse(context.Background(), map[string][]byte{"odd": content})
		if _, _, verdict := k.Verify(theirs, byNow); !errors.Is(verdict, openpgp.ErrUntrusted) || (err == nil) != (k.Len() > 0) {
			t.Fatalf("%d keys, %v, and %v", k.Len(), err, verdict)
		}
		if err != nil && !errors.Is(err, openpgp.ErrKeyring) {
			t.Fatal(err)
		}
		k, err = openpgp.Parse(context.Background(), map[string][]byte{"good": public, "odd": content, "rev": revocation.Bytes()})
		if len(content) > openpgp.MaxKeyring/2 {
			return
		}
		if err != nil && !errors.Is(err, openpgp.ErrUnreadable) {
			t.Fatal(err)
		}
		if _, _, verdict := k.Verify(ours, byNow); (verdict == nil) != (err == nil) {
			t.Fatalf("%v, and %v", err, verdict)
		}
		if _, _, verdict := k.Verify(gone, byNow); !errors.Is(verdict, openpgp.ErrUntrusted) {
			t.Fatal(verdict)
		}
		if !slices.Contains(k.Revoked(), fingerprintOf(revoked.PrimaryKey)) || slices.Contains(k.Revoked(), fingerprintOf(good.PrimaryKey)) {
			t.Fatal(k.Revoked())
		}
		for _, s := range k.Skipped() {
			if s.Entry != "odd" || s.Reason == "" || !utf8.ValidString(s.Reason) || strings.ContainsAny(s.Reason, "\x1b\n") {
				t.Fatalf("%q", s)
			}
		}
	})
}
