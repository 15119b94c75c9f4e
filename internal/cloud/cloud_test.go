// SPDX-License-Identifier: Apache-2.0

package cloud_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	ststypes "github.com/aws/aws-sdk-go-v2/service/sts/types"
	"github.com/aws/smithy-go"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"golang.org/x/mod/modfile"
	"golang.org/x/mod/semver"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/verifiedchart/verifiedchart/internal/cloud"
	"github.com/verifiedchart/verifiedchart/internal/problem"
	"github.com/verifiedchart/verifiedchart/internal/registry"
)

const (
	ecrRepository = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/charts/app"
	acrRepository = "team.azurecr.io/charts/app"
	garRepository = "europe-docker.pkg.dev/project/charts/app"
)

// account returns a ServiceAccount with identities in all clouds.
func account(namespace, name string) *corev1.ServiceAccount {
	return &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, Annotations: map[string]string{
		"eks.amazonaws.com/role-arn":        "arn:aws:iam::1:role/reader-one",
		"azure.workload.identity/tenant-id": "tenant", "azure.workload.identity/client-id": "client",
		"iam.gke.io/gcp-service-account":                "reader@project.iam.gserviceaccount.com",
		"gcp.auth.fluxcd.io/workload-identity-provider": "projects/1/locations/global/workloadIdentityPools/pool/providers/provider",
	}}}
}

