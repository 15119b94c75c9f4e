// SPDX-License-Identifier: Apache-2.0

package registry

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	lru "github.com/hashicorp/golang-lru/v2"
	"oras.land/oras-go/v2/registry/remote/auth"
	"oras.land/oras-go/v2/registry/remote/errcode"

	"github.com/verifiedchart/verifiedchart/internal/outbound"
)

const (
	// maxTokens bounds the number of kept tokens, of all tenants.
	maxTokens = 2048
	// maxToken bounds the size of a kept token with its key, in bytes.
	maxToken = 16 << 10
)

var errNoToken = errors.New("no token is kept")

// errTokenRefused is the error for a registry that refused a token and then asks for a password, as Harbor does.
// A request without the old token gets a new one.
var errTokenRefused = fmt.Errorf("%w: the registry refused the token", ErrUnauthorized)

// tokens keeps tokens and authentication schemes of registries. It evicts the least recently used first, so
// that no registry can make it grow with new scopes.
type tokens struct {
	schemes *lru.Cache[string, auth.Scheme]
	tokens  *lru.Cache[tokenKey, string]
}

type tokenKey struct {
	tenant string
	scheme auth.Scheme
	scopes string
}

func newTokens() *tokens {
	schemes, err := lru.New[string, auth.Scheme](maxTokens)
	if err != nil {
		panic(err)
	}
	kept, err := lru.New[tokenKey, string](maxTokens)
	if err != nil {
		panic(err)
	}
	return &tokens{schemes: schemes, tokens: kept}
}

// of returns the tokens of exactly one tenant at one registry.
func (t *tokens) of(tenant string) auth.Cache { return tenantTokens{all: t, tenant: tenant} }

type tenantTokens struct {
	all    *tokens
	tenant string
}

// GetScheme implements auth.Cache.
func (t tenantTokens) GetScheme(context.Context, string) (auth.Scheme, error) {
	scheme, ok := t.all.schemes.Get(t.tenant)
	if !ok {
		return auth.SchemeUnknown, errNoToken
	}
	return scheme, nil
}

// GetToken implements auth.Cache.
func (t tenantTokens) GetToken(_ context.Context, _ string, scheme auth.Scheme, scopes string) (string, error) {
	token, ok := t.all.tokens.Get(tokenKey{t.tenant, scheme, scopes})
	if !ok {
		return "", errNoToken
	}
	return token, nil
}

// Set implements auth.Cache. If a registry gives a token for scopes that differ from the expected ones, as
// public.ecr.aws does, Set also keeps the token for the expected scopes: this registry gives no other token,
// and without Set each request would be refused first. A registry that refuses a token and then asks for a password,
// as Harbor does, gets a new token and not the password.
func (t tenantTokens) Set(ctx context.Context, registry string, scheme auth.Scheme, scopes string, fetch func(context.Context) (string, error)) (string, error) {
	if before, known := t.all.schemes.Get(t.tenant); scheme == auth.SchemeBasic && known && before == auth.SchemeBearer {
		t.all.schemes.Remove(t.tenant)
		return "", errTokenRefused
	}
	token, err := fetch(ctx)
	if err != nil {
		return "", tokenError(scheme, err)
	}
	t.all.schemes.Add(t.tenant, scheme)
	names := []string{scopes}
	if scheme == auth.SchemeBearer {
		names = append(names, strings.Join(auth.GetAllScopesForHost(ctx, registry), " "))
	}
	for _, name := range names {
		if len(name)+len(token) <= maxToken {
			t.all.tokens.Add(tokenKey{t.tenant, scheme, name}, token)
		}
	}
	return token, nil
}

// tokenError gives the failure to get a token its class. It leaves out the text of the token service, which may
// repeat its input. A 404 of the token service is not a 404 of the registry: it must not read as the absence of
// a signature.
func tokenError(scheme auth.Scheme, err error) error {
	if scheme == auth.SchemeBasic {
		return fmt.Errorf("%w: the registry requires a user name and a password: %w", ErrUnauthorized, err)
	}
	var answer *errcode.ErrorResponse
	if !errors.As(err, &answer) {
		return err
	}
	switch answer.StatusCode {
	case http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden: // RFC 6749 §5.2 uses 400 for invalid_grant
		return fmt.Errorf("%w: the token service answered %s", ErrUnauthorized, outbound.StatusText(answer.StatusCode))
	}
	return &outbound.StatusError{Who: "the token service", Status: answer.StatusCode}
}
