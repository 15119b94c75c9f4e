// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/fluxcd/pkg/apis/meta"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/test/realparts"
	"github.com/verifiedchart/verifiedchart/test/scenario"
)

// reader is the ServiceAccount with identities in all clouds, and its VerifiedChart.
const reader = "reader"

// shop is a tenant with charts in the registries of clouds. Each tenant has identities of its own there.
type shop struct {
	*scenario.World
	clouds *realparts.Clouds
}

func (s shop) role() string { return "arn:aws:iam::123456789012:role/" + s.Namespace }

func (s shop) entra() string { return s.Namespace + "/" + reader }

func (s shop) pool() string {
	return "projects/1/locations/global/workloadIdentityPools/pool/providers/" + s.Namespace
}

func (s shop) google() string { return s.Namespace + "@project.iam.gserviceaccount.com" }

func (s shop) audience() string { return "//iam.googleapis.com/" + s.pool() }

// identityAt is the identity of the ServiceAccount at a service.
func (s shop) identityAt(service string) string {
	switch {
	case strings.HasPrefix(service, "aws-"):
		return s.role()
	case strings.HasPrefix(service, "azure-"):
		return s.entra()
	case service == "gcp-sts":
		return s.audience()
	}
	return s.google()
}

// subject is the ServiceAccount in its tokens.
func (s shop) subject() string { return "system:serviceaccount:" + s.Namespace + ":" + reader }

// hire makes the ServiceAccount.
func (s shop) hire(ctx context.Context) error {
	return s.Kubectl.Apply(ctx, fmt.Sprintf(`
apiVersion: v1
kind: ServiceAccount
metadata:
  name: %s
  namespace: %s
  annotations:
    eks.amazonaws.com/role-arn: %q
    azure.workload.identity/tenant-id: %q
    azure.workload.identity/client-id: %q
    gcp.auth.fluxcd.io/workload-identity-provider: %q
    iam.gke.io/gcp-service-account: %q
`, reader, s.Namespace, s.role(), s.Namespace, reader, s.pool(), s.google()))
}

// asReader lets a VerifiedChart use the ServiceAccount.
const asReader = "serviceAccountName: " + reader

// order declares a VerifiedChart in the registry of a cloud, with more fields of the spec.
func (s shop) order(ctx context.Context, name, cloud string, fields ...string) error {
	return s.Kubectl.Apply(ctx, fmt.Sprintf(`
apiVersion: source.verifiedchart.dev/v1alpha1
kind: VerifiedChart
metadata: {name: %[1]s, namespace: %[2]s}
spec:
  url: oci://%[3]s/%[2]s/%[1]s
  ref: {%[4]s}
  interval: 10m
  provider: %[5]s
  verify: {authorities: [{%[6]s}]}
  %[7]s
`, name, s.Namespace, s.clouds.Registry(cloud).Host, pinned, cloud, scenario.KeyAuthority(), strings.Join(fields, "\n  ")))
}

// stock pushes a signed chart into the registry of a cloud.
func (s shop) stock(ctx context.Context, name, cloud string) {
	GinkgoHelper()
	registry := s.clouds.Registry(cloud)
	chart, err := s.Helm.Package(ctx, name, scenario.Version, "hello from "+cloud)
	Expect(err).NotTo(HaveOccurred())
	s.Charts[name], err = registry.Push(ctx, s.Helm, chart, s.Namespace)
	Expect(err).NotTo(HaveOccurred())
	Expect(registry.Sign(ctx, s.Cosign, s.Release, s.Charts[name])).To(Succeed())
}

// watch returns a function that returns the calls through a proxy since watch was called.
func watch(p *realparts.CloudProxy) func() []realparts.CloudCall {
	GinkgoHelper()
	before, err := p.Calls()
	Expect(err).NotTo(HaveOccurred())
	return func() []realparts.CloudCall {
		GinkgoHelper()
		calls, err := p.Calls()
		Expect(err).NotTo(HaveOccurred())
		return calls[len(before):]
	}
}

// tokenCalls returns the calls for tokens, which are those to other services than the registry, without discovery.
func tokenCalls(calls []realparts.CloudCall) []string {
	texts := []string{}
	for _, c := range calls {
		if c.Service != "registry" && !strings.HasSuffix(c.Service, "-discovery") {
			texts = append(texts, c.String())
		}
	}
	return texts
}

// toRegistry returns the number of calls to the registry.
func toRegistry(calls []realparts.CloudCall) int {
	return len(slices.DeleteFunc(slices.Clone(calls), func(c realparts.CloudCall) bool { return c.Service != "registry" }))
}

