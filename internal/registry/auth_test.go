// SPDX-License-Identifier: Apache-2.0

package registry_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/verifiedchart/verifiedchart/internal/registry"
	"github.com/verifiedchart/verifiedchart/internal/registry/registrytest"
)

// gate accepts requests with the current token, and gives tokens to clients with the password.
type gate struct {
	url       string // of the token service
	challenge string // after the realm
	token     atomic.Value
	user      string
	password  string
}

func newGate(p pushed) *gate {
	g := &gate{url: p.Server.URL + "/token", user: "user", password: "hunter2"}
	g.token.Store("token-1")
	return g
}

func (g *gate) fault(w http.ResponseWriter, r *http.Request) bool {
	if r.URL.Path == "/token" {
		g.give(w, r)
		return true
	}
	if r.Header.Get("Authorization") == "Bearer "+g.token.Load().(string) {
		return false
	}
	return answer(http.StatusUnauthorized, "Www-Authenticate", fmt.Sprintf(`Bearer realm="%s",service="test"%s`, g.url, g.challenge))(w, r)
}

func (g *gate) give(w http.ResponseWriter, r *http.Request) {
	user, password, _ := r.BasicAuth()
	if r.Method == http.MethodPost { // RFC 6749 with an identity token
		user, password = g.user, r.PostFormValue("refresh_token")
	}
	if user != g.user || password != g.password {
		http.Error(w, `{"errors":[{"code":"UNAUTHORIZED","message":"not `+password+`"}]}`, http.StatusUnauthorized)
		return
	}
	_, _ = fmt.Fprintf(w, `{"token":%q,"access_token":%q}`, g.token.Load(), g.token.Load())
}

// basic accepts requests with user and password.
func basic(user, password string) registrytest.Fault {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if u, p, ok := r.BasicAuth(); ok && u == user && p == password {
			return false
		}
		return answer(http.StatusUnauthorized, "Www-Authenticate", `Basic realm="test"`)(w, r)
	}
}

// credentials returns a docker configuration with an entry for the registry.
func credentials(host, fields string) registry.Credentials {
	GinkgoHelper()
	c, err := registry.ParseDockerConfig(fmt.Appendf(nil, `{"auths":{%q:%s}}`, host, fields))
	Expect(err).NotTo(HaveOccurred())
	return c
}

func login(user, password string) string {
	return fmt.Sprintf(`{"auth":%q}`, base64.StdEncoding.EncodeToString([]byte(user+":"+password)))
}