var _ = Describe("Credentials of a cloud", func() {
	var fakes *clouds
	var api client.Client
	BeforeEach(func() {
		fakes = &clouds{}
		api = fake.NewClientBuilder().WithObjects(account("team", "reader")).Build()
	})

	newClient := func(change ...func(*cloud.Options)) *cloud.Client {
		GinkgoHelper()
		o := cloud.Options{Client: api, MaxTokens: 10, ObjectLevel: true, ControllerNamespaces: []string{"system"}, Providers: fakes.providers()}
		for _, c := range change {
			c(&o)
		}
		c, err := cloud.New(o)
		Expect(err).NotTo(HaveOccurred())
		return c
	}
	closed := func(o *cloud.Options) { o.ObjectLevel = false }
	request := func(provider, repository, serviceAccount string) cloud.Request {
		r := cloud.Request{Provider: provider, Namespace: "team", ServiceAccount: serviceAccount, Repository: repository}
		if serviceAccount == "" {
			r.Namespace = "system"
		}
		return r
	}

	DescribeTable("are those of an identity, for the host of the repository",
		func(ctx context.Context, provider, repository, serviceAccount, username string, password func() string, calls ...string) {
			got, err := newClient().Credentials(ctx, request(provider, repository, serviceAccount))
			Expect(err).NotTo(HaveOccurred())
			Expect(got.Fingerprint()).To(Equal(registry.BasicCredentials(repository, username, password()).Fingerprint()))
			Expect(fakes.calls).To(Equal(calls))
		},
		Entry("the controller's in AWS", "aws", ecrRepository, "", "AWS", text("controller"), "controller in eu-west-1", "ecr in eu-west-1"),
		Entry("the controller's in AWS' public registry", "aws", "public.ecr.aws/org/app", "", "AWS", text("controller"), "controller in us-east-1", "ecr-public in us-east-1"),
		Entry("the controller's in AWS in China", "aws", "123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn/app", "", "AWS", text("controller"), "controller in cn-north-1", "ecr in cn-north-1"),
		Entry("a ServiceAccount's in AWS", "aws", ecrRepository, "reader", "AWS", text("reader-one"), "role arn:aws:iam::1:role/reader-one", "ecr in eu-west-1"),
		Entry("the controller's in Azure", "azure", acrRepository, "", "00000000-0000-0000-0000-000000000000", func() string { return jwtOf("controller") }, "entra for controller", "exchange at team.azurecr.io"),
		Entry("a ServiceAccount's in Azure", "azure", acrRepository, "reader", "00000000-0000-0000-0000-000000000000", func() string { return jwtOf("tenant/client") }, "entra for tenant/client", "exchange at team.azurecr.io"),
		Entry("the controller's in Google Cloud", "gcp", garRepository, "", "oauth2accesstoken", text("controller"), "metadata"),
		Entry("the controller's in Google's older registry", "gcp", "eu.gcr.io/project/app", "", "oauth2accesstoken", text("controller"), "metadata"),
		Entry("a ServiceAccount's in Google Cloud", "gcp", garRepository, "reader", "oauth2accesstoken",
			text("//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/pool/providers/provider"),
			"sts for https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/reader@project.iam.gserviceaccount.com:generateAccessToken"),
	)

	DescribeTable("are refused to a host that looks like one of the cloud, without a request to the cloud",
		func(ctx context.Context, provider, host string) {
			_, err := newClient().Credentials(ctx, request(provider, host+"/charts/app", ""))
			Expect(err).To(MatchError(cloud.ErrRefused))
			Expect(err).To(MatchError(ContainSubstring(host + " is not a registry of provider " + provider)))
			Expect(fakes.calls).To(BeEmpty())
		},
		Entry("ECR's host before another domain", "aws", "123456789012.dkr.ecr.eu-west-1.amazonaws.com.evil.example"),
		Entry("ECR's host after another name", "aws", "evil-123456789012.dkr.ecr.eu-west-1.amazonaws.com"),
		Entry("ECR's host after another domain", "aws", "evil.123456789012.dkr.ecr.eu-west-1.amazonaws.com"),
		Entry("ECR's host with a port", "aws", "123456789012.dkr.ecr.eu-west-1.amazonaws.com:5000"),
		Entry("ECR's host in another top-level domain", "aws", "123456789012.dkr.ecr.eu-west-1.amazonaws.evil"),
		Entry("ECR's host without its dots", "aws", "123456789012-dkr-ecr-eu-west-1-amazonaws.com"),
		Entry("an account that is too short", "aws", "1234.dkr.ecr.eu-west-1.amazonaws.com"),
		Entry("AWS itself", "aws", "amazonaws.com"),
		Entry("the public registry before another domain", "aws", "public.ecr.aws.evil.example"),
		Entry("the public registry after another domain", "aws", "evil.public.ecr.aws"),
		Entry("ACR's host before another domain", "azure", "team.azurecr.io.evil.example"),
		Entry("ACR's host without a dot", "azure", "evilazurecr.io"),
		Entry("ACR's domain alone", "azure", "azurecr.io"),
		Entry("ACR's host with a port", "azure", "team.azurecr.io:5000"),
		Entry("Artifact Registry before another domain", "gcp", "europe-docker.pkg.dev.evil.example"),
		Entry("Artifact Registry without a location", "gcp", "docker.pkg.dev"),
		Entry("Artifact Registry's package host for another format", "gcp", "europe-npm.pkg.dev"),
		Entry("Container Registry before another domain", "gcp", "gcr.io.evil.example"),
		Entry("Container Registry without a dot", "gcp", "evilgcr.io"),
		Entry("a host of another cloud", "aws", "team.azurecr.io"),
		Entry("a host of no cloud", "azure", "ghcr.io"),
		Entry("Docker Hub", "gcp", "docker.io"),
	)

	DescribeTable("of a private Azure are for hosts below its suffix", func(ctx context.Context, suffix, host string, refused bool) {
		file := filepath.Join(GinkgoT().TempDir(), "environment.json")
		Expect(os.WriteFile(file, fmt.Appendf(nil, `{"containerRegistryDNSSuffix":%q,"resourceManagerEndpoint":"https://arm","tokenAudience":"https://arm"}`, suffix), 0o600)).To(Succeed())
		GinkgoT().Setenv("AZURE_ENVIRONMENT_FILEPATH", file)
		_, err := newClient().Credentials(ctx, request("azure", host+"/app", ""))
		if refused {
			Expect(err).To(MatchError(cloud.ErrRefused))
			return
		}
		Expect(err).NotTo(HaveOccurred())
	},
		Entry("a registry", "azurecr.stack.example", "team.azurecr.stack.example", false),
		Entry("a registry, with a suffix that begins with a dot", ".azurecr.stack.example", "team.azurecr.stack.example", false),
		Entry("a registry of the public cloud", "azurecr.stack.example", "team.azurecr.io", false),
		Entry("a domain with the same end", "registry.example", "evilregistry.example", true),
		Entry("the suffix itself", "registry.example", "registry.example", true),
		Entry("a suffix before another domain", "registry.example", "team.registry.example.evil", true),
	)

	DescribeTable("are refused", func(ctx context.Context, arrange func(*cloud.Options), r func() cloud.Request, class error, brief, fix string) {
		_, err := newClient(arrange).Credentials(ctx, r())
		Expect(err).To(MatchError(class))
		Expect(problem.Brief(err)).To(ContainSubstring(brief))
		Expect(len(strings.Fields(problem.Brief(err)))).To(BeNumerically("<=", 15))
		Expect(err).To(MatchError(ContainSubstring(fix)))
		Expect(fakes.calls).To(BeEmpty())
	},
		Entry("for an unknown provider", unchanged, func() cloud.Request { return request("oracle", ecrRepository, "") },
			cloud.ErrRefused, `provider "oracle" is unknown`, "use aws"),
		Entry("for a ServiceAccount while the feature gate is off", closed, func() cloud.Request { return request("aws", ecrRepository, "reader") },
			cloud.ErrGateDisabled, "serviceAccountName with provider aws is not enabled", "--feature-gates=ObjectLevelWorkloadIdentity=true"),
		Entry("for a ServiceAccount while the gate is off, though the namespace may use the controller's identity", closed,
			func() cloud.Request { r := request("aws", ecrRepository, "reader"); r.Namespace = "system"; return r }, cloud.ErrGateDisabled, "is not enabled", ""),
		Entry("for the controller's identity in another namespace", unchanged, func() cloud.Request { r := request("aws", ecrRepository, ""); r.Namespace = "team"; return r },
			cloud.ErrRefused, "namespace team may not use the controller's aws identity", "add the namespace to --controller-identity-namespaces"),
		Entry("for the controller's identity if no namespace may use it", func(o *cloud.Options) { o.ControllerNamespaces = nil },
			func() cloud.Request { return request("gcp", garRepository, "") }, cloud.ErrRefused, "namespace system may not use", ""),
		Entry("for the controller's identity if the namespace is empty", func(o *cloud.Options) { o.ControllerNamespaces = []string{"system"} },
			func() cloud.Request { r := request("gcp", garRepository, ""); r.Namespace = ""; return r }, cloud.ErrRefused, "may not use", ""),
		Entry("for a ServiceAccount that does not exist", unchanged, func() cloud.Request { return request("aws", ecrRepository, "missing") },
			cloud.ErrFailed, "ServiceAccount team/missing not found (spec.serviceAccountName)", "kubectl -n team create serviceaccount missing"),
		Entry("for a default ServiceAccount that does not exist, though the namespace may use the controller's identity",
			func(o *cloud.Options) { o.DefaultServiceAccount = "missing" }, func() cloud.Request { return request("aws", ecrRepository, "") },
			cloud.ErrFailed, "ServiceAccount system/missing not found (--default-service-account)", "create serviceaccount missing"),
		Entry("for a ServiceAccount of another namespace", unchanged, func() cloud.Request { r := request("aws", ecrRepository, "reader"); r.Namespace = "other"; return r },
			cloud.ErrFailed, "ServiceAccount other/reader not found", ""),
		Entry("for a ServiceAccount that cannot be read", func(o *cloud.Options) {
			o.Client = interceptor.NewClient(api.(client.WithWatch), interceptor.Funcs{
				Get: func(context.Context, client.WithWatch, client.ObjectKey, client.Object, ...client.GetOption) error {
					return syscall.ECONNREFUSED
				},
			})
		}, func() cloud.Request { return request("aws", ecrRepository, "reader") }, cloud.ErrFailed, "ServiceAccount team/reader cannot be read", ""),
	)

	DescribeTable("are refused to a ServiceAccount that names no identity", func(ctx context.Context, provider, repository, annotation, value string) {
		bad := account("team", "bad")
		bad.Annotations[annotation] = value
		if value == "" {
			delete(bad.Annotations, annotation)
		}
		Expect(api.Create(ctx, bad)).To(Succeed())
		_, err := newClient().Credentials(ctx, request(provider, repository, "bad"))
		Expect(err).To(MatchError(cloud.ErrRefused))
		Expect(err).To(MatchError(And(ContainSubstring("ServiceAccount team/bad names no "+provider+" identity"), ContainSubstring(annotation))))
		Expect(fakes.calls).To(BeEmpty())
	},
		Entry("no role", "aws", ecrRepository, "eks.amazonaws.com/role-arn", ""),
		Entry("a role that is a name", "aws", ecrRepository, "eks.amazonaws.com/role-arn", "reader"),
		Entry("no tenant", "azure", acrRepository, "azure.workload.identity/tenant-id", ""),
		Entry("no client", "azure", acrRepository, "azure.workload.identity/client-id", ""),
		Entry("an account of Google that is not an address", "gcp", garRepository, "iam.gke.io/gcp-service-account", "reader"),
	)

	DescribeTable("are allowed to use the controller's identity", func(ctx context.Context, namespace string, namespaces ...string) {
		r := request("aws", ecrRepository, "")
		r.Namespace = namespace
		_, err := newClient(closed, func(o *cloud.Options) { o.ControllerNamespaces = namespaces }).Credentials(ctx, r)
		Expect(err).NotTo(HaveOccurred())
	},
		Entry("in the controller's namespace", "system", "system"),
		Entry("in a listed namespace", "team", "system", "team"),
		Entry("in every namespace", "team", "*"),
	)

	It("are those of the default ServiceAccount if the object names none", func(ctx context.Context) {
		r := request("aws", ecrRepository, "")
		r.Namespace = "team"
		_, err := newClient(func(o *cloud.Options) { o.DefaultServiceAccount = "reader" }).Credentials(ctx, r)
		Expect(err).NotTo(HaveOccurred())
		Expect(fakes.calls).To(ContainElement("role arn:aws:iam::1:role/reader-one"))
	})

	It("cannot be configured with a default ServiceAccount and without the feature gate", func() {
		_, err := cloud.New(cloud.Options{DefaultServiceAccount: "reader"})
		Expect(err).To(MatchError(cloud.ErrOptions))
	})

	DescribeTable("are got through the proxy of the object", func(ctx context.Context, provider, repository, serviceAccount string) {
		r := request(provider, repository, serviceAccount)
		r.Proxy = &url.URL{Scheme: "http", Host: "proxy.example:3128", User: url.UserPassword("u", "p")}
		_, err := newClient().Credentials(ctx, r)
		Expect(err).NotTo(HaveOccurred())
		Expect(fakes.proxies).NotTo(BeEmpty())
		Expect(fakes.proxies).To(HaveEach(r.Proxy.String()))
	},
		Entry("the controller's in AWS", "aws", ecrRepository, ""),
		Entry("a ServiceAccount's in AWS", "aws", ecrRepository, "reader"),
		Entry("the controller's in Azure", "azure", acrRepository, ""),
		Entry("a ServiceAccount's in Azure", "azure", acrRepository, "reader"),
		Entry("the controller's in Google Cloud", "gcp", garRepository, ""),
		Entry("a ServiceAccount's in Google Cloud", "gcp", garRepository, "reader"),
	)

	Describe("that are kept", func() {
		It("need no second request, except in another namespace", func(ctx context.Context) {
			c := newClient(func(o *cloud.Options) { o.ControllerNamespaces = []string{"*"} })
			for range 3 {
				_, err := c.Credentials(ctx, request("aws", ecrRepository, ""))
				Expect(err).NotTo(HaveOccurred())
			}
			Expect(fakes.count()).To(Equal(2))
			r := request("aws", ecrRepository, "")
			r.Namespace = "other"
			_, err := c.Credentials(ctx, r)
			Expect(err).NotTo(HaveOccurred())
			Expect(fakes.count()).To(Equal(4))
		})

		It("are asked for again once they are forgotten, in their namespace only", func(ctx context.Context) {
			c := newClient(func(o *cloud.Options) { o.ControllerNamespaces = []string{"*"} })
			other := request("aws", ecrRepository, "")
			other.Namespace = "other"
			ask := func(r cloud.Request) (requests int) {
				GinkgoHelper()
				before := fakes.count()
				_, err := c.Credentials(ctx, r)
				Expect(err).NotTo(HaveOccurred())
				return fakes.count() - before
			}
			Expect(ask(request("aws", ecrRepository, ""))).To(Equal(2))
			Expect(ask(other)).To(Equal(2))
			c.Forget(request("aws", ecrRepository, "").Namespace)
			Expect(ask(other)).To(BeZero())
			Expect(ask(request("aws", ecrRepository, ""))).To(Equal(2))
			Expect(ask(request("aws", ecrRepository, ""))).To(BeZero())
		})

		It("are none if the size of the cache is 0", func(ctx context.Context) {
			c := newClient(func(o *cloud.Options) { o.MaxTokens = 0 })
			for range 2 {
				_, err := c.Credentials(ctx, request("aws", ecrRepository, ""))
				Expect(err).NotTo(HaveOccurred())
			}
			Expect(fakes.count()).To(Equal(4))
			Expect(c.Namespaces()).To(BeZero())
		})

		It("end with the longest duration", func(ctx context.Context) {
			c := newClient(func(o *cloud.Options) { o.MaxDuration = time.Nanosecond })
			for range 2 {
				_, err := c.Credentials(ctx, request("gcp", garRepository, ""))
				Expect(err).NotTo(HaveOccurred())
			}
			Expect(fakes.count()).To(Equal(2))
		})

		It("are not used once the ServiceAccount names another role, or is deleted", func(ctx context.Context) {
			c := newClient()
			r := request("aws", ecrRepository, "reader")
			before, err := c.Credentials(ctx, r)
			Expect(err).NotTo(HaveOccurred())
			changed := &corev1.ServiceAccount{}
			Expect(api.Get(ctx, client.ObjectKey{Namespace: "team", Name: "reader"}, changed)).To(Succeed())
			changed.Annotations["eks.amazonaws.com/role-arn"] = "arn:aws:iam::1:role/reader-two"
			Expect(api.Update(ctx, changed)).To(Succeed())
			after, err := c.Credentials(ctx, r)
			Expect(err).NotTo(HaveOccurred())
			Expect(after.Fingerprint()).NotTo(Equal(before.Fingerprint()))
			Expect(api.Delete(ctx, changed)).To(Succeed())
			_, err = c.Credentials(ctx, r)
			Expect(err).To(MatchError(cloud.ErrFailed))
		})

		It("are of a bounded number of namespaces", func(ctx context.Context) {
			c := newClient(func(o *cloud.Options) { o.ControllerNamespaces = []string{"*"} })
			for i := range cloud.MaxNamespaces + 5 {
				r := request("gcp", garRepository, "")
				r.Namespace = fmt.Sprint("team-", i)
				_, err := c.Credentials(ctx, r)
				Expect(err).NotTo(HaveOccurred())
			}
			Expect(c.Namespaces()).To(Equal(cloud.MaxNamespaces))
		})
	})

	It("I4: of one tenant whose cloud does not answer do not delay another tenant", func(ctx context.Context) {
		release, waiting := make(chan struct{}), make(chan struct{})
		c := newClient(func(o *cloud.Options) { o.ControllerNamespaces = []string{"*"} })
		good := request("gcp", garRepository, "")
		_, err := c.Credentials(ctx, good)
		Expect(err).NotTo(HaveOccurred())
		fakes.mu.Lock()
		fakes.hold = func(_ context.Context, call string) {
			if strings.HasPrefix(call, "role ") {
				close(waiting)
				<-release
			}
		}
		fakes.mu.Unlock()
		slow := make(chan error, 1)
		go func() {
			_, err := c.Credentials(ctx, request("aws", ecrRepository, "reader"))
			slow <- err
		}()
		<-waiting

		_, err = c.Credentials(ctx, good)
		Expect(err).NotTo(HaveOccurred(), "kept credentials of another tenant")
		other := request("aws", ecrRepository, "")
		_, err = c.Credentials(ctx, other)
		Expect(err).NotTo(HaveOccurred(), "new credentials of another tenant")
		ended, cancel := context.WithCancel(ctx)
		cancel()
		_, err = c.Credentials(ended, request("aws", ecrRepository, "reader"))
		Expect(err).To(MatchError(cloud.ErrFailed), "a second request of the same tenant gives up when its time is over")
		Expect(err).To(MatchError(ContainSubstring("did not answer in time")))
		close(release)
		Expect(<-slow).To(Succeed())
	})

	DescribeTable("fail, and repeat no answer of the cloud", func(ctx context.Context, arrange func(), provider, repository, text string) {
		arrange()
		_, err := newClient().Credentials(ctx, request(provider, repository, "reader"))
		Expect(err).To(MatchError(cloud.ErrFailed))
		Expect(err).To(MatchError(ContainSubstring("no " + provider + " credentials for ServiceAccount team/reader: " + text)))
		Expect(err).NotTo(MatchError(ContainSubstring("canary")))
		Expect(len(err.Error())).To(BeNumerically("<", 500))
	},
		Entry("an answer of Azure's registry without a token", func() { fakes.refresh = func() *string { return nil } }, "azure", acrRepository, "the cloud gave a malformed answer"),
		Entry("a token of Azure's registry that is no JWT", func() { fakes.refresh = func() *string { return awssdk.String("canary") } }, "azure", acrRepository, ""),
		Entry("a token of Azure's registry without an end", func() {
			fakes.refresh = func() *string { return awssdk.String("eyJhbGciOiJub25lIn0.e30.") }
		}, "azure", acrRepository, "the cloud gave a malformed answer"),
		Entry("a token of AWS without a password", func() { fakes.password = ":canary" }, "aws", ecrRepository, ""),
		Entry("an error of AWS", func() {
			fakes.fault = errors.New("operation error STS: AssumeRoleWithWebIdentity, https response error StatusCode: 403, RequestID: canary, api error AccessDenied: Not authorized, canary")
		}, "aws", ecrRepository, "the cloud answered AccessDenied"),
		Entry("an error of AWS whose code only its method tells", func() {
			fakes.fault = fmt.Errorf("https response error StatusCode: 400, RequestID: canary, %w", &ststypes.ExpiredTokenException{Message: awssdk.String("canary")})
		}, "aws", ecrRepository, "the cloud answered ExpiredTokenException"),
		Entry("an error of AWS with a token as its code", func() { fakes.fault = &smithy.GenericAPIError{Code: "canary.1", Message: "canary"} }, "aws", ecrRepository, "the identity is not configured"),
		Entry("an error of Azure", func() {
			fakes.fault = errors.New("ClientAssertionCredential authentication failed. POST https://login.microsoftonline.com/canary RESPONSE 401 Unauthorized {\"error\":\"invalid_client\",\"error_description\":\"AADSTS700213: canary\"}")
		}, "azure", acrRepository, "the cloud answered AADSTS700213"),
		Entry("an error of Google Cloud", func() {
			fakes.fault = errors.New(`oauth2/google: status code 403: {"error": {"code": 403, "message": "canary", "status": "PERMISSION_DENIED"}}`)
		}, "gcp", garRepository, "the cloud answered PERMISSION_DENIED"),
		Entry("an error without a known code", func() { fakes.fault = errors.New("canary: http://user:canary@proxy.example") }, "aws", ecrRepository, "the identity is not configured, or the cloud is out of reach"),
		Entry("an error with a token where a code is expected", func() { fakes.fault = errors.New(`{"error":"eyJcanary.canary-1"}`) }, "gcp", garRepository, "the identity is not configured"),
		Entry("a refused connection", func() { fakes.fault = fmt.Errorf("canary: %w", syscall.ECONNREFUSED) }, "gcp", garRepository, "connection refused"),
		Entry("a timeout", func() { fakes.fault = fmt.Errorf("canary: %w", context.DeadlineExceeded) }, "gcp", garRepository, "the cloud did not answer in time"),
		Entry("a panic", func() { fakes.hold = func(context.Context, string) { panic("canary") } }, "aws", ecrRepository, "the cloud gave a malformed answer"),
		Entry("a controller that may not create tokens", func() {
			api = interceptor.NewClient(api.(client.WithWatch), interceptor.Funcs{
				SubResourceCreate: func(context.Context, client.Client, string, client.Object, client.Object, ...client.SubResourceCreateOption) error {
					return apierrors.NewForbidden(schema.GroupResource{Resource: "serviceaccounts/token"}, "reader", errors.New("canary"))
				},
			})
		}, "aws", ecrRepository, "the controller may not create its token"),
	)

	DescribeTable("fail with the unmodified library behind a bad proxy, and show neither its password nor that of the cloud",
		func(ctx context.Context, arrange func() *url.URL, text string) {
			for name, value := range map[string]string{"AWS_ACCESS_KEY_ID": "canary", "AWS_SECRET_ACCESS_KEY": "canary", "AWS_SESSION_TOKEN": "canary", "AWS_EC2_METADATA_DISABLED": "true", "AWS_CA_BUNDLE": ""} {
				GinkgoT().Setenv(name, value)
			}
			r := request("aws", ecrRepository, "")
			r.Proxy = arrange()
			r.Proxy.User = url.UserPassword("canary", "canary")
			_, err := newClient(func(o *cloud.Options) { o.Providers = nil }).Credentials(ctx, r)
			Expect(err).To(MatchError(cloud.ErrFailed))
			Expect(err).To(MatchError(ContainSubstring("no aws credentials for the controller's identity: " + text)))
			Expect(err).NotTo(MatchError(ContainSubstring("canary")))
		},
		Entry("that refuses connections", NodeTimeout(time.Minute), func() *url.URL {
			server := httptest.NewServer(http.NotFoundHandler())
			defer server.Close()
			return parseURL(server.URL)
		}, "connection refused"),
		Entry("that refuses the password", NodeTimeout(time.Minute), func() *url.URL {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "canary", http.StatusProxyAuthRequired) }))
			DeferCleanup(server.Close)
			return parseURL(server.URL)
		}, "the proxy refused its password"),
	)

	It("name the default ServiceAccount if they fail", func(ctx context.Context) {
		fakes.fault = errors.New("canary")
		r := request("aws", ecrRepository, "")
		r.Namespace = "team"
		_, err := newClient(func(o *cloud.Options) { o.DefaultServiceAccount = "reader" }).Credentials(ctx, r)
		Expect(err).To(MatchError(ContainSubstring("no aws credentials for ServiceAccount team/reader: ")))
	})

	It("work again after a panic", func(ctx context.Context) {
		c := newClient()
		fakes.refresh = func() *string { return nil }
		_, err := c.Credentials(ctx, request("azure", acrRepository, "reader"))
		Expect(err).To(MatchError(cloud.ErrFailed))
		fakes.refresh = nil
		_, err = c.Credentials(ctx, request("azure", acrRepository, "reader"))
		Expect(err).NotTo(HaveOccurred(), "the cache is not locked for ever")
	})
})

