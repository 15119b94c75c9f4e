// SPDX-License-Identifier: Apache-2.0

// Package cloud gets credentials for the registries of AWS, Azure and Google Cloud by workload identity, with Flux's pkg/auth.
//
// It knows ServiceAccounts and clouds. It does not know VerifiedCharts, conditions, or how a registry is read.
package cloud

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/fluxcd/pkg/auth"
	"github.com/fluxcd/pkg/auth/aws"
	"github.com/fluxcd/pkg/auth/azure"
	"github.com/fluxcd/pkg/auth/gcp"
	"github.com/fluxcd/pkg/cache"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/verifiedchart/verifiedchart/internal/problem"
	"github.com/verifiedchart/verifiedchart/internal/registry"
)

var (
	// ErrRefused is matched by an error that stays until the spec, the ServiceAccount or a flag changes.
	ErrRefused = errors.New("refused")
	// ErrGateDisabled is matched by the error for a ServiceAccount while the feature gate is off.
	ErrGateDisabled = errors.New("the feature gate " + FeatureGate + " is disabled")
	// ErrFailed is matched by an error of the cloud or the API server. A retry may help.
	ErrFailed = errors.New("no credentials of the cloud")
	// ErrOptions is matched by the error for flags that contradict each other.
	ErrOptions = errors.New("unusable options")
)

// FeatureGate is Flux's name of the gate that lets an object use the cloud identity of a ServiceAccount.
const FeatureGate = auth.FeatureGateObjectLevelWorkloadIdentity

// AllNamespaces stands for every namespace in Options.ControllerNamespaces.
const AllNamespaces = "*"

// Provider is one cloud, as pkg/auth knows it.
type Provider = auth.ArtifactRegistryCredentialsProvider

// Options configure a Client.
type Options struct {
	// Client reads ServiceAccounts and creates their tokens. It may read from a cache that keeps annotations.
	Client client.Client
	// MaxTokens bounds the tokens that are kept for each namespace. If it is not positive, none is kept.
	MaxTokens int
	// MaxDuration bounds how long a token is kept: an hour if it is not positive or longer.
	MaxDuration time.Duration
	// ObjectLevel is the feature gate: it allows requests with a ServiceAccount.
	ObjectLevel bool
	// DefaultServiceAccount is used by requests without a ServiceAccount. It needs ObjectLevel.
	DefaultServiceAccount string
	// ControllerNamespaces are the namespaces whose objects may use the controller's own identity.
	ControllerNamespaces []string
	// Providers replace the clouds, by their names; for tests.
	Providers map[string]Provider
}

// Client gets credentials. It is safe for concurrent use, and a slow cloud of one namespace delays no other namespace.
type Client struct {
	client               client.Client
	objectLevel          bool
	defaultAccount       string
	controllerNamespaces []string
	providers            map[string]Provider
	tokens               *tokens
}

// New returns a Client. The error matches ErrOptions.
func New(o Options) (*Client, error) {
	if o.DefaultServiceAccount != "" && !o.ObjectLevel {
		return nil, fmt.Errorf("%w: a default ServiceAccount needs the feature gate %s", ErrOptions, FeatureGate)
	}
	if o.ObjectLevel {
		openGate()
	}
	if o.Providers == nil {
		o.Providers = map[string]Provider{aws.ProviderName: aws.Provider{}, azure.ProviderName: azure.Provider{}, gcp.ProviderName: gcp.Provider{}}
	}
	return &Client{
		client: o.Client, objectLevel: o.ObjectLevel, defaultAccount: o.DefaultServiceAccount,
		controllerNamespaces: o.ControllerNamespaces, providers: o.Providers, tokens: newTokens(o.MaxTokens, o.MaxDuration),
	}, nil
}

// Request is a repository, and the identity that reads it.
type Request struct {
	// Provider is aws, azure or gcp.
	Provider string
	// Namespace is that of the object, and of its ServiceAccount.
	Namespace string
	// ServiceAccount has the identity. If it is empty, the default ServiceAccount has it, or else the controller.
	ServiceAccount string
	// Repository is the host and the path of the repository.
	Repository string
	// Proxy is used for the requests to the cloud instead of the environment's, if it is not nil.
	Proxy *url.URL
}

