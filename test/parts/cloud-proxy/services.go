// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Hosts of the clouds.
const (
	metadataHost   = "metadata.google.internal"
	microsoftHost  = "login.microsoftonline.com"
	googleSTS      = "sts.googleapis.com"
	googleIAM      = "iamcredentials.googleapis.com"
	metadataClient = "metadata"
)

// request is a call of a service.
type request struct {
	*http.Request
	form   url.Values
	config config
	proxy  *proxy
}

// route returns the call, and the answer of its service.
func (r request) route(host string) (call, func() *http.Response) {
	switch {
	case host == metadataHost:
		if !strings.HasSuffix(r.URL.Path, "/token") {
			return call{Service: "gcp-discovery"}, r.metadata
		}
		return call{Service: "gcp-metadata", Identity: metadataClient}, r.metadata
	case strings.HasPrefix(host, "sts.") && strings.HasSuffix(host, ".amazonaws.com"):
		return call{Service: "aws-sts", Identity: r.form.Get("RoleArn"), Subject: r.token("WebIdentityToken").Subject}, r.awsSTS
	case strings.HasPrefix(host, "api.ecr.") && strings.HasSuffix(host, ".amazonaws.com"):
		return call{Service: "aws-ecr", Identity: r.role()}, r.ecr
	case host == microsoftHost && r.Method == http.MethodGet:
		return call{Service: "azure-discovery"}, r.discovery
	case host == microsoftHost:
		tenant, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
		return call{Service: "azure-token", Identity: tenant + "/" + r.form.Get("client_id"), Subject: r.token("client_assertion").Subject}, r.entra
	case registryHost.MatchString(host) && r.URL.Path == "/oauth2/exchange":
		return call{Service: "azure-exchange", Identity: r.proxy.open("entra", r.form.Get("access_token"))}, r.exchange
	case host == googleSTS:
		return call{Service: "gcp-sts", Identity: r.form.Get("audience"), Subject: r.token("subject_token").Subject}, r.googleSTS
	case host == googleIAM:
		account := strings.TrimSuffix(r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:], ":generateAccessToken")
		return call{Service: "gcp-iam", Identity: account}, r.googleIAM
	}
	return call{Service: "unknown"}, func() *http.Response { return text(r.Request, http.StatusBadGateway, `{}`) }
}

// claims are those of a token of Kubernetes. The services do not check its signature.
type claims struct {
	Subject  string   `json:"sub"`
	Audience audience `json:"aud"`
	Expires  float64  `json:"exp"`
}

// audience is a list, or a text in a token of one audience.
type audience []string

// UnmarshalJSON implements json.Unmarshaler.
func (a *audience) UnmarshalJSON(raw []byte) error {
	var one string
	if json.Unmarshal(raw, &one) == nil {
		*a = audience{one}
		return nil
	}
	return json.Unmarshal(raw, (*[]string)(a))
}

func (c claims) isFor(audience string) bool { return slices.Contains(c.Audience, audience) }

func (c claims) hasExpired() bool { return time.Now().After(time.Unix(int64(c.Expires), 0)) }

// token returns the claims of a token of Kubernetes in the form, and records it as a secret.
func (r request) token(field string) (c claims) {
	parts := strings.Split(r.proxy.secret(r.config, r.form.Get(field)), ".")
	if len(parts) != 3 {
		return c
	}
	raw, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil || json.Unmarshal(raw, &c) != nil {
		return claims{}
	}
	return c
}

// presented returns the token of Kubernetes in the form.
func (r request) presented() string {
	return cmp.Or(r.form.Get("WebIdentityToken"), r.form.Get("client_assertion"), r.form.Get("subject_token"))
}

// seal returns a token of one kind for an identity, and records it as a secret.
func (r request) seal(kind, identity string) string {
	return r.proxy.secret(r.config, base64.RawURLEncoding.EncodeToString([]byte(identity))+"."+hex.EncodeToString(r.proxy.mac(kind, identity)))
}

