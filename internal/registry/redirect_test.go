// SPDX-License-Identifier: Apache-2.0

package registry_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/verifiedchart/verifiedchart/internal/outbound"
	"github.com/verifiedchart/verifiedchart/internal/registry"
	"github.com/verifiedchart/verifiedchart/internal/registry/registrytest"
)

// redirect returns a fault that redirects each request to the same path of another server.
func redirect(server string) registrytest.Fault {
	return func(w http.ResponseWriter, r *http.Request) bool {
		return answer(http.StatusTemporaryRedirect, "Location", server+r.URL.Path)(w, r)
	}
}

// named returns the URL of a server with another host name.
func named(p pushed, name string) string { return strings.Replace(p.Server.URL, "127.0.0.1", name, 1) }

var _ = Describe("A registry that redirects elsewhere", Label("registry", "network"), func() {
	ctx := context.Background()
	var p, other pushed
	BeforeEach(func() { p, other = push(), push() })

	DescribeTable("A11: does not lead to internal addresses", func(to func() string) {
		p.Break(redirect(to()))
		for _, ask := range []question{tags, resolve, manifest, blob} {
			Expect(ask(short(), p, open(newClient(p.Host()), p.target()))).To(MatchError(outbound.ErrRefused))
		}
		Expect(other.Requests()).To(BeEmpty())
	},
		Entry("loopback", func() string { return other.Server.URL }),
		Entry("loopback, by a name", func() string { return named(other, "localhost") }),
		Entry("loopback over IPv6", func() string { return named(other, "[::1]") }),
		Entry("loopback as IPv4 in IPv6", func() string { return named(other, "[::ffff:127.0.0.1]") }),
		Entry("unspecified", func() string { return named(other, "0.0.0.0") }),
		Entry("the metadata service", func() string { return "http://169.254.169.254" }),
		Entry("the metadata service over IPv6", func() string { return "http://[fd00:ec2::254]" }),
		Entry("link-local, with a zone", func() string { return "http://[fe80::1%25lo]" }),
		Entry("RFC 1918", func() string { return "http://10.0.0.1" }),
		Entry("a cluster's shared addresses", func() string { return "https://100.64.0.1" }),
	)

	DescribeTable("A11: does not name an internal token service", func(realm func() string) {
		p.Break(answer(http.StatusUnauthorized, "Www-Authenticate", fmt.Sprintf(`Bearer realm="%s/token"`, realm())))
		Expect(resolve(short(), p, open(newClient(p.Host()), p.target()))).NotTo(Or(Succeed(), MatchError(context.DeadlineExceeded)))
		Expect(other.Requests()).To(BeEmpty())
	},
		Entry("loopback", func() string { return other.Server.URL }),
		Entry("loopback, by a name", func() string { return named(other, "localhost") }),
		Entry("the metadata service", func() string { return "http://169.254.169.254" }),
		Entry("a file", func() string { return "file:///etc" }),
	)

	DescribeTable("A11: may redirect to allowed internal addresses", func(to func() string, allowed string) {
		p.Break(redirect(to()))
		Expect(blob(ctx, p, open(newClient(allowed, p.Host()), p.target()))).To(Succeed())
		Expect(other.Requests()).To(HaveLen(1))
	},
		Entry("by a block of them", func() string { return other.Server.URL }, "127.0.0.0/8"),
		Entry("by a host", func() string { return other.Server.URL }, "127.0.0.1"),
		Entry("by a name, in any case", func() string { return named(other, "LocalHost") }, "localhost"),
	)

	It("A11: may redirect to itself, even if it is internal", func() {
		p.Break(func(w http.ResponseWriter, r *http.Request) bool {
			return !strings.HasPrefix(r.URL.Path, "/elsewhere") && redirect(p.Server.URL+"/elsewhere")(w, r) || body(unannounced, archive)(w, r)
		})
		Expect(blob(ctx, p, p.reader())).To(Succeed())
	})

	It("is followed only a few times", func() {
		p.Break(redirect(p.Server.URL))
		Expect(blob(ctx, p, p.reader())).To(HaveOccurred())
		Expect(p.Requests()).To(HaveLen(6))
	})

	DescribeTable("A13: gets no credentials there", func(to func() string) {
		p.Break(func(w http.ResponseWriter, r *http.Request) bool {
			return basic("user", "hunter2")(w, r) || redirect(to())(w, r)
		})
		var headers []http.Header
		other.Break(func(_ http.ResponseWriter, r *http.Request) bool {
			headers = append(headers, r.Header.Clone())
			return false
		})
		t := p.target()
		t.Credentials = credentials(p.Host(), login("user", "hunter2"))
		r := open(newClient("127.0.0.1", "localhost"), t)
		Expect(blob(ctx, p, r)).To(Succeed())
		Expect(blob(ctx, p, r)).To(Succeed())
		Expect(headers).To(HaveLen(2))
		for _, h := range headers {
			Expect(h).NotTo(Or(HaveKey("Authorization"), HaveKey("Cookie"), HaveKey("Referer")))
		}
	},
		Entry("on another port", func() string { return other.Server.URL }),
		Entry("on another host", func() string { return named(other, "localhost") }),
	)

	It("A13: gets no credentials if the target of a redirect asks for them", func() {
		p.Break(redirect(other.Server.URL))
		var sent []string
		other.Break(func(w http.ResponseWriter, r *http.Request) bool {
			sent = append(sent, r.Header.Values("Authorization")...)
			return basic("user", "hunter2")(w, r)
		})
		t := p.target()
		t.Credentials = credentials(p.Host(), login("user", "hunter2"))
		Expect(blob(ctx, p, open(newClient("127.0.0.1"), t))).To(MatchError(registry.ErrUnauthorized))
		Expect(sent).To(BeEmpty())
	})

	DescribeTable("A18: keeps secrets out of errors", func(fault func(w http.ResponseWriter, r *http.Request) bool) {
		p.Break(fault)
		t := p.target()
		t.Credentials = credentials(p.Host(), login("canary", "canary"))
		for _, ask := range []question{tags, resolve, manifest, blob} {
			err := ask(short(), p, open(newClient(), t))
			Expect(err).To(HaveOccurred())
			Expect(err.Error()).NotTo(ContainSubstring("canary"))
			Expect(len(err.Error())).To(BeNumerically("<=", 1024))
		}
	},
		Entry("a signed URL", answer(http.StatusFound, "Location", "http://127.0.0.1:1/blob?sig=canary&x=%22canary")),
		Entry("a signed URL with quotes and spaces", answer(http.StatusFound, "Location", `http://127.0.0.1:1/blob?sig="x canary" canary`)),
		Entry("a token in the fragment", answer(http.StatusFound, "Location", "http://127.0.0.1:1/blob#token=canary")),
		Entry("a password in a URL", answer(http.StatusFound, "Location", "http://user:canary@127.0.0.1:1/blob")),
		Entry("a password with a colon and an at sign", answer(http.StatusFound, "Location", "http://user:canary%40:canary@127.0.0.1:1/blob")),
		Entry("a password with a slash, which is no URL", answer(http.StatusFound, "Location", "http://user:canary/canary@127.0.0.1:1/blob?sig=canary")),
		Entry("a URL that is none", answer(http.StatusFound, "Location", "http://a\x7fb?sig=canary")),
		Entry("a URL without a scheme", answer(http.StatusFound, "Location", "//user:canary@127.0.0.1:1/?sig=canary")),
		Entry("a URL of another scheme", answer(http.StatusFound, "Location", "ftp://user:canary@host/?sig=canary")),
		Entry("a realm", answer(http.StatusUnauthorized, "Www-Authenticate", `Bearer realm="http://user:canary@127.0.0.1:1/?sig=canary"`)),
		Entry("a realm that is no URL", answer(http.StatusUnauthorized, "Www-Authenticate", `Bearer realm="http://user:canary/@127.0.0.1:1/?sig=canary"`)),
		Entry("a very long URL", answer(http.StatusFound, "Location", "http://127.0.0.1:1/"+strings.Repeat("long/", 5000)+"?canary")),
		Entry("its own words", func(w http.ResponseWriter, _ *http.Request) bool {
			http.Error(w, "canary", http.StatusBadRequest)
			return true
		}),
	)

	It("A18: keeps the secrets of a link", func() {
		p.Break(linked(`["1.0.0"]`, `<http://user:canary@127.0.0.1:1/?sig=canary>; rel="next"`))
		Expect(tags(ctx, p, p.reader())).To(MatchError(Not(ContainSubstring("canary"))))
	})
})
