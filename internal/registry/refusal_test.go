// SPDX-License-Identifier: Apache-2.0

package registry_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/verifiedchart/verifiedchart/internal/outbound"
	"github.com/verifiedchart/verifiedchart/internal/problem"
	"github.com/verifiedchart/verifiedchart/internal/registry"
	"github.com/verifiedchart/verifiedchart/internal/registry/registrytest"
)

// refuse returns a fault that answers with an error of the distribution specification.
func refuse(status int, code, message string, headers ...string) registrytest.Fault {
	return func(w http.ResponseWriter, r *http.Request) bool {
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		answer(status, headers...)(w, r)
		_, _ = fmt.Fprintf(w, `{"errors":[{"code":%q,"message":%q,"detail":"canary"}]}`, code, message)
		return true
	}
}

var _ = Describe("A registry that refuses access", Label("network"), func() {
	ctx := context.Background()

	DescribeTable("is described by what it answers", func(fault registrytest.Fault, withCredentials bool, words ...string) {
		p := push()
		p.Break(fault)
		target := p.target()
		if withCredentials {
			target.Credentials = credentials(p.Host(), login("user", "canary"))
		}
		err := resolve(ctx, p, open(newClient(), target))
		Expect(err).To(MatchError(registry.ErrUnauthorized))
		Expect(err).NotTo(MatchError(registry.ErrNotFound))
		Expect(err.Error()).NotTo(ContainSubstring("canary"))
		Expect(len(problem.Brief(err))).To(BeNumerically("<=", 70), problem.Brief(err))
		for _, word := range words {
			Expect(err.Error() + problem.Brief(err)).To(ContainSubstring(word))
		}
	},
		Entry("Docker Hub: a private or missing repository", refuse(401, "UNAUTHORIZED", "canary", "Www-Authenticate", `Basic realm="canary"`), true, "does not exist", "may not read", "401 Unauthorized (UNAUTHORIZED)"),
		Entry("GHCR: a private or missing package", refuse(403, "DENIED", "canary"), true, "does not exist", "may not read", "DENIED"),
		Entry("ECR: an expired password", refuse(403, "DENIED", "Your authorization token has expired. Reauthenticate and try again. canary"), true, "expired", "renew", "12 hours"),
		Entry("ECR: no permission", refuse(403, "DENIED", "User: canary is not authorized to perform: ecr:BatchGetImage"), true, "may not read"),
		Entry("Harbor: a missing project, with an empty challenge", refuse(401, "UNAUTHORIZED", "canary", "Www-Authenticate", ""), true, "no such project"),
		Entry("Harbor: a missing project, with no challenge", refuse(401, "UNAUTHORIZED", "canary"), false, "no such project"),
		Entry("anonymous access", refuse(403, "DENIED", "canary"), false, "needs credentials", "secretRef"),
		Entry("a text that is no JSON", registrytest.Fault(func(w http.ResponseWriter, _ *http.Request) bool {
			http.Error(w, "canary", http.StatusForbidden)
			return true
		}), true, "403 Forbidden"),
		Entry("a code that is not of the specification", refuse(403, "canary", "canary"), true, "403 Forbidden"),
		Entry("a code that is longer than what is read", refuse(403, strings.Repeat("canary", 10_000), "canary"), true, "403 Forbidden"),
	)

	DescribeTable("although a cloud has issued the password is described with a fix in the cloud", func(fault registrytest.Fault, expired bool, words ...string) {
		p := push()
		p.Break(fault)
		target := p.target()
		target.Credentials = registry.IssuedCredentials(p.Host(), "AWS", "canary")
		err := resolve(ctx, p, open(newClient(), target))
		Expect(err).To(MatchError(registry.ErrUnauthorized))
		Expect(errors.Is(err, registry.ErrExpired)).To(Equal(expired))
		Expect(err.Error() + problem.Brief(err)).NotTo(Or(ContainSubstring("canary"), ContainSubstring("secretRef")))
		for _, word := range words {
			Expect(err.Error() + problem.Brief(err)).To(ContainSubstring(word))
		}
	},
		Entry("an expired password", refuse(403, "DENIED", "Your authorization token has expired. Reauthenticate and try again. canary"), true, "expired", "clock"),
		Entry("no permission", refuse(403, "DENIED", "User: canary is not authorized to perform: ecr:BatchGetImage"), false, "may not read", "identity"),
		Entry("no valid password", refuse(401, "UNAUTHORIZED", "canary", "Www-Authenticate", `Basic realm="canary"`), false, "may not read", "identity"),
	)

	It("A13: is not asked for credentials by the target of its redirect, which is named", func() {
		p, other := push(), push()
		p.Break(redirect(other.Server.URL))
		other.Break(refuse(403, "DENIED", "canary"))
		err := blob(ctx, p, p.reader())
		Expect(err).To(MatchError(registry.ErrUnauthorized))
		Expect(problem.Brief(err)).To(ContainSubstring(other.Host()))
	})

	DescribeTable("A23: withholds content only by its own answer", func(fault func(p, other pushed) registrytest.Fault, withholds bool) {
		p, other := push(), push()
		other.Break(refuse(403, "DENIED", "canary"))
		p.Break(fault(p, other))
		err := resolve(ctx, p, p.reader())
		Expect(err).To(MatchError(registry.ErrUnauthorized))
		Expect(errors.Is(err, registry.ErrWithheld)).To(Equal(withholds))
	},
		Entry("403", func(pushed, pushed) registrytest.Fault { return refuse(403, "DENIED", "canary") }, true),
		Entry("401 without a challenge", func(pushed, pushed) registrytest.Fault { return refuse(401, "UNAUTHORIZED", "canary") }, true),
		Entry("not if the target of its redirect answers 403", func(_, other pushed) registrytest.Fault { return redirect(other.Server.URL) }, false),
		Entry("not if its token service answers 403", func(_, other pushed) registrytest.Fault {
			return answer(http.StatusUnauthorized, "Www-Authenticate", fmt.Sprintf(`Bearer realm="%s/token"`, other.Server.URL))
		}, false),
		Entry("not if it asks for a password and there is none", func(pushed, pushed) registrytest.Fault {
			return answer(http.StatusUnauthorized, "Www-Authenticate", `Basic realm="x"`)
		}, false),
	)

	It("A3: names an account of Docker Hub as the fix of its rate limit, and no other host's", func() {
		p := push()
		p.Break(refuse(429, "TOOMANYREQUESTS", "canary"))
		err := resolve(ctx, p, p.reader())
		var limited *outbound.RateLimitedError
		Expect(errors.As(err, &limited)).To(BeTrue())
		Expect(err.Error()).NotTo(ContainSubstring("Docker Hub"))
	})

	It("A20: is not delayed by a rate limit at the target of its redirect", func() {
		p, other := push(), push()
		p.Break(func(w http.ResponseWriter, r *http.Request) bool {
			return strings.Contains(r.URL.Path, "/blobs/") && redirect(other.Server.URL)(w, r)
		})
		other.Break(answer(http.StatusTooManyRequests, "Retry-After", "600"))
		r := p.reader()
		for range 2 {
			err := blob(ctx, p, r)
			var limited *outbound.RateLimitedError
			Expect(errors.As(err, &limited)).To(BeFalse())
			Expect(err).To(HaveOccurred())
			Expect(resolve(ctx, p, r)).To(Succeed())
		}
		Expect(other.Requests()).To(HaveLen(2))
	})

	It("A20: is asked for no token while the token service asks for a pause", func() {
		p, service := push(), push()
		p.Break(answer(http.StatusUnauthorized, "Www-Authenticate", fmt.Sprintf(`Bearer realm="%s/token"`, service.Server.URL)))
		service.Break(answer(http.StatusTooManyRequests, "Retry-After", "600"))
		r := p.reader()
		for range 3 {
			Expect(resolve(ctx, p, r)).NotTo(Succeed())
		}
		Expect(service.Requests()).To(HaveLen(1))
	})
})

