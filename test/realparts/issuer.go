// SPDX-License-Identifier: Apache-2.0

package realparts

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// audience is the audience of an Issuer's tokens.
const audience = "sigstore"

// Issuer is an OpenID Connect issuer in this process. It issues tokens for any caller and email address.
type Issuer struct {
	server *httptest.Server
	signer jose.Signer
}

// StartIssuer starts an issuer on the loopback interface.
func StartIssuer() (*Issuer, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	private := jose.JSONWebKey{Key: key, KeyID: "issuer", Algorithm: string(jose.ES256), Use: "sig"}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: private}, nil)
	if err != nil {
		return nil, err
	}
	i := &Issuer{signer: signer}
	mux := http.NewServeMux()
	i.server = httptest.NewServer(mux)
	serveJSON(mux, "/.well-known/openid-configuration", map[string]any{
		"issuer": i.URL(), "jwks_uri": i.URL() + "/keys", "id_token_signing_alg_values_supported": []string{string(jose.ES256)},
	})
	serveJSON(mux, "/keys", jose.JSONWebKeySet{Keys: []jose.JSONWebKey{private.Public()}})
	return i, nil
}

func serveJSON(mux *http.ServeMux, path string, document any) {
	mux.HandleFunc("GET "+path, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(document)
	})
}

// URL is the name of the issuer in tokens and in certificates.
func (i *Issuer) URL() string { return i.server.URL }

// Token returns an ID token for an email address, valid for ten minutes.
func (i *Issuer) Token(email string) (string, error) {
	now := time.Now()
	return jwt.Signed(i.signer).Claims(jwt.Claims{
		Issuer: i.URL(), Subject: email, Audience: jwt.Audience{audience},
		IssuedAt: jwt.NewNumericDate(now), Expiry: jwt.NewNumericDate(now.Add(10 * time.Minute)),
	}).Claims(map[string]any{"email": email, "email_verified": true}).Serialize()
}

// Close ends it.
func (i *Issuer) Close() { i.server.Close() }
