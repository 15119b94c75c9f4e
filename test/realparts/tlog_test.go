// SPDX-License-Identifier: Apache-2.0

package realparts_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// startLog starts a server that answers cosign like Rekor, with a promise to include each entry, signed by its
// own key, which nobody trusts.
func startLog() (url string, entries func() int) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	Expect(err).NotTo(HaveOccurred())
	logged := make(chan struct{}, 16)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost || r.URL.Path != "/api/v1/log/entries" {
			http.NotFound(w, r)
			return
		}
		entry, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
		if err != nil {
			return
		}
		id := sha256.Sum256(entry)
		promised := map[string]any{
			"body": base64.StdEncoding.EncodeToString(entry), "integratedTime": time.Now().Unix(),
			"logID": hex.EncodeToString(id[:]), "logIndex": len(logged),
		}
		signed, err := json.Marshal(promised) // canonical: sorted keys, no spaces
		if err != nil {
			return
		}
		hash := sha256.Sum256(signed)
		promise, err := ecdsa.SignASN1(rand.Reader, key, hash[:])
		if err != nil {
			return
		}
		promised["verification"] = map[string]any{"signedEntryTimestamp": base64.StdEncoding.EncodeToString(promise)}
		logged <- struct{}{}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusCreated)
		_ = json.NewEncoder(w).Encode(map[string]any{hex.EncodeToString(id[:]): promised})
	}))
	DeferCleanup(server.Close)
	return server.URL, func() int { return len(logged) }
}
