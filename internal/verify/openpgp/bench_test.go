package openpgp_test

import (
	"strings"
	"testing"
	"time"

	v2 "github.com/ProtonMail/go-crypto/openpgp/v2"

	"github.com/verifiedchart/verifiedchart/internal/verify/openpgp"
	. "github.com/verifiedchart/verifiedchart/internal/verify/openpgp/openpgptest"
)

// BenchmarkVerify judges a message of 2 KiB, and the longest there may be, by a keyring of a
// thousand keys.
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
				keyring := thousand(b, signer)
				message := Sign(signer, strings.Repeat(strings.Repeat("x", 63)+"\n", size.lines))
				b.ReportAllocs()
				for b.Loop() {
					if _, _, err := keyring.Verify(message, judge); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// BenchmarkParseKeyring parses a thousand keys.
func BenchmarkParseKeyring(b *testing.B) {
	content := Public(crowd(openpgp.MaxKeys)...)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := openpgp.ParseKeyring(map[string][]byte{"keys": content}); err != nil {
			b.Fatal(err)
		}
	}
}

// thousand returns a keyring of a thousand keys with this one among them.
func thousand(b *testing.B, key *v2.Entity) *openpgp.Keyring {
	keyring, err := openpgp.ParseKeyring(map[string][]byte{"keys": Public(append(crowd(openpgp.MaxKeys-1), key)...)})
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