var _ = Describe("A registry with several challenges", Label("network"), func() {
	ctx := context.Background()

	DescribeTable("A24: gets the token that it asks for", func(withCredentials bool, challenges ...string) {
		p := push()
		g := newGate(p)
		if !withCredentials {
			g.user, g.password = "", ""
		}
		p.Break(func(w http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path == "/token" || r.Header.Get("Authorization") == "Bearer token-1" {
				return g.fault(w, r)
			}
			for _, c := range challenges {
				w.Header().Add("Www-Authenticate", strings.ReplaceAll(c, "BEARER", fmt.Sprintf(`Bearer realm="%s",service="a, Basic b",scope="repository:charts/app:pull"`, g.url)))
			}
			w.WriteHeader(http.StatusUnauthorized)
			return true
		})
		target := p.target()
		if withCredentials {
			target.Credentials = credentials(p.Host(), login("user", "hunter2"))
		}
		Expect(resolve(ctx, p, open(newClient(), target))).To(Succeed())
	},
		Entry("in one line", true, "BEARER"),
		Entry("before Basic, as in Gitea", true, "BEARER", `Basic realm="gitea"`),
		Entry("after Basic", true, `Basic realm="x"`, "BEARER"),
		Entry("after Basic, without credentials", false, `Basic realm="x"`, "BEARER"),
		Entry("after Negotiate, as behind some proxies", true, "Negotiate", "BEARER"),
		Entry("after Negotiate with a token", true, "Negotiate YWJj==", "BEARER"),
		Entry("in one line with Basic", true, `Basic realm="x, y", BEARER`),
		Entry("in one line before Basic", true, `BEARER, Basic realm="x"`),
		Entry("in one line after a quoted quote", true, `Basic realm="x \" Bearer realm=\"z\"", BEARER`),
	)

	DescribeTable("A24: gets a password if no challenge is for a token", func(challenges ...string) {
		p := push()
		p.Break(func(w http.ResponseWriter, r *http.Request) bool {
			if user, password, ok := r.BasicAuth(); ok && user == "user" && password == "hunter2" {
				return false
			}
			for _, c := range challenges {
				w.Header().Add("Www-Authenticate", c)
			}
			w.WriteHeader(http.StatusUnauthorized)
			return true
		})
		target := p.target()
		target.Credentials = credentials(p.Host(), login("user", "hunter2"))
		Expect(resolve(ctx, p, open(newClient(), target))).To(Succeed())
	},
		Entry("in upper case, as in Nexus", `BASIC realm="Sonatype Nexus Repository Manager"`),
		Entry("after another scheme", "Negotiate", `Basic realm="x"`),
		Entry("in one line with another scheme", `Digest realm="x", nonce="y", Basic realm="x"`),
	)

	DescribeTable("A24: that refuses an old token and then asks for a password gets a new token, as Harbor needs it", func(withCredentials bool) {
		p := push()
		var valid atomic.Value
		valid.Store("token-1")
		p.Break(func(w http.ResponseWriter, r *http.Request) bool {
			token, _ := valid.Load().(string)
			switch {
			case r.URL.Path == "/token":
				_, _ = fmt.Fprintf(w, `{"token":%q}`, token)
				return true
			case r.Header.Get("Authorization") == "Bearer "+token:
				return false
			case r.Header.Get("Authorization") == "":
				return answer(http.StatusUnauthorized, "Www-Authenticate", fmt.Sprintf(`Bearer realm="%s/token"`, p.Server.URL))(w, r)
			}
			return answer(http.StatusUnauthorized, "Www-Authenticate", `Basic realm="harbor"`)(w, r)
		})
		target := p.target()
		if withCredentials {
			target.Credentials = credentials(p.Host(), login("user", "hunter2"))
		}
		r := open(newClient(), target)
		Expect(resolve(ctx, p, r)).To(Succeed())
		for _, token := range []string{"token-2", "token-3"} {
			valid.Store(token)
			Expect(resolve(ctx, p, r)).To(Succeed())
		}
	},
		Entry("without credentials", false),
		Entry("with credentials", true),
	)
})
