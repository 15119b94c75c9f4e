// SPDX-License-Identifier: Apache-2.0

package material_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/fluxcd/pkg/apis/meta"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/internal/material"
	"github.com/verifiedchart/verifiedchart/internal/registry"
	"github.com/verifiedchart/verifiedchart/internal/verify"
)

const dockerConfig = `{"auths":{"registry.example":{"username":"u","password":"hunter2"}}}`

var _ = Describe("Credentials", Label("registry", "network"), func() {
	var o *objects
	var l *material.Loader
	BeforeEach(func() {
		o = newObjects()
		l = material.NewLoader(material.Options{Source: o})
	})

	It("I5: without a Secret are anonymous, in a scope of the namespace", func(ctx context.Context) {
		c, scope, err := l.Credentials(ctx, "team", nil)
		Expect(err).NotTo(HaveOccurred())
		Expect(c).To(Equal(registry.Credentials{}))
		Expect(scope).To(Equal("team/"))
		_, other, err := l.Credentials(ctx, "other", nil)
		Expect(err).NotTo(HaveOccurred())
		Expect(other).NotTo(Equal(scope))
	})

	It("I5: of a Secret have a scope of its version", func(ctx context.Context) {
		o.putSecret("login", entries{".dockerconfigjson": []byte(dockerConfig)})
		c, scope, err := l.Credentials(ctx, "team", ref("login"))
		Expect(err).NotTo(HaveOccurred())
		Expect(c).NotTo(Equal(registry.Credentials{}))
		Expect(scope).To(Equal("team/login@" + o.secrets["login"].ResourceVersion))
		o.putSecret("login", entries{".dockerconfigjson": []byte(dockerConfig)})
		_, after, err := l.Credentials(ctx, "team", ref("login"))
		Expect(err).NotTo(HaveOccurred())
		Expect(after).NotTo(Equal(scope))
	})

	It("I5: have a scope of their contents, from a source without versions", func(ctx context.Context) {
		o.unversioned = true
		scopes := map[string]bool{}
		for _, password := range []string{"1", "2", "1"} {
			o.putSecret("login", entries{".dockerconfigjson": fmt.Appendf(nil, `{"auths":{"r.example":{"username":"u","password":%q}}}`, password)})
			_, scope, err := l.Credentials(ctx, "team", ref("login"))
			Expect(err).NotTo(HaveOccurred())
			Expect(scope).NotTo(ContainSubstring(`"`))
			scopes[scope] = true
		}
		Expect(scopes).To(HaveLen(2))
	})

	DescribeTable("are refused",
		func(ctx context.Context, arrange func(), name *meta.LocalObjectReference, final bool, text string) {
			arrange()
			c, scope, err := l.Credentials(ctx, "team", name)
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
		Entry("H6: of a missing Secret", func() {}, ref("login"), false, "Secret team/login not found (spec.secretRef): "),
		Entry("of a Secret that cannot be read", func() { o.fault = errDown }, ref("login"), false, "Secret team/login cannot be read: connection refused"),
		Entry("H8: of a Secret of another type", func() { o.putSecret("login", entries{"password": []byte("hunter2")}) },
			ref("login"), true, "Secret team/login has no entry .dockerconfigjson (spec.secretRef): kubectl -n team create secret docker-registry login"),
		Entry("H8: of a Secret with the older form", func() { o.putSecret("login", entries{".dockercfg": []byte(dockerConfig)}) },
			ref("login"), true, "has no entry .dockerconfigjson"),
		Entry("H8: of a Secret that is not JSON", func() { o.putSecret("login", entries{".dockerconfigjson": []byte("hunter2")}) },
			ref("login"), true, "Secret team/login: "),
		Entry("H8: of a Secret that is not UTF-8", func() { o.putSecret("login", entries{".dockerconfigjson": []byte("\xff\xfe{")}) },
			ref("login"), true, "Secret team/login: "),
		Entry("H8: of an empty Secret", func() { o.putSecret("login", entries{".dockerconfigjson": nil}) }, ref("login"), true, "Secret team/login: "),
		Entry("H8: of a huge Secret", func() { o.putSecret("login", entries{".dockerconfigjson": make([]byte, 2<<20)}) },
			ref("login"), true, "Secret team/login: "),
	)
})