// Credentials returns credentials for the host of a repository, and for no other host. The error matches ErrRefused,
// ErrGateDisabled or ErrFailed, and holds nothing that a cloud answered except its error codes.
func (c *Client) Credentials(ctx context.Context, r Request) (registry.Credentials, error) {
	provider, ok := c.providers[r.Provider]
	if !ok {
		return registry.Credentials{}, problem.New(ErrRefused, "provider %q is unknown", r.Provider).Fix("use aws, azure, gcp or generic")
	}
	if err := checkHost(provider, r); err != nil {
		return registry.Credentials{}, err
	}
	field := "spec.serviceAccountName"
	if r.ServiceAccount == "" {
		r.ServiceAccount, field = c.defaultAccount, "--default-service-account"
	}
	options, err := c.identity(ctx, provider, r, field)
	if err != nil {
		return registry.Credentials{}, err
	}
	if r.Proxy != nil {
		options = append(options, auth.WithProxyURL(*r.Proxy))
	}
	var got *auth.ArtifactRegistryCredentials
	err = c.tokens.use(ctx, r.Namespace, func(kept *cache.TokenCache) (err error) {
		if kept != nil {
			options = append(options, auth.WithCache(*kept, cache.InvolvedObject{}))
		}
		got, err = guarded(func() (*auth.ArtifactRegistryCredentials, error) {
			return auth.GetArtifactRegistryCredentials(ctx, provider, r.Repository, options...)
		})
		return err
	})
	if err != nil {
		return registry.Credentials{}, failed(ctx, r, err)
	}
	return basic(r, got)
}

// Forget drops the kept credentials of a namespace, so that the next request asks the cloud.
func (c *Client) Forget(namespace string) { c.tokens.forget(namespace) }

// basic returns the credentials that pkg/auth got.
func basic(r Request, got *auth.ArtifactRegistryCredentials) (registry.Credentials, error) {
	if got == nil || got.Authenticator == nil {
		return registry.Credentials{}, failed(context.Background(), r, errMalformed)
	}
	config, err := got.Authorization()
	if err != nil || config == nil || config.Username == "" || config.Password == "" {
		return registry.Credentials{}, failed(context.Background(), r, errMalformed)
	}
	return registry.IssuedCredentials(r.Repository, config.Username, config.Password), nil
}

// checkHost returns an error that matches ErrRefused unless the host is a registry of the cloud.
func checkHost(provider Provider, r Request) error {
	host, _, _ := strings.Cut(r.Repository, "/")
	if _, err := provider.ParseArtifactRepository(r.Repository); err != nil || !isBelowSuffix(r.Provider, host) {
		return problem.New(ErrRefused, "%s is not a registry of provider %s", host, r.Provider).Fix("correct url, or remove provider")
	}
	return nil
}

// identity returns the options for the identity of a request: of its ServiceAccount, which the field names, or else of the controller.
func (c *Client) identity(ctx context.Context, provider Provider, r Request, field string) ([]auth.Option, error) {
	switch {
	case r.ServiceAccount == "" && c.mayUseController(r.Namespace):
		return nil, nil
	case r.ServiceAccount == "":
		return nil, problem.New(ErrRefused, "namespace %s may not use the controller's %s identity", r.Namespace, r.Provider).
			Fix("set spec.serviceAccountName, or add the namespace to --controller-identity-namespaces")
	case !c.objectLevel:
		return nil, problem.New(ErrGateDisabled, "serviceAccountName with provider %s is not enabled", r.Provider).
			Fix("run the controller with --feature-gates=%s=true", FeatureGate)
	}
	if err := c.checkAccount(ctx, provider, r, field); err != nil {
		return nil, err
	}
	return []auth.Option{auth.WithClient(c.client), auth.WithServiceAccountNamespace(r.Namespace), auth.WithServiceAccountName(r.ServiceAccount)}, nil
}

func (c *Client) mayUseController(namespace string) bool {
	return slices.Contains(c.controllerNamespaces, namespace) || slices.Contains(c.controllerNamespaces, AllNamespaces)
}

// annotations are those by which a ServiceAccount names its identity.
var annotations = map[string]string{
	aws.ProviderName:   "eks.amazonaws.com/role-arn",
	azure.ProviderName: "azure.workload.identity/client-id and azure.workload.identity/tenant-id",
	gcp.ProviderName:   "iam.gke.io/gcp-service-account, or gcp.auth.fluxcd.io/workload-identity-provider outside of GKE",
}

// checkAccount returns an error unless the ServiceAccount exists and names its identity.
func (c *Client) checkAccount(ctx context.Context, provider Provider, r Request, field string) error {
	account, shown := &corev1.ServiceAccount{}, "ServiceAccount "+r.Namespace+"/"+r.ServiceAccount
	err := c.client.Get(ctx, types.NamespacedName{Namespace: r.Namespace, Name: r.ServiceAccount}, account)
	switch {
	case apierrors.IsNotFound(err):
		return problem.New(ErrFailed, "%s not found (%s)", shown, field).
			Fix("kubectl -n %s create serviceaccount %s, and set its annotation %s", r.Namespace, r.ServiceAccount, annotations[r.Provider])
	case err != nil:
		return problem.New(ErrFailed, "%s cannot be read: %v", shown, err).Because(err)
	}
	if _, err := provider.GetIdentity(*account); err != nil {
		return problem.New(ErrRefused, "%s names no %s identity", shown, r.Provider).Fix("set its annotation %s", annotations[r.Provider])
	}
	return nil
}
