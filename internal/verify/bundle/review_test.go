package bundle_test

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"testing"
	"time"

	"github.com/verifiedchart/verifiedchart/internal/verify/bundle"
)

// hugeKeyBundle is a bundle that anybody can write: its log entry names a public key of that many bits.
func hugeKeyBundle(bits int) []byte {
	n := new(big.Int).Lsh(big.NewInt(1), uint(bits-1))
	n.Sub(n, big.NewInt(-12345)) // odd
	n.SetBit(n, 0, 1)
	spki, err := x509.MarshalPKIXPublicKey(&rsa.PublicKey{N: n, E: 1<<31 - 1})
	if err != nil {
		panic(err)
	}
	key := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: spki})
	sig := make([]byte, bits/8)
	sig[len(sig)-1] = 2
	sig[10] = 7
	b64 := base64.StdEncoding.EncodeToString
	_ = sig
	body, _ := json.Marshal(map[string]any{"apiVersion": "0.0.1", "kind": "hashedrekord", "spec": map[string]any{
		"data":      map[string]any{"hash": map[string]any{"algorithm": "sha256", "value": fmt.Sprintf("%064x", 1)}},
		"signature": map[string]any{"content": b64(sig), "publicKey": map[string]any{"content": b64(key)}},
	}})
	raw, _ := json.Marshal(map[string]any{
		"mediaType": "application/vnd.dev.sigstore.bundle+json;version=0.1",
		"verificationMaterial": map[string]any{"publicKey": map[string]any{"hint": ""}, "tlogEntries": []any{map[string]any{
			"logIndex": "1", "logId": map[string]any{"keyId": b64([]byte("x"))}, "kindVersion": map[string]any{"kind": "hashedrekord", "version": "0.0.1"},
			"integratedTime": "1", "inclusionPromise": map[string]any{"signedEntryTimestamp": b64([]byte("x"))}, "canonicalizedBody": b64(body),
		}}},
		"messageSignature": map[string]any{"messageDigest": map[string]any{"algorithm": "SHA2_256", "digest": b64(make([]byte, 32))}, "signature": b64([]byte("x"))},
	})
	return raw
}

func TestReviewHugeKeyInLogEntry(t *testing.T) {
	for _, bits := range []int{4096, 16384, 65536, 131072, 524288} {
		raw := hugeKeyBundle(bits)
		start := time.Now()
		_, err := bundle.Parse(raw)
		took := time.Since(start)
		msg := fmt.Sprint(err)
		if len(msg) > 160 {
			msg = msg[:160]
		}
		t.Logf("%d bits, bundle of %d bytes: %v: %s", bits, len(raw), took, msg)
		if took > time.Second {
			t.Errorf("parsing a bundle of %d bytes took %v", len(raw), took)
		}
	}
}