// unauthenticated returns nil if a VerifiedChart has no credentials.
func unauthenticated(vc *v1alpha1.VerifiedChart) error {
	return errors.Join(
		scenario.Condition(vc, v1alpha1.FetchFailedCondition, metav1.ConditionTrue, v1alpha1.AuthenticationFailedReason),
		scenario.Condition(vc, meta.ReadyCondition, metav1.ConditionFalse, v1alpha1.AuthenticationFailedReason),
	)
}

// expectNoSecret expects that no object, event or log line holds a token or a password.
func (s shop) expectNoSecret(ctx context.Context, proxies ...*realparts.CloudProxy) {
	GinkgoHelper()
	objects, err := s.Kubectl.Run(ctx, "get", "verifiedcharts,externalartifacts,events", "-o", "yaml")
	Expect(err).NotTo(HaveOccurred())
	log, err := os.ReadFile(s.Controller.Log())
	Expect(err).NotTo(HaveOccurred())
	var secrets []string
	for _, p := range append(proxies, s.clouds.CloudProxy) {
		more, err := p.Secrets()
		Expect(err).NotTo(HaveOccurred())
		secrets = append(secrets, more...)
	}
	Expect(secrets).NotTo(BeEmpty(), "there is nothing to look for")
	for _, secret := range secrets {
		Expect(strings.Contains(objects, secret)).To(BeFalse(), "an object or an event holds %s", secret)
		Expect(strings.Contains(string(log), secret)).To(BeFalse(), "the log holds %s", secret)
	}
}