var _ = Describe("The module github.com/fluxcd/pkg/auth", func() {
	It("has a version whose pattern for hosts of ECR is anchored", func() {
		raw, err := os.ReadFile(filepath.Join("..", "..", "go.mod"))
		Expect(err).NotTo(HaveOccurred())
		file, err := modfile.Parse("go.mod", raw, nil)
		Expect(err).NotTo(HaveOccurred())
		versions := map[string]string{}
		for _, r := range file.Require {
			versions[r.Mod.Path] = r.Mod.Version
		}
		version := versions["github.com/fluxcd/pkg/auth"]
		Expect(semver.Compare(version, "v0.54.2")).To(BeNumerically(">=", 0), "v0.54.1 and older give the password of ECR to look-alike hosts")
		Expect(version).NotTo(Equal("v0.55.0"), "it gives the password of ECR to look-alike hosts")
		for _, r := range file.Replace {
			Expect(r.Old.Path).NotTo(Equal("github.com/fluxcd/pkg/auth"))
		}
	})
})

func parseURL(s string) *url.URL {
	GinkgoHelper()
	u, err := url.Parse(s)
	Expect(err).NotTo(HaveOccurred())
	return u
}

// text returns a function that returns a text.
func text(s string) func() string { return func() string { return s } }

// unchanged leaves options as they are.
func unchanged(*cloud.Options) {}
