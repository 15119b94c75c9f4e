// SPDX-License-Identifier: Apache-2.0

package openpgp_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	v2 "github.com/ProtonMail/go-crypto/openpgp/v2"

	"github.com/verifiedchart/verifiedchart/internal/verify/openpgp"
	. "github.com/verifiedchart/verifiedchart/internal/verify/openpgp/openpgptest"
)

// BenchmarkVerify verifies a message of 2 KiB, and one of the maximum length, with a keyring of the maximum
// number of keys.
func BenchmarkVerify(b *testing.B) {
	for _, size := range []struct {
		name  string
		lines int
	}{{"2KiB", 32}, {"256KiB", 4000}} {
		for _, key := range []struct {
			name string
			make func() *v2.Entity
		}{
			{"Ed25519", func() *v2.Entity { return NewKey() }},
			{"P-256", func() *v2.Entity { return NewKey(Using(P256)) }},
			{"RSA-3072", func() *v2.Entity { return NewKey(Using(RSA3072)) }},
		} {
			b.Run(size.name+"/"+key.name, func(b *testing.B) {
				signer := key.make()
				keyring := full(b, signer)
				message := Sign(signer, strings.Repeat(strings.Repeat("x", 63)+"\n", size.lines))
				b.ReportAllocs()
				for b.Loop() {
					if _, _, err := keyring.Verify(message, byNow); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// BenchmarkParseKeyring parses the maximum number of keys.
func BenchmarkParseKeyring(b *testing.B) {
	content := Public(crowd(maxKeys)...)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := openpgp.Parse(context.Background(), map[string][]byte{"keys": content}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkParseHostileKeyring parses keys of 8192 bits with the maximum number of short self-signatures that
// are verified.
func BenchmarkParseHostileKeyring(b *testing.B) {
	content := hostile(80, 240)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := openpgp.Parse(context.Background(), map[string][]byte{"keys": content}); !errors.Is(err, openpgp.ErrKeyring) {
			b.Fatal(err)
		}
	}
}

// hostile returns long keys with many short signatures that claim to be their own.
func hostile(keys, signatures int) (content []byte) {
	for i := range keys {
		modulus := append([]byte{0x20, 0x00}, Garbage("modulus", 1024)...)
		modulus[2], modulus[1025] = 0xff, 0xff
		key := Packet(6, append(append([]byte{4, 0, 0, 0, byte(i), 1}, modulus...), 0, 24, 0xff, 0xff, 0xff))
		content = append(append(content, key...), Packet(13, []byte("Mallory"))...)
		content = append(content, bytes.Repeat(Packet(2, []byte{4, 0x13, 1, 8, 0, 6, 5, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0xff}), signatures)...)
	}
	return content
}

// full returns the largest keyring, with this key in it.
func full(b *testing.B, key *v2.Entity) *openpgp.Keyring {
	keyring, err := openpgp.Parse(context.Background(), map[string][]byte{"keys": Public(append(crowd(maxKeys-1), key)...)})
	if err != nil {
		b.Fatal(err)
	}
	return keyring
}

func crowd(n int) (keys []*v2.Entity) {
	for i := range n {
		keys = append(keys, NewKey(CreatedAt(Created.Add(time.Duration(i)*time.Second))))
	}
	return keys
}