// The unmodified SDKs of the clouds, in the controller, behind a proxy that answers in place of the clouds.
var _ = Describe("the registry of a cloud", Label("registry", "network"), func() {
	Context("with the gate ObjectLevelWorkloadIdentity", Ordered, ContinueOnFailure, func() {
		var clouds *realparts.Clouds
		var s shop

		BeforeAll(func(ctx SpecContext) {
			w := newTenant(ctx, distribution)
			clouds = startClouds(ctx, w)
		})
		BeforeEach(func(ctx SpecContext) {
			s = shop{newTenant(ctx, distribution), clouds}
			DeferCleanup(report, s.World)
			Expect(s.hire(ctx)).To(Succeed())
		})

		DescribeTable("is read with the identity of", func(ctx SpecContext, name, cloud string, field string, expected func() []string) {
			s.stock(ctx, name, cloud)
			calls := watch(clouds.CloudProxy)
			Expect(s.order(ctx, name, cloud, field)).To(Succeed())
			Expect(s.Proven(ctx, name)).To(Succeed())
			// The SDKs repeat a call that is not answered in time.
			Expect(slices.Compact(tokenCalls(calls()))).To(Equal(expected()))

			calls = watch(clouds.CloudProxy)
			Expect(s.Reconcile(ctx, name, published)).To(Succeed())
			Expect(s.Proven(ctx, name)).To(Succeed())
			Expect(tokenCalls(calls())).To(BeEmpty(), "the token is kept")
			Expect(toRegistry(calls())).To(BeNumerically(">", 0), "the registry is asked again")
			s.expectNoSecret(ctx)
		},
			Entry("the controller in AWS", "aws-own", realparts.AWS, "", func() []string {
				return []string{"aws-sts " + realparts.PodRole + " " + realparts.PodSubject, "aws-ecr " + realparts.PodRole}
			}),
			Entry("a ServiceAccount in AWS", "aws-account", realparts.AWS, asReader, func() []string {
				return []string{"aws-sts " + s.role() + " " + s.subject(), "aws-ecr " + s.role()}
			}),
			Entry("the controller in Azure", "azure-own", realparts.Azure, "", func() []string {
				own := realparts.PodTenant + "/" + realparts.PodClient
				return []string{"azure-token " + own + " " + realparts.PodSubject, "azure-exchange " + own}
			}),
			Entry("a ServiceAccount in Azure", "azure-account", realparts.Azure, asReader, func() []string {
				return []string{"azure-token " + s.entra() + " " + s.subject(), "azure-exchange " + s.entra()}
			}),
			Entry("the controller in Google Cloud", "gcp-own", realparts.GCP, "", func() []string {
				return []string{"gcp-metadata metadata"}
			}),
			Entry("a ServiceAccount in Google Cloud", "gcp-account", realparts.GCP, asReader, func() []string {
				return []string{"gcp-sts " + s.audience() + " " + s.subject(), "gcp-iam " + s.google()}
			}),
		)

		DescribeTable("is not read, and the condition tells why without a secret, if", func(ctx SpecContext, cloud, service, code string, answer realparts.CloudAnswer) {
			answer.Service, answer.Identity = service, s.identityAt(service)
			Expect(clouds.Answer(answer)).To(Succeed())
			calls := watch(clouds.CloudProxy)
			Expect(s.order(ctx, reader, cloud, asReader, "timeout: 5s")).To(Succeed())
			Expect(s.Until(ctx, reader, unauthenticated)).To(Succeed())
			Expect(s.Until(ctx, reader, fetchFailure(And(ContainSubstring("ServiceAccount "+s.Namespace+"/"+reader), ContainSubstring(code))))).To(Succeed())
			Expect(tokenCalls(calls())).To(ContainElement(HavePrefix(service + " " + answer.Identity)))
			Expect(toRegistry(calls())).To(BeZero(), "nothing is read without credentials")
			s.expectNoSecret(ctx)
		},
			Entry("STS answers 403 and repeats the token", realparts.AWS, "aws-sts", "AccessDenied", realparts.CloudAnswer{Status: http.StatusForbidden,
				Body: `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>Not authorized: {token}</Message></Error></ErrorResponse>`}),
			Entry("STS never answers", realparts.AWS, "aws-sts", "in time", realparts.CloudAnswer{Silent: true}),
			Entry("STS answers no XML", realparts.AWS, "aws-sts", "", realparts.CloudAnswer{Status: http.StatusOK, Body: "{token"}),
			Entry("ECR answers malformed JSON", realparts.AWS, "aws-ecr", "", realparts.CloudAnswer{Status: http.StatusOK, Body: `{"authorizationData": [`}),
			Entry("ECR answers without a token", realparts.AWS, "aws-ecr", "", realparts.CloudAnswer{Status: http.StatusOK, Body: `{}`}),
			Entry("ECR issues a token that is not base64", realparts.AWS, "aws-ecr", "",
				realparts.CloudAnswer{Status: http.StatusOK, Body: `{"authorizationData":[{"authorizationToken":"***","expiresAt":4102444800}]}`}),
			Entry("Entra refuses and repeats the token", realparts.Azure, "azure-token", "AADSTS70021", realparts.CloudAnswer{Status: http.StatusBadRequest,
				Body: `{"error":"invalid_request","error_description":"AADSTS70021: No matching federated identity record found for {token}","error_codes":[70021]}`}),
			Entry("Entra answers malformed JSON", realparts.Azure, "azure-token", "", realparts.CloudAnswer{Status: http.StatusOK, Body: `{"access_token": `}),
			Entry("ACR answers 200 without a refresh token", realparts.Azure, "azure-exchange", "malformed", realparts.CloudAnswer{Status: http.StatusOK, Body: `{}`}),
			Entry("ACR issues a token without an expiry", realparts.Azure, "azure-exchange", "malformed", realparts.CloudAnswer{Status: http.StatusOK, Body: `{"refresh_token":"eyJhbGciOiJub25lIn0.e30."}`}),
			Entry("ACR issues a token that is not a JWT", realparts.Azure, "azure-exchange", "", realparts.CloudAnswer{Status: http.StatusOK, Body: `{"refresh_token":"x"}`}),
			Entry("ACR refuses the exchange", realparts.Azure, "azure-exchange", "UNAUTHORIZED", realparts.CloudAnswer{Status: http.StatusUnauthorized, Body: `{"errors":[{"code":"UNAUTHORIZED","message":"{token}"}]}`}),
			Entry("Google's STS refuses and repeats the token", realparts.GCP, "gcp-sts", "invalid_grant", realparts.CloudAnswer{Status: http.StatusBadRequest,
				Body: `{"error":"invalid_grant","error_description":"stale: {token}"}`}),
			Entry("Google's STS answers malformed JSON", realparts.GCP, "gcp-sts", "", realparts.CloudAnswer{Status: http.StatusOK, Body: `<html>`}),
			Entry("Google refuses impersonation", realparts.GCP, "gcp-iam", "PERMISSION_DENIED", realparts.CloudAnswer{Status: http.StatusForbidden,
				Body: `{"error":{"code":403,"message":"denied","status":"PERMISSION_DENIED"}}`}),
		)

		DescribeTable("is not read while the token of the controller's pod has expired, and is read once it is renewed",
			func(ctx SpecContext, name, cloud, code string) {
				s.stock(ctx, name, cloud)
				Expect(clouds.SetPodToken(cloud, time.Now().Add(-time.Hour))).To(Succeed())
				DeferCleanup(clouds.SetPodToken, cloud, time.Now().Add(time.Hour))
				Expect(s.order(ctx, name, cloud)).To(Succeed())
				Expect(s.Until(ctx, name, unauthenticated)).To(Succeed())
				Expect(s.Until(ctx, name, fetchFailure(And(ContainSubstring("the controller's identity"), ContainSubstring(code))))).To(Succeed())
				s.expectNoSecret(ctx)

				Expect(clouds.SetPodToken(cloud, time.Now().Add(time.Hour))).To(Succeed())
				Expect(s.Reconcile(ctx, name, published)).To(Succeed())
				Expect(s.Proven(ctx, name)).To(Succeed())
			},
			Entry("in AWS", "aws-expired", realparts.AWS, "ExpiredToken"),
			Entry("in Azure", "azure-expired", realparts.Azure, "AADSTS700024"),
		)

		It("is read while the STS of another tenant is silent", func(ctx SpecContext) {
			s.stock(ctx, "swift", realparts.AWS)
			Expect(s.order(ctx, "swift", realparts.AWS, asReader)).To(Succeed())
			Expect(s.Proven(ctx, "swift")).To(Succeed())

			slow := shop{newTenant(ctx, distribution), clouds}
			Expect(slow.hire(ctx)).To(Succeed())
			Expect(clouds.Answer(realparts.CloudAnswer{Service: "aws-sts", Identity: slow.role(), Silent: true})).To(Succeed())
			calls := watch(clouds.CloudProxy)
			Expect(slow.order(ctx, reader, realparts.AWS, asReader, "timeout: 4m")).To(Succeed())
			waiting := "aws-sts " + slow.role() + " " + slow.subject()
			Eventually(func() []string { return tokenCalls(calls()) }).WithContext(ctx).Should(ContainElement(waiting))

			Expect(s.Reconcile(ctx, "swift", published)).To(Succeed())
			Expect(toRegistry(calls())).To(BeNumerically(">", 0), "the registry is asked again")
			Expect(tokenCalls(calls())).To(HaveEach(waiting))
			vc, err := slow.Get(ctx, reader)
			Expect(err).NotTo(HaveOccurred())
			Expect(unauthenticated(vc)).NotTo(Succeed(), "the other tenant still waits")
		})

		It("is asked once more, with a new password, if ECR answers that the password has expired", func(ctx SpecContext) {
			const name = "renewed"
			s.stock(ctx, name, realparts.AWS)
			Expect(s.order(ctx, name, realparts.AWS, asReader)).To(Succeed())
			Expect(s.Proven(ctx, name)).To(Succeed())

			again := []string{"aws-sts " + s.role() + " " + s.subject(), "aws-ecr " + s.role()}
			Expect(clouds.Renew(realparts.AWS)).To(Succeed())
			calls := watch(clouds.CloudProxy)
			Expect(s.Reconcile(ctx, name, published)).To(Succeed())
			Expect(s.Proven(ctx, name)).To(Succeed())
			Expect(tokenCalls(calls())).To(Equal(again))

			calls = watch(clouds.CloudProxy)
			Expect(s.Reconcile(ctx, name, published)).To(Succeed())
			Expect(tokenCalls(calls())).To(BeEmpty())
			s.expectNoSecret(ctx)
		})

		It("that refuses each password of ECR is asked with two, and the published chart stays", func(ctx SpecContext) {
			const name = "refused"
			s.stock(ctx, name, realparts.AWS)
			Expect(s.order(ctx, name, realparts.AWS, asReader)).To(Succeed())
			Expect(s.Proven(ctx, name)).To(Succeed())

			Expect(clouds.Revoke(realparts.AWS)).To(Succeed())
			DeferCleanup(clouds.Renew, realparts.AWS)
			calls := watch(clouds.CloudProxy)
			Expect(s.Reconcile(ctx, name, func(vc *v1alpha1.VerifiedChart) error {
				return scenario.Condition(vc, v1alpha1.FetchFailedCondition, metav1.ConditionTrue, v1alpha1.AuthenticationFailedReason)
			})).To(Succeed())
			Expect(s.Until(ctx, name, fetchFailure(And(ContainSubstring("has expired"), Not(ContainSubstring("secretRef")))))).To(Succeed())
			Expect(tokenCalls(calls())[:2]).To(Equal([]string{"aws-sts " + s.role() + " " + s.subject(), "aws-ecr " + s.role()}))
			Expect(s.ServedAsPushed(ctx, name)).To(Succeed())
			s.expectNoSecret(ctx)
		})

		DescribeTable("is read, and its tokens are asked for, through the proxy of the object", func(ctx SpecContext, name, cloud string, services ...string) {
			own, err := clouds.StartProxy(ctx, s.Namespace, "open-"+s.Namespace, s.Group)
			Expect(err).NotTo(HaveOccurred())
			DeferCleanup(own.Stop)
			Expect(s.Kubectl.Apply(ctx, s.Secret("proxy", own.ProxySecret()))).To(Succeed())
			s.stock(ctx, name, cloud)
			direct := watch(clouds.CloudProxy)
			Expect(s.order(ctx, name, cloud, asReader, "proxySecretRef: {name: proxy}")).To(Succeed())
			Expect(s.Proven(ctx, name)).To(Succeed())
			proxied, err := own.Calls()
			Expect(err).NotTo(HaveOccurred())
			Expect(tokenCalls(proxied)).To(HaveLen(len(services)))
			for i, call := range tokenCalls(proxied) {
				Expect(call).To(HavePrefix(services[i] + " " + s.identityAt(services[i])))
			}
			Expect(toRegistry(proxied)).To(BeNumerically(">", 0))
			Expect(direct()).To(BeEmpty(), "nothing goes through the environment's proxy")
			s.expectNoSecret(ctx, own)
		},
			Entry("in AWS", "aws-proxied", realparts.AWS, "aws-sts", "aws-ecr"),
			Entry("in Azure", "azure-proxied", realparts.Azure, "azure-token", "azure-exchange"),
			Entry("in Google Cloud", "gcp-proxied", realparts.GCP, "gcp-sts", "gcp-iam"),
		)
	})

	spec("is not read with the controller's identity from a namespace that --controller-identity-namespaces lacks", distribution,
		func(ctx context.Context, w *scenario.World) {
			s := shop{w, &realparts.Clouds{}}
			Expect(s.order(ctx, reader, realparts.AWS)).To(Succeed())
			Expect(w.Until(ctx, reader, stalledBy(v1alpha1.AuthenticationFailedReason, "--controller-identity-namespaces"))).To(Succeed())
		})

	spec("is not read with a ServiceAccount while the gate ObjectLevelWorkloadIdentity is off", distribution, func(ctx context.Context, w *scenario.World) {
		s := shop{w, &realparts.Clouds{}}
		Expect(s.hire(ctx)).To(Succeed())
		Expect(s.order(ctx, reader, realparts.AWS, asReader)).To(Succeed())
		Expect(w.Until(ctx, reader, stalledBy(v1alpha1.FeatureGateDisabledReason, "--feature-gates=ObjectLevelWorkloadIdentity=true"))).To(Succeed())
	})
})

