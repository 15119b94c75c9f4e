// SPDX-License-Identifier: Apache-2.0

// Package openpgptest makes OpenPGP keys and clear-signed messages for tests: valid ones, and malformed ones
// that no honest program would make.
//
// It does not know how they are verified. Its functions panic on failure, so that any test can use them without
// handling errors.
package openpgptest

import (
	"crypto/dsa" //nolint:staticcheck // a test checks that this deprecated algorithm is refused
	"crypto/rand"
	"crypto/rsa"
	"sync"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"
)

// Algorithm makes a new version 4 key pair with the given creation time.
type Algorithm func(created time.Time) *packet.PrivateKey

// Algorithms that are accepted, and some that are not.
var (
	Ed25519       = native(packet.PubKeyAlgoEd25519, "")
	Ed25519Legacy = native(packet.PubKeyAlgoEdDSA, packet.Curve25519)
	P256          = native(packet.PubKeyAlgoECDSA, packet.CurveNistP256)
	P384          = native(packet.PubKeyAlgoECDSA, packet.CurveNistP384)
	P521          = native(packet.PubKeyAlgoECDSA, packet.CurveNistP521)
	RSA2048       = rsaOf(2048)
	RSA3072       = rsaOf(3072)

	RSA1024       = rsaOf(1024)
	RSA2040       = rsaOf(2040)
	Secp256k1     = native(packet.PubKeyAlgoECDSA, packet.CurveSecP256k1)
	BrainpoolP256 = native(packet.PubKeyAlgoECDSA, packet.CurveBrainpoolP256)
	Ed448         = native(packet.PubKeyAlgoEd448, "")
)

// native makes keys of the kinds that the library generates.
func native(algorithm packet.PublicKeyAlgorithm, curve packet.Curve) Algorithm {
	return func(created time.Time) *packet.PrivateKey {
		e, err := openpgp.NewEntity("any", "", "", &packet.Config{
			Algorithm: algorithm, Curve: curve, Time: func() time.Time { return created },
		})
		must(err)
		return e.PrivateKey
	}
}

// rsaOf makes keys from one shared RSA key pair, since generating one is slow. The keys differ in their
// creation time, and so in their fingerprints.
func rsaOf(bits int) Algorithm {
	pair := sync.OnceValue(func() *rsa.PrivateKey {
		key, err := rsa.GenerateKey(rand.Reader, bits)
		must(err)
		return key
	})
	return func(created time.Time) *packet.PrivateKey { return packet.NewRSAPrivateKey(created, pair()) }
}

var dsaPair = sync.OnceValue(func() *dsa.PrivateKey {
	key := new(dsa.PrivateKey)
	must(dsa.GenerateParameters(&key.Parameters, rand.Reader, dsa.L1024N160))
	must(dsa.GenerateKey(key, rand.Reader))
	return key
})

// DSA makes keys from one shared key pair, like the RSA algorithms.
func DSA(created time.Time) *packet.PrivateKey { return packet.NewDSAPrivateKey(created, dsaPair()) }

func must(err error) {
	if err != nil {
		panic(err)
	}
}