var _ = Describe("A registry that asks for credentials", Label("registry", "network"), func() {
	var (
		ctx    = context.Background()
		p      pushed
		g      *gate
		client *registry.Client
	)
	BeforeEach(func() {
		p = push()
		g = newGate(p)
		p.Break(g.fault)
		client = newClient()
	})
	as := func(scope, fields string) registry.Reader {
		t := p.target()
		t.Scope = scope
		if fields != "" {
			t.Credentials = credentials(p.Host(), fields)
		}
		return open(client, t)
	}
	all := func(r registry.Reader) {
		GinkgoHelper()
		for _, ask := range []question{tags, resolve, manifest, blob} {
			Expect(ask(ctx, p, r)).To(Succeed())
		}
	}

	DescribeTable("gets its first request without a token, and one token for all later requests", func(fields, token string) {
		all(as("a", fields))
		Expect(p.Requests()).To(HaveLen(6))
		Expect(p.Requests()[:3]).To(Equal([]string{"GET /v2/charts/app/tags/list", token, "GET /v2/charts/app/tags/list"}))
		all(as("a", fields))
		Expect(p.Requests()).To(HaveLen(10))
	},
		Entry("by user and password", login("user", "hunter2"), "GET /token"),
		Entry("by an identity token", `{"identitytoken":"hunter2"}`, "POST /token"),
	)

	It("gets a registry token unchanged", func() {
		all(as("a", `{"registrytoken":"token-1"}`))
		Expect(p.Requests()).To(HaveLen(5))
	})

	It("gets a token only once if it asks for a scope that differs from the expected one", func() {
		g.challenge = `,scope="aws"`
		all(as("a", login("user", "hunter2")))
		Expect(p.Requests()).To(HaveLen(6))
	})

	It("gets a new token when the old token has expired", func() {
		r := as("a", login("user", "hunter2"))
		all(r)
		g.token.Store("token-2")
		p.Reset()
		all(r)
		Expect(p.Requests()).To(HaveLen(6))
	})

	It("gets a user and a password if it asks for them, with one additional request in total", func() {
		p.Break(basic("user", "hunter2"))
		all(as("a", login("user", "hunter2")))
		Expect(p.Requests()).To(HaveLen(5))
	})

	It("gets no credentials before it asks", func() {
		var sent []string
		p.Break(func(_ http.ResponseWriter, r *http.Request) bool {
			sent = append(sent, r.Header.Values("Authorization")...)
			return false
		})
		all(as("a", login("user", "hunter2")))
		Expect(sent).To(BeEmpty())
		Expect(p.Requests()).To(HaveLen(4))
	})

	It("gets no credentials for another registry", func() {
		var sent []string
		p.Break(func(w http.ResponseWriter, r *http.Request) bool {
			sent = append(sent, r.Header.Values("Authorization")...)
			return basic("user", "hunter2")(w, r)
		})
		t := p.target()
		t.Credentials = credentials("registry.example", login("user", "hunter2"))
		Expect(resolve(ctx, p, open(client, t))).To(MatchError(registry.ErrUnauthorized))
		Expect(sent).To(BeEmpty())
	})

	// refusal is a fault that refuses a login, after a number of requests.
	type refusal struct {
		login    string
		by       func() registrytest.Fault
		requests int
	}
	DescribeTable("A16: refused credentials do not mean absence, and are not tried again", func(r refusal) {
		p.Break(r.by())
		err := resolve(ctx, p, as("a", r.login))
		Expect(err).To(MatchError(registry.ErrUnauthorized))
		Expect(err).NotTo(MatchError(registry.ErrNotFound))
		Expect(p.Requests()).To(HaveLen(r.requests))
	},
		Entry("401 without a challenge", refusal{by: func() registrytest.Fault { return answer(http.StatusUnauthorized) }, requests: 1}),
		Entry("401 with an unknown challenge", refusal{by: func() registrytest.Fault {
			return answer(http.StatusUnauthorized, "Www-Authenticate", "Negotiate")
		}, requests: 1}),
		Entry("403", refusal{by: func() registrytest.Fault { return answer(http.StatusForbidden) }, requests: 1}),
		Entry("a password is required, and there is none", refusal{by: func() registrytest.Fault { return basic("user", "hunter2") }, requests: 1}),
		Entry("a password is required, and there is only a user", refusal{login: `{"username":"user"}`, by: func() registrytest.Fault { return basic("user", "hunter2") }, requests: 1}),
		Entry("the password is wrong", refusal{login: login("user", "guess"), by: func() registrytest.Fault { return basic("user", "hunter2") }, requests: 2}),
		Entry("the token service refuses the password", refusal{login: login("user", "guess"), by: func() registrytest.Fault { return g.fault }, requests: 2}),
		Entry("the token service refuses the identity token", refusal{login: `{"identitytoken":"guess"}`, by: func() registrytest.Fault { return g.fault }, requests: 2}),
		Entry("the token service refuses anyone", refusal{by: func() registrytest.Fault { return g.fault }, requests: 2}),
		Entry("the token is not accepted", refusal{login: login("user", "hunter2"), by: func() registrytest.Fault {
			return func(w http.ResponseWriter, r *http.Request) bool {
				if r.URL.Path != "/token" {
					r.Header.Del("Authorization")
				}
				return g.fault(w, r)
			}
		}, requests: 3}),
	)

	It("A16: rotated credentials are refused, and new credentials are accepted", func() {
		old := as("ns/secret@1", login("user", "hunter2"))
		all(old)
		g.password = "correct horse"
		g.token.Store("token-2")
		Expect(resolve(ctx, p, old)).To(MatchError(registry.ErrUnauthorized))
		all(as("ns/secret@2", login("user", "correct horse")))
	})

	DescribeTable("a failing token service is neither a refusal nor an absence", func(fault registrytest.Fault) {
		p.Break(func(w http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path == "/token" {
				return fault(w, r)
			}
			return g.fault(w, r)
		})
		err := resolve(ctx, p, as("a", login("user", "hunter2")))
		Expect(err).To(HaveOccurred())
		Expect(err).NotTo(MatchError(registry.ErrUnauthorized))
		Expect(err).NotTo(MatchError(registry.ErrNotFound))
	},
		Entry("404", answer(http.StatusNotFound)),
		Entry("503", answer(http.StatusServiceUnavailable)),
		Entry("no JSON", body(unannounced, []byte("<html>"))),
		Entry("no token", body(unannounced, []byte("{}"))),
		Entry("a connection that is reset", registrytest.Fault(reset)),
	)

	It("A2: a request to a token service with a short fault is retried", func() {
		failing := times(1, answer(http.StatusServiceUnavailable))
		p.Break(func(w http.ResponseWriter, r *http.Request) bool {
			return r.URL.Path == "/token" && failing(w, r) || g.fault(w, r)
		})
		all(as("a", login("user", "hunter2")))
	})

	It("A5: a stalled token ends with the deadline", func() {
		p.Break(func(w http.ResponseWriter, r *http.Request) bool {
			return r.URL.Path == "/token" && stuck(unannounced, []byte(`{"token":"`))(w, r) || g.fault(w, r)
		})
		Expect(resolve(short(), p, as("a", ""))).To(MatchError(context.DeadlineExceeded))
	})

	DescribeTable("A10: an endless token is cut, with a flat heap", func(begin string, status int) {
		p.Break(func(w http.ResponseWriter, r *http.Request) bool {
			return r.URL.Path == "/token" && endless(status, begin)(w, r) || g.fault(w, r)
		})
		r := as("a", "")
		Expect(allocated(func() { Expect(resolve(ctx, p, r)).To(HaveOccurred()) })).To(BeNumerically("<", 8<<20))
	},
		Entry("a token", `{"token":"`, http.StatusOK),
		Entry("an error", `{"errors":[{"code":"`, http.StatusForbidden),
	)

	It("A10: endless new scopes do not make the client grow", func() {
		var requests atomic.Int64
		p.Break(func(w http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path == "/token" {
				_, _ = w.Write([]byte(`{"token":"` + strings.Repeat("t", 64<<10) + `"}`))
				return true
			}
			return answer(http.StatusUnauthorized, "Www-Authenticate",
				fmt.Sprintf(`Bearer realm="%s",scope="%d%s"`, g.url, requests.Add(1), strings.Repeat("s", 8<<10)))(w, r)
		})
		r := as("a", "")
		for range 50 {
			Expect(resolve(ctx, p, r)).To(HaveOccurred())
		}
		Expect(client.Kept()).To(BeNumerically("<", 1<<20))
	})

	It("I5: a token that one tenant got is used for no other", func() {
		all(as("a/secret@1", login("user", "hunter2")))
		Expect(resolve(ctx, p, as("b/secret@1", login("user", "guess")))).To(MatchError(registry.ErrUnauthorized))
		Expect(resolve(ctx, p, as("", ""))).To(MatchError(registry.ErrUnauthorized))
		Expect(resolve(ctx, p, as("a/secret@2", login("user", "guess")))).To(MatchError(registry.ErrUnauthorized))
		all(as("a/secret@1", login("user", "hunter2")))
	})

	It("J16: a token that one namespace got anonymously is used for no other", func() {
		g.user, g.password = "", ""
		all(as("a", ""))
		p.Reset()
		all(as("a", ""))
		Expect(p.Requests()).NotTo(ContainElement("GET /token"))
		all(as("b", ""))
		Expect(p.Requests()).To(ContainElement("GET /token"))
	})

	It("I5: a password that one tenant has is used for no other", func() {
		p.Break(basic("user", "hunter2"))
		all(as("a/secret@1", login("user", "hunter2")))
		Expect(resolve(ctx, p, as("b/secret@1", login("user", "guess")))).To(MatchError(registry.ErrUnauthorized))
		Expect(resolve(ctx, p, as("", ""))).To(MatchError(registry.ErrUnauthorized))
	})

	It("A18: the answer of a token service that repeats the password is not quoted", func() {
		Expect(resolve(ctx, p, as("a", login("user", "canary")))).To(MatchError(Not(ContainSubstring("canary"))))
	})
})
