// SPDX-License-Identifier: Apache-2.0

package cloud_test

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/Azure/azure-sdk-for-go/sdk/containers/azcontainerregistry"
	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	ecrtypes "github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/aws/aws-sdk-go-v2/service/ecrpublic"
	ecrpublictypes "github.com/aws/aws-sdk-go-v2/service/ecrpublic/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	ststypes "github.com/aws/aws-sdk-go-v2/service/sts/types"
	"github.com/fluxcd/pkg/auth/aws"
	"github.com/fluxcd/pkg/auth/azure"
	"github.com/fluxcd/pkg/auth/gcp"
	"github.com/golang-jwt/jwt/v5"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/google/externalaccount"

	"github.com/verifiedchart/verifiedchart/internal/cloud"
)

func TestCloud(t *testing.T) {
	RegisterFailHandler(Fail)
	RunSpecs(t, "Cloud")
}

// clouds are fakes of the three clouds, below the unmodified providers of pkg/auth. Their passwords name the identity that asked.
type clouds struct {
	mu sync.Mutex
	// calls lists the requests.
	calls []string
	// proxies lists the proxies of the requests.
	proxies []string
	// fault fails each request if it is not nil.
	fault error
	// hold, if it is not nil, is called before each answer.
	hold func(ctx context.Context, identity string)
	// refresh is the token of Azure's registry: a good one if it is nil.
	refresh func() *string
	// password is added to each password.
	password string
}

func (f *clouds) providers() map[string]cloud.Provider {
	return map[string]cloud.Provider{
		"aws": aws.Provider{Implementation: amazon{clouds: f}}, "azure": azure.Provider{Implementation: microsoft{clouds: f}}, "gcp": gcp.Provider{Implementation: google{clouds: f}},
	}
}

// called records a request, and returns its fault.
func (f *clouds) called(ctx context.Context, call string, client any) error {
	f.mu.Lock()
	f.calls = append(f.calls, call)
	if c, ok := client.(*http.Client); ok {
		proxy, err := c.Transport.(*http.Transport).Proxy(&http.Request{URL: &url.URL{Scheme: "https", Host: "cloud.example"}})
		if err == nil && proxy != nil {
			f.proxies = append(f.proxies, proxy.String())
		}
	}
	hold, fault := f.hold, f.fault
	f.mu.Unlock()
	if hold != nil {
		hold(ctx, call)
	}
	return errors.Join(fault, ctx.Err())
}

func (f *clouds) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.calls)
}

type amazon struct {
	aws.Implementation
	*clouds
}

func (a amazon) LoadDefaultConfig(ctx context.Context, options ...func(*config.LoadOptions) error) (awssdk.Config, error) {
	var o config.LoadOptions
	for _, option := range options {
		_ = option(&o)
	}
	return awssdk.Config{Credentials: awssdk.CredentialsProviderFunc(func(context.Context) (awssdk.Credentials, error) {
		return awssdk.Credentials{AccessKeyID: "controller", SecretAccessKey: "s", SessionToken: "t", CanExpire: true, Expires: time.Now().Add(time.Hour)}, nil
	})}, a.called(ctx, "controller in "+o.Region, o.HTTPClient)
}

func (a amazon) AssumeRoleWithWebIdentity(ctx context.Context, in *sts.AssumeRoleWithWebIdentityInput, o sts.Options) (*sts.AssumeRoleWithWebIdentityOutput, error) {
	return &sts.AssumeRoleWithWebIdentityOutput{Credentials: &ststypes.Credentials{
		AccessKeyId: in.RoleArn, SecretAccessKey: awssdk.String("s"), SessionToken: in.WebIdentityToken, Expiration: awssdk.Time(time.Now().Add(time.Hour)),
	}}, a.called(ctx, "role "+*in.RoleArn, o.HTTPClient)
}

