// SPDX-License-Identifier: Apache-2.0

package realparts

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"time"

	ct "github.com/google/certificate-transparency-go"
	"github.com/google/certificate-transparency-go/tls"
)

// CertificateLog issues the promises of a certificate transparency log (RFC 6962 §3) in this process. It
// promises to log every certificate and stores none: no verifier of a promise reads the log.
type CertificateLog struct {
	server *httptest.Server
	key    *ecdsa.PrivateKey
	spki   []byte // DER of the public key
}

// StartCertificateLog starts a log on the loopback interface.
func StartCertificateLog() (*CertificateLog, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	spki, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return nil, err
	}
	l := &CertificateLog{key: key, spki: spki}
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+ct.AddPreChainPath, l.add)
	l.server = httptest.NewServer(mux)
	return l, nil
}

// URL is the base of the paths of RFC 6962.
func (l *CertificateLog) URL() string { return l.server.URL }

// Close ends it.
func (l *CertificateLog) Close() { l.server.Close() }

// id is the log's identifier (RFC 6962 §3.2).
func (l *CertificateLog) id() [sha256.Size]byte { return sha256.Sum256(l.spki) }

// add answers a precertificate and its chain with a promise.
func (l *CertificateLog) add(w http.ResponseWriter, r *http.Request) {
	var request ct.AddChainRequest
	if err := json.NewDecoder(io.LimitReader(r.Body, 1<<20)).Decode(&request); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	promise, err := l.promise(request)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(promise)
}

func (l *CertificateLog) promise(request ct.AddChainRequest) (*ct.AddChainResponse, error) {
	var chain []ct.ASN1Cert
	for _, der := range request.Chain {
		chain = append(chain, ct.ASN1Cert{Data: der})
	}
	sct := ct.SignedCertificateTimestamp{SCTVersion: ct.V1, LogID: ct.LogID{KeyID: l.id()}, Timestamp: uint64(time.Now().UnixMilli())}
	leaf, err := ct.MerkleTreeLeafFromRawChain(chain, ct.PrecertLogEntryType, sct.Timestamp)
	if err != nil {
		return nil, err
	}
	promised, err := ct.SerializeSCTSignatureInput(sct, ct.LogEntry{Leaf: *leaf})
	if err != nil {
		return nil, err
	}
	signature, err := tls.CreateSignature(*l.key, tls.SHA256, promised)
	if err != nil {
		return nil, err
	}
	encoded, err := tls.Marshal(signature)
	if err != nil {
		return nil, err
	}
	return &ct.AddChainResponse{
		SCTVersion: sct.SCTVersion, ID: sct.LogID.KeyID[:], Timestamp: sct.Timestamp,
		Extensions: base64.StdEncoding.EncodeToString(nil), Signature: encoded,
	}, nil
}
