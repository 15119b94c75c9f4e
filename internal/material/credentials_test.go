// SPDX-License-Identifier: Apache-2.0

package material_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/internal/cloud"
	"github.com/verifiedchart/verifiedchart/internal/material"
	"github.com/verifiedchart/verifiedchart/internal/registry"
	"github.com/verifiedchart/verifiedchart/internal/verify"
)

const dockerConfig = `{"auths":{"registry.example":{"username":"u","password":"hunter2"}}}`

// clouds is a Cloud in memory.
type clouds struct {
	requests []cloud.Request
	password string
	err      error
}

// Credentials implements material.Cloud.
func (*clouds) Forget(string) {}

func (c *clouds) Credentials(_ context.Context, r cloud.Request) (registry.Credentials, error) {
	c.requests = append(c.requests, r)
	if c.err != nil {
		return registry.Credentials{}, c.err
	}
	return registry.BasicCredentials(r.Repository, "AWS", c.password), nil
}

var _ = Describe("Credentials", Label("registry", "network"), func() {
	const repository = "registry.example/charts/app"
	var o *objects
	var inCloud *clouds
	var l *material.Loader
	BeforeEach(func() {
		o, inCloud = newObjects(), &clouds{password: "one"}
		l = material.NewLoader(material.Options{Source: o, Cloud: inCloud})
	})

	access := func(change ...func(*material.Access)) material.Access {
		a := material.Access{Namespace: "team", Repository: repository}
		for _, c := range change {
			c(&a)
		}
		return a
	}
	secretRef := func(name string) func(*material.Access) {
		return func(a *material.Access) { a.SecretRef = ref(name) }
	}
	account := func(name string) func(*material.Access) {
		return func(a *material.Access) { a.ServiceAccount = name }
	}
	provider := func(name string) func(*material.Access) {
		return func(a *material.Access) { a.Provider = name }
	}
	load := func(ctx context.Context, change ...func(*material.Access)) (registry.Credentials, string) {
		GinkgoHelper()
		c, scope, err := l.Credentials(ctx, access(change...))
		Expect(err).NotTo(HaveOccurred())
		return c, scope
	}
	of := func(user string) string {
		return registry.BasicCredentials(repository, user, "hunter2").Fingerprint()
	}
	config := func(user string) []byte {
		return fmt.Appendf(nil, `{"auths":{"registry.example":{"username":%q,"password":"hunter2"}}}`, user)
	}

	It("I5: without a Secret are anonymous, in a scope of the namespace", func(ctx context.Context) {
		c, scope := load(ctx)
		Expect(c).To(Equal(registry.Credentials{}))
		Expect(scope).To(Equal("team/"))
		_, other := load(ctx, func(a *material.Access) { a.Namespace = "other" })
		Expect(other).NotTo(Equal(scope))
	})

	DescribeTable("are read from a Secret by its keys", func(ctx context.Context, data entries) {
		o.putSecret("login", data)
		c, _ := load(ctx, secretRef("login"))
		Expect(c.Fingerprint()).To(Equal(of("u")))
	},
		Entry("a docker configuration", entries{".dockerconfigjson": []byte(dockerConfig)}),
		Entry("the older form", entries{".dockercfg": []byte(`{"registry.example":{"username":"u","password":"hunter2"}}`)}),
		Entry("a username and a password", entries{"username": []byte("u"), "password": []byte("hunter2")}),
	)

	It("I5: have a scope of their contents, whatever the version of the Secret", func(ctx context.Context) {
		scopes := map[string]bool{}
		for _, user := range []string{"u", "v", "u"} {
			o.putSecret("login", entries{".dockerconfigjson": config(user)})
			c, scope := load(ctx, secretRef("login"))
			Expect(scope).To(Equal("team/secret/" + c.Fingerprint()))
			Expect(scope).NotTo(ContainSubstring("hunter2"))
			scopes[scope] = true
		}
		Expect(scopes).To(HaveLen(2))
	})

	It("I5: have a scope of the namespace and of their kind", func(ctx context.Context) {
		o.putSecret("login", entries{".dockerconfigjson": []byte(dockerConfig)})
		o.putAccount("reader", "login")
		_, bySecret := load(ctx, secretRef("login"))
		_, byAccount := load(ctx, account("reader"))
		Expect(byAccount).To(HavePrefix("team/serviceaccount/"))
		Expect(byAccount).NotTo(Equal(bySecret))
	})

	Describe("of a ServiceAccount", func() {
		BeforeEach(func() {
			o.putSecret("one", entries{".dockerconfigjson": config("one")})
			o.putSecret("two", entries{".dockerconfigjson": config("two")})
			o.putSecret("other", entries{".dockerconfigjson": []byte(`{"auths":{"other.example":{"username":"no","password":"no"}}}`)})
		})

		DescribeTable("are those of its pull Secrets", func(ctx context.Context, user string, secrets ...string) {
			o.putSecret("empty", entries{".dockerconfigjson": []byte(`{"auths":{}}`)})
			o.putSecret("opaque", entries{"username": []byte("no"), "password": []byte("no")})
			o.putSecret("old", entries{".dockercfg": []byte(`{"registry.example":{"username":"old","password":"hunter2"}}`)})
			o.putAccount("reader", secrets...)
			c, _ := load(ctx, account("reader"))
			want := registry.Credentials{}
			if user != "" {
				want = registry.BasicCredentials(repository, user, "hunter2")
			}
			Expect(c.Or(registry.Credentials{}).Fingerprint()).To(Equal(registry.Union(want).Fingerprint()))
		},
			Entry("one", "one", "one"),
			Entry("one of the older form", "old", "old"),
			Entry("one beside a missing one, as for the kubelet", "one", "missing", "one"),
			Entry("one beside one without a docker configuration, as for the kubelet", "one", "opaque", "one"),
			Entry("one beside an empty one, as for the kubelet", "one", "empty", "one"),
			Entry("none if all are missing", "", "missing", "gone"),
			Entry("none if there is none", ""),
		)

		It("are those of the first pull Secret among equals", func(ctx context.Context) {
			o.putAccount("reader", "two", "one")
			twoFirst, _ := load(ctx, account("reader"))
			o.putAccount("reader", "one", "two")
			oneFirst, _ := load(ctx, account("reader"))
			Expect(twoFirst.Fingerprint()).NotTo(Equal(oneFirst.Fingerprint()))
		})

		It("come after those of secretRef", func(ctx context.Context) {
			o.putAccount("reader", "one")
			both, scope := load(ctx, secretRef("two"), account("reader"))
			first := registry.BasicCredentials(repository, "two", "hunter2").Or(registry.BasicCredentials(repository, "one", "hunter2"))
			Expect(both.Fingerprint()).To(Equal(first.Fingerprint()))
			Expect(scope).To(HavePrefix("team/serviceaccount/"))
		})

		It("take effect at once if the ServiceAccount or a pull Secret changes", func(ctx context.Context) {
			o.putAccount("reader", "one")
			_, before := load(ctx, account("reader"))
			o.putAccount("reader", "two")
			_, after := load(ctx, account("reader"))
			Expect(after).NotTo(Equal(before))
			o.putSecret("two", entries{".dockerconfigjson": config("three")})
			_, rotated := load(ctx, account("reader"))
			Expect(rotated).NotTo(Equal(after))
		})

		It("are not failed by a broken entry of another host", func(ctx context.Context) {
			o.putSecret("broken", entries{".dockerconfigjson": []byte(`{"auths":{"other.example":{"auth":"%"},"registry.example":{"auth":"` + "dTpodW50ZXIy" + `"}}}`)})
			o.putAccount("reader", "broken")
			_, _ = load(ctx, account("reader"))
			_, _ = load(ctx, secretRef("broken"))
		})
	})

	Describe("of a cloud", func() {
		It("are got for the repository, the namespace, the ServiceAccount and the proxy", func(ctx context.Context) {
			proxy := &url.URL{Scheme: "http", Host: "proxy.example"}
			c, scope := load(ctx, provider("aws"), account("reader"), func(a *material.Access) { a.Proxy = proxy })
			Expect(inCloud.requests).To(ConsistOf(cloud.Request{Provider: "aws", Namespace: "team", ServiceAccount: "reader", Repository: repository, Proxy: proxy}))
			Expect(scope).To(Equal("team/aws/" + c.Fingerprint()))
			Expect(o.reads).To(BeEmpty(), "pull Secrets are ignored")
			inCloud.password = "two"
			_, after := load(ctx, provider("aws"), account("reader"))
			Expect(after).NotTo(Equal(scope))
		})

		It("are not asked for by the provider generic", func(ctx context.Context) {
			_, scope := load(ctx, provider("generic"))
			Expect(scope).To(Equal("team/"))
			Expect(inCloud.requests).To(BeEmpty())
		})

		DescribeTable("fail with the reason of a condition", func(ctx context.Context, cause error, reason string, final bool) {
			inCloud.err = fmt.Errorf("no: %w", cause)
			_, _, err := l.Credentials(ctx, access(provider("aws")))
			var fault *material.Fault
			Expect(errors.As(err, &fault)).To(BeTrue())
			Expect(fault.Reason).To(Equal(reason))
			Expect(fault.Final).To(Equal(final))
			Expect(err).To(MatchError(cause))
		},
			Entry("a host of another cloud, or an identity that is not allowed", cloud.ErrRefused, v1alpha1.AuthenticationFailedReason, true),
			Entry("a feature gate that is off", cloud.ErrGateDisabled, v1alpha1.FeatureGateDisabledReason, true),
			Entry("a cloud that does not answer", cloud.ErrFailed, v1alpha1.AuthenticationFailedReason, false),
		)

		It("are refused by a program without clouds", func(ctx context.Context) {
			l = material.NewLoader(material.Options{Source: o})
			_, _, err := l.Credentials(ctx, access(provider("gcp")))
			var fault *material.Fault
			Expect(errors.As(err, &fault)).To(BeTrue())
			Expect(fault.Final).To(BeTrue())
		})
	})

	DescribeTable("are refused",
		func(ctx context.Context, arrange func(), change func(*material.Access), final bool, text string) {
			arrange()
			c, scope, err := l.Credentials(ctx, access(change))
			var fault *material.Fault
			Expect(errors.As(err, &fault)).To(BeTrue())
			Expect(fault.Reason).To(Equal(v1alpha1.AuthenticationFailedReason))
			Expect(fault.Final).To(Equal(final))
			Expect(err).To(MatchError(ContainSubstring(text)))
			Expect(err).NotTo(MatchError(ContainSubstring("hunter2")))
			Expect(errors.Is(err, verify.ErrTrustUnavailable)).To(Equal(!final), "a Secret with other contents is no fault of trust")
			Expect(c).To(Equal(registry.Credentials{}))
			Expect(scope).To(BeEmpty())
		},
		Entry("H6: of a missing Secret", func() {}, secretRef("login"), false, "Secret team/login not found (spec.secretRef): "),
		Entry("of a Secret that cannot be read", func() { o.fault = errDown }, secretRef("login"), false, "Secret team/login cannot be read: connection refused"),
		Entry("H8: of a Secret of another form", func() { o.putSecret("login", entries{"token": []byte("hunter2")}) },
			secretRef("login"), true, "Secret team/login (spec.secretRef): no entry .dockerconfigjson, .dockercfg or username: "+
				"kubectl -n team create secret docker-registry login --docker-server=registry.example"),
		Entry("H8: of a Secret with a password alone", func() { o.putSecret("login", entries{"password": []byte("hunter2")}) },
			secretRef("login"), true, "Secret team/login (spec.secretRef): username is empty or missing"),
		Entry("H8: of a Secret with the newer form under the older name", func() { o.putSecret("login", entries{".dockercfg": []byte(dockerConfig)}) },
			secretRef("login"), true, "rename it to .dockerconfigjson"),
		Entry("H8: of a Secret that is not JSON", func() { o.putSecret("login", entries{".dockerconfigjson": []byte("hunter2")}) },
			secretRef("login"), true, "Secret team/login "),
		Entry("H8: of a Secret that is not UTF-8", func() { o.putSecret("login", entries{".dockerconfigjson": []byte("\xff\xfe{")}) },
			secretRef("login"), true, "Secret team/login "),
		Entry("H8: of an empty Secret", func() { o.putSecret("login", entries{".dockerconfigjson": nil}) }, secretRef("login"), true, "Secret team/login "),
		Entry("H8: of a huge Secret", func() { o.putSecret("login", entries{".dockerconfigjson": make([]byte, 2<<20)}) },
			secretRef("login"), true, "Secret team/login "),
		Entry("H8: of a Secret whose entry for the host is broken", func() {
			o.putSecret("login", entries{".dockerconfigjson": []byte(`{"auths":{"registry.example":{"auth":"hunter2!"}}}`)})
		}, secretRef("login"), true, "Secret team/login (spec.secretRef): entry registry.example: auth is not base64"),
		Entry("H6: of a missing ServiceAccount", func() {}, account("reader"), false,
			"ServiceAccount team/reader not found (spec.serviceAccountName): kubectl -n team create serviceaccount reader"),
		Entry("of a ServiceAccount that cannot be read", func() { o.fault = errDown }, account("reader"), false, "ServiceAccount team/reader cannot be read: connection refused"),
		Entry("H6: of a missing Secret beside a good ServiceAccount", func() { o.putAccount("reader") },
			func(a *material.Access) { a.SecretRef, a.ServiceAccount = ref("login"), "reader" }, false, "Secret team/login not found (spec.secretRef)"),
		Entry("H8: of a pull Secret that is not JSON", func() {
			o.putSecret("pull", entries{".dockerconfigjson": []byte("hunter2")})
			o.putAccount("reader", "pull")
		}, account("reader"), true, "pull Secret team/pull: the docker configuration is not JSON"),
		Entry("H8: of a pull Secret whose entry for the host is broken", func() {
			o.putSecret("pull", entries{".dockerconfigjson": []byte(`{"auths":{"registry.example":{"auth":"hunter2!"}}}`)})
			o.putAccount("reader", "pull")
		}, account("reader"), true, "pull Secrets of ServiceAccount team/reader: entry registry.example: auth is not base64"),
	)
})