func (a amazon) token(ctx context.Context, c awssdk.Config, call string) (*string, error) {
	identity, err := c.Credentials.Retrieve(ctx)
	Expect(err).NotTo(HaveOccurred())
	return awssdk.String(base64.StdEncoding.EncodeToString([]byte("AWS:" + identity.AccessKeyID[max(0, len(identity.AccessKeyID)-10):] + a.password))), a.called(ctx, call+" in "+c.Region, c.HTTPClient)
}

func (a amazon) GetAuthorizationToken(ctx context.Context, c awssdk.Config) (any, error) {
	token, err := a.token(ctx, c, "ecr")
	return &ecr.GetAuthorizationTokenOutput{AuthorizationData: []ecrtypes.AuthorizationData{{AuthorizationToken: token, ExpiresAt: awssdk.Time(time.Now().Add(12 * time.Hour))}}}, err
}

func (a amazon) GetPublicAuthorizationToken(ctx context.Context, c awssdk.Config) (any, error) {
	token, err := a.token(ctx, c, "ecr-public")
	return &ecrpublic.GetAuthorizationTokenOutput{AuthorizationData: &ecrpublictypes.AuthorizationData{AuthorizationToken: token, ExpiresAt: awssdk.Time(time.Now().Add(12 * time.Hour))}}, err
}

type microsoft struct {
	azure.Implementation
	*clouds
}

// bearer is the credential of an identity of Azure.
type bearer struct {
	*clouds
	identity string
	client   any
}

// GetToken implements azcore.TokenCredential.
func (b bearer) GetToken(ctx context.Context, _ policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{Token: b.identity, ExpiresOn: time.Now().Add(time.Hour)}, b.called(ctx, "entra for "+b.identity, b.client)
}

func (m microsoft) NewDefaultAzureCredentialWithoutShellOut(o *azidentity.DefaultAzureCredentialOptions) (azcore.TokenCredential, error) {
	return bearer{m.clouds, "controller", o.Transport}, nil
}

func (m microsoft) NewClientAssertionCredential(tenant, client string, _ func(context.Context) (string, error), o *azidentity.ClientAssertionCredentialOptions) (azcore.TokenCredential, error) {
	return bearer{m.clouds, tenant + "/" + client, o.Transport}, nil
}

func (m microsoft) ExchangeAADAccessTokenForACRRefreshToken(ctx context.Context, _ *azcontainerregistry.AuthenticationClient, _ azcontainerregistry.PostContentSchemaGrantType, service string,
	o *azcontainerregistry.AuthenticationClientExchangeAADAccessTokenForACRRefreshTokenOptions) (out azcontainerregistry.AuthenticationClientExchangeAADAccessTokenForACRRefreshTokenResponse, err error) {
	out.RefreshToken = awssdk.String(jwtOf(*o.AccessToken))
	if m.refresh != nil {
		out.RefreshToken = m.refresh()
	}
	return out, m.called(ctx, "exchange at "+service, nil)
}

// expiry is the end of each token of Azure, so that equal tokens have equal texts.
var expiry = time.Now().Add(3 * time.Hour)

// jwtOf returns a token of Azure's registry.
func jwtOf(identity string) string {
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{"sub": identity, "exp": expiry.Unix()}).SignedString([]byte("key"))
	Expect(err).NotTo(HaveOccurred())
	return token
}

type google struct {
	gcp.Implementation
	*clouds
}

func (g google) DefaultTokenSource(ctx context.Context, _ ...string) (oauth2.TokenSource, error) {
	return oauth2.StaticTokenSource(&oauth2.Token{AccessToken: "controller", Expiry: time.Now().Add(time.Hour)}), g.called(ctx, "metadata", ctx.Value(oauth2.HTTPClient))
}

func (g google) NewTokenSource(ctx context.Context, c externalaccount.Config) (oauth2.TokenSource, error) {
	return oauth2.StaticTokenSource(&oauth2.Token{AccessToken: c.Audience, Expiry: time.Now().Add(time.Hour)}), g.called(ctx, "sts for "+c.ServiceAccountImpersonationURL, ctx.Value(oauth2.HTTPClient))
}