func (p *proxy) mac(kind, identity string) []byte {
	mac := hmac.New(sha256.New, p.key)
	fmt.Fprintf(mac, "%s\n%s", kind, identity)
	return mac.Sum(nil)
}

// open returns the identity of a token of one kind, or "" if no seal made it.
func (p *proxy) open(kind, token string) string {
	encoded, sum, _ := strings.Cut(token, ".")
	identity, err := base64.RawURLEncoding.DecodeString(encoded)
	mac, bad := hex.DecodeString(sum)
	if err != nil || bad != nil || !hmac.Equal(mac, p.mac(kind, string(identity))) {
		return ""
	}
	return string(identity)
}

func (r request) json(status int, body any) *http.Response {
	raw, err := json.Marshal(body)
	if err != nil {
		return text(r.Request, http.StatusInternalServerError, `{}`)
	}
	return text(r.Request, status, string(raw))
}

type object map[string]any

// awsSTS answers AssumeRoleWithWebIdentity.
func (r request) awsSTS() *http.Response {
	token := r.token("WebIdentityToken")
	switch {
	case r.form.Get("Action") != "AssumeRoleWithWebIdentity":
		return r.awsError(http.StatusBadRequest, "InvalidAction", "")
	case !token.isFor("sts.amazonaws.com"):
		return r.awsError(http.StatusBadRequest, "InvalidIdentityToken", "incorrect token audience")
	case token.hasExpired():
		return r.awsError(http.StatusBadRequest, "ExpiredTokenException", "token expired: "+r.form.Get("WebIdentityToken"))
	}
	role := r.form.Get("RoleArn")
	return text(r.Request, http.StatusOK, fmt.Sprintf(`<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleWithWebIdentityResult>`+
		`<AssumedRoleUser><Arn>%[1]s</Arn><AssumedRoleId>AROA:x</AssumedRoleId></AssumedRoleUser>`+
		`<Credentials><AccessKeyId>ASIA%[2]X</AccessKeyId><SecretAccessKey>%[3]s</SecretAccessKey><SessionToken>%[4]s</SessionToken><Expiration>%[5]s</Expiration></Credentials>`+
		`</AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`,
		role, sha256.Sum256([]byte(role)), r.seal("aws-key", role), r.seal("aws", role), time.Now().Add(time.Hour).UTC().Format(time.RFC3339)))
}

func (r request) awsError(status int, code, message string) *http.Response {
	return text(r.Request, status, `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>`+code+`</Code><Message>`+message+`</Message></Error></ErrorResponse>`)
}

// role is the role of the caller of ECR.
func (r request) role() string { return r.proxy.open("aws", r.Header.Get("X-Amz-Security-Token")) }

// ecr answers GetAuthorizationToken.
func (r request) ecr() *http.Response {
	if r.Header.Get("X-Amz-Target") != "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken" || r.role() == "" {
		return r.json(http.StatusBadRequest, object{"__type": "UnrecognizedClientException", "message": "The security token included in the request is invalid"})
	}
	token := base64.StdEncoding.EncodeToString([]byte("AWS:" + r.password("aws")))
	return r.json(http.StatusOK, object{"authorizationData": []object{{
		"authorizationToken": r.proxy.secret(r.config, token), "expiresAt": time.Now().Add(12 * time.Hour).Unix(), "proxyEndpoint": "https://registry",
	}}})
}

// password is that of a cloud for the registry.
func (r request) password(cloud string) string {
	return r.proxy.secret(r.config, r.config.Passwords[cloud])
}

