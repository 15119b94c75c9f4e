// SPDX-License-Identifier: Apache-2.0

package openpgp_test

import (
	"bytes"

	v2 "github.com/ProtonMail/go-crypto/openpgp/v2"

	. "github.com/verifiedchart/verifiedchart/internal/verify/openpgp/openpgptest"
)

// An arrangement puts two keys of a keyring, and a revocation by the first, into entries.
type arrangement func(a, b *v2.Entity, revocation []byte) map[string][]byte

var arrangements = []struct {
	name    string
	entries arrangement
}{
	{"in an entry of its own that sorts first", func(a, b *v2.Entity, r []byte) map[string][]byte {
		return map[string][]byte{"a.rev": r, "keys": Public(a, b)}
	}},
	{"in an entry of its own that sorts last", func(a, b *v2.Entity, r []byte) map[string][]byte {
		return map[string][]byte{"z.rev": r, "keys": Public(a, b)}
	}},
	{"in an entry of its own, ASCII-armored, with a key on either side", func(a, b *v2.Entity, r []byte) map[string][]byte {
		return map[string][]byte{"1": Armored(Public(a)), "2": Armored(r), "3": Armored(Public(b))}
	}},
	{"in an entry of its own, ASCII-armored as a signature", func(a, b *v2.Entity, r []byte) map[string][]byte {
		return map[string][]byte{"keys": Public(a, b), "rev": ArmoredSignature(r)}
	}},
	{"in an ASCII-armored block of its own before the keys", func(a, b *v2.Entity, r []byte) map[string][]byte {
		return entry(Armored(r), Armored(Public(a, b)))
	}},
	{"in an ASCII-armored block of its own after the keys", func(a, b *v2.Entity, r []byte) map[string][]byte {
		return entry(Armored(Public(a, b)), Armored(r))
	}},
	{"in an ASCII-armored block of its own between the keys, with text and CRLF", func(a, b *v2.Entity, r []byte) map[string][]byte {
		content := bytes.Join([][]byte{Armored(Public(a)), []byte("Oh no: the key is lost\n"), Armored(r), Armored(Public(b))}, nil)
		return entry(bytes.ReplaceAll(content, []byte("\n"), []byte("\r\n")))
	}},
	{"in an ASCII-armored block with GnuPG's comment", func(a, b *v2.Entity, r []byte) map[string][]byte {
		commented := bytes.Replace(Armored(r), []byte("BLOCK-----\n"), []byte("BLOCK-----\nComment: This is a revocation certificate\n"), 1)
		return entry(Armored(Public(a, b)), commented)
	}},
	{"in an ASCII-armored block behind GnuPG's colon", func(a, b *v2.Entity, r []byte) map[string][]byte {
		return entry(Armored(Public(a, b)), []byte("Remove this colon with a text editor before importing\n:"), Armored(r))
	}},
	{"in an ASCII-armored block without a checksum and without an empty line", func(a, b *v2.Entity, r []byte) map[string][]byte {
		lines := bytes.Split(Armored(r), []byte("\n"))
		var kept [][]byte
		for _, l := range lines {
			if len(l) > 0 && l[0] != '=' {
				kept = append(kept, l)
			}
		}
		return entry(Armored(Public(a, b)), bytes.Join(kept, []byte("\n")))
	}},
	{"in an ASCII-armored block after text in another script", func(a, b *v2.Entity, r []byte) map[string][]byte {
		return entry([]byte("Ключи:\n"), Armored(Public(a, b)), Armored(r))
	}},
	{"in binary before the keys", func(a, b *v2.Entity, r []byte) map[string][]byte { return entry(r, Public(a, b)) }},
	{"in binary after both keys", func(a, b *v2.Entity, r []byte) map[string][]byte { return entry(Public(a, b), r) }},
	{"in binary after both keys, the other one last", func(a, b *v2.Entity, r []byte) map[string][]byte { return entry(Public(b, a), r) }},
	{"in binary between the keys, behind the wrong one", func(a, b *v2.Entity, r []byte) map[string][]byte {
		return entry(Public(b), r, Public(a))
	}},
	{"in binary after a user attribute", func(a, b *v2.Entity, r []byte) map[string][]byte {
		return entry(Public(b, a), Packet(17, []byte{5, 1, 1, 2, 3, 4}), r)
	}},
	{"in binary after a weak key", func(a, b *v2.Entity, r []byte) map[string][]byte {
		return entry(Public(a, b, NewKey(Using(RSA1024))), r)
	}},
	{"in binary after a key that cannot be read", func(a, b *v2.Entity, r []byte) map[string][]byte {
		return entry(Public(a, b), Packet(6, Garbage("key", 60)), r)
	}},
	{"in binary with GnuPG's trust packets around it", func(a, b *v2.Entity, r []byte) map[string][]byte {
		trust := Packet(12, []byte{0, 0})
		return entry(Public(a, b), trust, r, trust)
	}},
	{"in a packet with an old header", func(a, b *v2.Entity, r []byte) map[string][]byte {
		content := body(r)
		return entry(Public(a, b), append([]byte{0x89, byte(len(content) >> 8), byte(len(content))}, content...))
	}},
	{"in a packet in parts", func(a, b *v2.Entity, r []byte) map[string][]byte {
		content := body(r)
		parts := append(append([]byte{0xc2, 0xe0 | 5}, content[:32]...), byte(len(content)-32))
		return entry(Public(a, b), append(parts, content[32:]...))
	}},
	{"next to a keybox, in ASCII armor", func(a, b *v2.Entity, r []byte) map[string][]byte {
		return map[string][]byte{"pubring.kbx": Keybox(a, b), "0.asc": Armored(r)}
	}},
	{"in a keybox, in a blob of its own", func(a, b *v2.Entity, r []byte) map[string][]byte {
		return entry(Keybox(a, b), KeyboxBlob(r))
	}},
	{"in a keybox, with the key in another entry", func(a, b *v2.Entity, r []byte) map[string][]byte {
		return map[string][]byte{"keys": Public(a, b), "pubring.kbx": append(Keybox(), KeyboxBlob(r)...)}
	}},
	{"with only the key, without its user ids", func(a, b *v2.Entity, r []byte) map[string][]byte {
		return map[string][]byte{"keys": Public(a, b), "stub": append(serializedKey(a), r...)}
	}},
	{"twice", func(a, b *v2.Entity, r []byte) map[string][]byte { return entry(r, Public(a), r, Public(b), r) }},
	{"in an entry that holds another private key", func(a, b *v2.Entity, r []byte) map[string][]byte {
		return map[string][]byte{"keys": Public(a, b), "private": append(Private(NewKey()), r...)}
	}},
	{"in an entry that holds its private key", func(a, b *v2.Entity, r []byte) map[string][]byte {
		return map[string][]byte{"keys": Public(a, b), "private": ArmoredPrivate(append(Private(a), r...))}
	}},
}
