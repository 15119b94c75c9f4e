// SPDX-License-Identifier: Apache-2.0

package trustroot_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

func TestTrustroot(t *testing.T) {
	RegisterFailHandler(Fail)
	RunSpecs(t, "Trusted roots")
}

// object is a JSON object.
type object = map[string]any

// published returns a trusted root that sigstore-go contains.
func published(name string) []byte {
	raw, err := os.ReadFile(filepath.Join(sigstoreGo(), name))
	if err != nil {
		panic(err)
	}
	return raw
}

// publicGood is a trusted root of the public-good Sigstore with every kind of entry.
const publicGood = "examples/trusted-root-public-good.json"

// sigstoreGo is the folder with the sources of sigstore-go.
var sigstoreGo = sync.OnceValue(func() string {
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/sigstore/sigstore-go").Output()
	if err != nil {
		panic(err)
	}
	return strings.TrimSpace(string(dir))
})

// newRoot returns a unique trusted root: one log with a new key.
func newRoot() []byte {
	public, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		panic(err)
	}
	spki, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		panic(err)
	}
	id := sha256.Sum256(spki)
	raw, err := json.Marshal(object{
		"mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
		"tlogs": []object{{
			"baseUrl": "https://log.example", "hashAlgorithm": "SHA2_256", "logId": object{"keyId": id[:]},
			"publicKey": object{
				"rawBytes": spki, "keyDetails": "PKIX_ED25519",
				"validFor": object{"start": "2026-01-01T00:00:00Z"},
			},
		}},
	})
	if err != nil {
		panic(err)
	}
	return raw
}