// discovery answers requests for the metadata of Entra.
func (r request) discovery() *http.Response {
	const base = "https://" + microsoftHost + "/"
	if strings.HasPrefix(r.URL.Path, "/common/discovery/instance") {
		return r.json(http.StatusOK, object{
			"tenant_discovery_endpoint": base + "common/v2.0/.well-known/openid-configuration",
			"metadata":                  []object{{"preferred_network": microsoftHost, "preferred_cache": microsoftHost, "aliases": []string{microsoftHost}}},
		})
	}
	tenant, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	return r.json(http.StatusOK, object{
		"token_endpoint": base + tenant + "/oauth2/v2.0/token", "authorization_endpoint": base + tenant + "/oauth2/v2.0/authorize", "issuer": base + tenant + "/v2.0",
	})
}

// entra answers a request for a token of Entra.
func (r request) entra() *http.Response {
	token := r.token("client_assertion")
	fault := func(code, description string) *http.Response {
		return r.json(http.StatusBadRequest, object{"error": "invalid_client", "error_description": code + ": " + description + r.form.Get("client_assertion"), "error_codes": []int{700024}})
	}
	switch {
	case !token.isFor("api://AzureADTokenExchange"):
		return fault("AADSTS700212", "No matching federated identity record found for presented assertion audience ")
	case token.hasExpired():
		return fault("AADSTS700024", "Client assertion is not within its valid time range. ")
	}
	tenant, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	return r.json(http.StatusOK, object{"token_type": "Bearer", "expires_in": 3600, "ext_expires_in": 3600, "access_token": r.seal("entra", tenant+"/"+r.form.Get("client_id"))})
}

// exchange answers the registry's exchange of a token of Entra for a token of the registry.
func (r request) exchange() *http.Response {
	if r.proxy.open("entra", r.form.Get("access_token")) == "" || r.form.Get("service") != r.URL.Hostname() {
		return r.json(http.StatusUnauthorized, object{"errors": []object{{"code": "UNAUTHORIZED", "message": "authentication required"}}})
	}
	return r.json(http.StatusOK, object{"refresh_token": r.password("azure")})
}

// googleSTS answers the exchange of a token of Kubernetes for a federated token.
func (r request) googleSTS() *http.Response {
	token := r.token("subject_token")
	audience := r.form.Get("audience")
	if !token.isFor(audience) || token.hasExpired() {
		return r.json(http.StatusBadRequest, object{"error": "invalid_grant", "error_description": "The ID Token is stale or for another audience: " + r.form.Get("subject_token")})
	}
	return r.json(http.StatusOK, object{
		"access_token": r.seal("google", audience), "issued_token_type": "urn:ietf:params:oauth:token-type:access_token", "token_type": "Bearer", "expires_in": 3600,
	})
}

// googleIAM answers generateAccessToken.
func (r request) googleIAM() *http.Response {
	bearer, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if r.proxy.open("google", bearer) == "" {
		return r.json(http.StatusUnauthorized, object{"error": object{"code": 401, "status": "UNAUTHENTICATED"}})
	}
	return r.json(http.StatusOK, object{"accessToken": r.password("gcp"), "expireTime": time.Now().Add(time.Hour).UTC().Format(time.RFC3339)})
}

// metadata answers as the metadata service of a node.
func (r request) metadata() *http.Response {
	switch path := strings.TrimPrefix(r.URL.Path, "/computeMetadata/v1/"); {
	case r.Header.Get("Metadata-Flavor") != "Google":
		return text(r.Request, http.StatusForbidden, `{}`)
	case path == "project/project-id":
		return flavoured(text(r.Request, http.StatusOK, "project"))
	case strings.HasPrefix(path, "instance/service-accounts/") && strings.HasSuffix(path, "/token"):
		return flavoured(r.json(http.StatusOK, object{"access_token": r.password("gcp"), "expires_in": 3600, "token_type": "Bearer"}))
	}
	return flavoured(text(r.Request, http.StatusNotFound, `{}`))
}

// flavoured marks an answer as that of a metadata service.
func flavoured(resp *http.Response) *http.Response {
	resp.Header.Set("Metadata-Flavor", "Google")
	return resp
}
