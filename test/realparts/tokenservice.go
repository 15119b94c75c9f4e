// SPDX-License-Identifier: Apache-2.0

package realparts

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

const (
	tokenIssuer   = "token-service"
	tokenAudience = "charts"
	tokenLife     = 10 * time.Minute
)

// TokenService issues the tokens of a registry on another host, as that of GitLab does. Username and Password get
// a token for everything, and other clients a token for nothing.
type TokenService struct {
	Server
	signer jose.Signer
	keys   []byte // JWKS
}

// StartTokenService starts a token service in this process.
func StartTokenService() (*TokenService, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	private := jose.JSONWebKey{Key: key, KeyID: tokenIssuer, Algorithm: string(jose.ES256), Use: "sig"}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: private}, nil)
	if err != nil {
		return nil, err
	}
	keys, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{private.Public()}})
	if err != nil {
		return nil, err
	}
	service := &TokenService{signer: signer, keys: keys}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /token", service.serve)
	service.Server = count(mux, nothing)
	return service, nil
}

// Realm is the URL of its tokens. Its host is a name: clients refuse an address of the loopback interface.
func (t *TokenService) Realm() string {
	_, port, _ := net.SplitHostPort(t.Addr())
	return "http://localhost:" + port + "/token"
}

// access is an entry of the claim that lists rights.
type access struct {
	Type    string   `json:"type"`
	Name    string   `json:"name"`
	Actions []string `json:"actions"`
}

func (t *TokenService) serve(w http.ResponseWriter, r *http.Request) {
	user, password, known := r.BasicAuth()
	if known && (user != Username || password != Password) {
		http.Error(w, "wrong credentials", http.StatusUnauthorized)
		return
	}
	granted := []access{}
	for _, scope := range r.URL.Query()["scope"] {
		for one := range strings.FieldsSeq(scope) {
			if part := strings.Split(one, ":"); known && len(part) == 3 {
				granted = append(granted, access{part[0], part[1], strings.Split(part[2], ",")})
			}
		}
	}
	now := time.Now()
	token, err := jwt.Signed(t.signer).Claims(jwt.Claims{
		Issuer: tokenIssuer, Subject: user, Audience: jwt.Audience{r.URL.Query().Get("service")},
		IssuedAt: jwt.NewNumericDate(now), NotBefore: jwt.NewNumericDate(now.Add(-time.Minute)), Expiry: jwt.NewNumericDate(now.Add(tokenLife)),
		ID: rand.Text(),
	}).Claims(map[string]any{"access": granted}).Serialize()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"token": token, "expires_in": int(tokenLife.Seconds())})
}