// startClouds starts the clouds, and restarts the controller as a pod that has an identity in each, and the right to create tokens, until
// the end of the container.
func startClouds(ctx context.Context, w *scenario.World) *realparts.Clouds {
	GinkgoHelper()
	clouds, err := realparts.StartClouds(ctx, GinkgoT().TempDir(), w.Group)
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(clouds.Stop)
	binding := filepath.Join(w.Root, "config", "object-level-identity", "role_binding.yaml")
	Expect(w.Kubectl.Run(ctx, "apply", "-f", binding)).NotTo(BeEmpty())
	DeferCleanup(func(ctx SpecContext) { Expect(w.Kubectl.Run(ctx, "delete", "-f", binding)).NotTo(BeEmpty()) })
	usual := w.Controller.Env
	w.Controller.Env = clouds.PodEnv()
	restartController(ctx, w, "--feature-gates=ObjectLevelWorkloadIdentity=true", "--controller-identity-namespaces=*", "--log-level=trace")
	DeferCleanup(func() { w.Controller.Env = usual }) // before the controller is restarted
	return clouds
}

// fetchFailure returns an expectation of the message about a failed fetch, which the conditions hold.
func fetchFailure(match OmegaMatcher) func(*v1alpha1.VerifiedChart) error {
	return func(vc *v1alpha1.VerifiedChart) error {
		return matchMessages(vc, match)
	}
}

// stalledBy returns an expectation: the VerifiedChart is stalled for the reason, and the message has the fix.
func stalledBy(reason, fix string) func(*v1alpha1.VerifiedChart) error {
	return func(vc *v1alpha1.VerifiedChart) error {
		return errors.Join(scenario.Condition(vc, meta.StalledCondition, metav1.ConditionTrue, reason), matchMessages(vc, ContainSubstring(fix)))
	}
}

// matchMessages returns nil if the messages of a VerifiedChart match.
func matchMessages(vc *v1alpha1.VerifiedChart, match OmegaMatcher) error {
	var messages strings.Builder
	for _, c := range vc.Status.Conditions {
		fmt.Fprintln(&messages, c.Message)
	}
	if ok, err := match.Match(messages.String()); err != nil || !ok {
		return errors.Join(err, errors.New(match.FailureMessage(messages.String())))
	}
	return nil
}
