// SPDX-License-Identifier: Apache-2.0

package registry_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/verifiedchart/verifiedchart/internal/registry"
)

var _ = Describe("A docker configuration", Label("registry", "network"), func() {
	parse := func(text string) registry.Credentials {
		GinkgoHelper()
		c, err := registry.ParseDockerConfig([]byte(text))
		Expect(err).NotTo(HaveOccurred())
		return c
	}
	as := func(user string) string { return login(user, "password") }

	DescribeTable("offers the credentials of the entry for the repository", func(text, repository, user string) {
		Expect(parse(text).UserFor(repository)).To(Equal(user))
	},
		Entry("by host", `{"auths":{"ghcr.io":`+as("me")+`}}`, "ghcr.io/app", "me"),
		Entry("by host and port", `{"auths":{"h":`+as("no")+`,"h:5000":`+as("me")+`}}`, "h:5000/app", "me"),
		Entry("not by the host without the port", `{"auths":{"h":`+as("no")+`}}`, "h:5000/app", ""),
		Entry("not by another host", `{"auths":{"ghcr.io":`+as("no")+`}}`, "evil-ghcr.io/app", ""),
		Entry("not by a parent domain", `{"auths":{"ghcr.io":`+as("no")+`}}`, "sub.ghcr.io/app", ""),
		Entry("by host in another case", `{"auths":{"GHCR.io":`+as("me")+`}}`, "ghcr.io/app", "me"),
		Entry("by a URL", `{"auths":{"https://ghcr.io/":`+as("me")+`}}`, "ghcr.io/app", "me"),
		Entry("by the URL of the API", `{"auths":{"https://ghcr.io/v2/":`+as("me")+`}}`, "ghcr.io/app", "me"),
		Entry("by a path", `{"auths":{"ghcr.io":`+as("no")+`,"ghcr.io/org":`+as("me")+`,"ghcr.io/org/app/more":`+as("no")+`}}`, "ghcr.io/org/app", "me"),
		Entry("by the beginning of a path, as the kubelet does", `{"auths":{"ghcr.io/team-":`+as("me")+`}}`, "ghcr.io/team-a/app", "me"),
		Entry("not by the beginning of a path that a slash ends", `{"auths":{"ghcr.io/or/":`+as("no")+`}}`, "ghcr.io/org/app", ""),
		Entry("by a path that a slash ends", `{"auths":{"ghcr.io/org/":`+as("me")+`}}`, "ghcr.io/org/app", "me"),
		Entry("by a path that is the whole repository, with a slash", `{"auths":{"ghcr.io/org/app/":`+as("me")+`}}`, "ghcr.io/org/app", "me"),
		Entry("by a path after the version of the API", `{"auths":{"https://ghcr.io/v2/org":`+as("me")+`}}`, "ghcr.io/org/app", "me"),
		Entry("by the version of the API alone", `{"auths":{"https://ghcr.io/v1":`+as("me")+`}}`, "ghcr.io/org/app", "me"),
		Entry("not by a path in another case", `{"auths":{"ghcr.io/Org":`+as("no")+`}}`, "ghcr.io/org/app", ""),
		Entry("by a wildcard for a label", `{"auths":{"*.azurecr.io":`+as("me")+`}}`, "team.azurecr.io/app", "me"),
		Entry("by a wildcard in the middle", `{"auths":{"prefix.*.io":`+as("me")+`}}`, "prefix.kubernetes.io/app", "me"),
		Entry("by a wildcard at the end", `{"auths":{"prefix.kubernetes.*":`+as("me")+`}}`, "prefix.kubernetes.io/app", "me"),
		Entry("by a wildcard for a part of a label", `{"auths":{"*-good.kubernetes.io":`+as("me")+`}}`, "prefix-good.kubernetes.io/app", "me"),
		Entry("by a wildcard for nothing", `{"auths":{"*kubernetes.io":`+as("me")+`}}`, "kubernetes.io/app", "me"),
		Entry("by several wildcards", `{"auths":{"*.dkr.ecr.*.amazonaws.com":`+as("me")+`}}`, "123456789012.dkr.ecr.eu-west-1.amazonaws.com/app", "me"),
		Entry("not by a range of characters, which is no URL to the kubelet", `{"auths":{"r[0-9].example":`+as("no")+`}}`, "r5.example/app", ""),
		Entry("by a wildcard and a path", `{"auths":{"prefix.*.io/foo":`+as("me")+`}}`, "prefix.kubernetes.io/foo/bar", "me"),
		Entry("by a wildcard and a port", `{"auths":{"*.kubernetes.io:1111/blah":`+as("me")+`}}`, "prefix.kubernetes.io:1111/blah", "me"),
		Entry("not by a wildcard for two labels", `{"auths":{"*.azurecr.io":`+as("no")+`}}`, "a.b.azurecr.io/app", ""),
		Entry("not by a wildcard for no label", `{"auths":{"*.azurecr.io":`+as("no")+`}}`, "azurecr.io/app", ""),
		Entry("not by more wildcards than labels", `{"auths":{"*.*.azurecr.io":`+as("no")+`}}`, "a.azurecr.io/app", ""),
		Entry("not by a wildcard before another domain", `{"auths":{"*.azurecr.io":`+as("no")+`}}`, "team.azurecr.io.evil.example/app", ""),
		Entry("not by a wildcard without the port", `{"auths":{"*.kubernetes.io":`+as("no")+`}}`, "prefix.kubernetes.io:1111/app", ""),
		Entry("not by a wildcard with another port", `{"auths":{"*.kubernetes.io:1234":`+as("no")+`}}`, "prefix.kubernetes.io:1111/app", ""),
		Entry("not by a wildcard for a port, which the kubelet has not", `{"auths":{"kubernetes.io:*":`+as("no")+`}}`, "kubernetes.io:1111/app", ""),
		Entry("not by a wildcard for everything", `{"auths":{"*":`+as("no")+`}}`, "ghcr.io/app", ""),
		Entry("not by a broken wildcard", `{"auths":{"gh[cr.io":`+as("no")+`}}`, "ghcr.io/app", ""),
		Entry("by a host before a wildcard, whatever the path", `{"auths":{"*.example/org":`+as("no")+`,"r.example":`+as("me")+`}}`, "r.example/org/app", "me"),
		Entry("by the wildcard with the longest path", `{"auths":{"*.example":`+as("no")+`,"*.example/org":`+as("me")+`}}`, "r.example/org/app", "me"),
		Entry("by an IPv6 address", `{"auths":{"[fd00::1]:5000":`+as("me")+`}}`, "[fd00::1]:5000/app", "me"),
		Entry("by an IPv6 address without a port", `{"auths":{"https://[fd00::1]":`+as("me")+`}}`, "[fd00::1]/app", "me"),
		Entry("not by an IPv6 address, whose brackets are no range", `{"auths":{"[fd00::1]":`+as("no")+`}}`, "f/app", ""),
		Entry("not by a key that is no host", `{"auths":{"https://%zz":`+as("no")+`,"":`+as("no")+`,"/":`+as("no")+`}}`, "ghcr.io/app", ""),
		Entry("Docker Hub's official charts, by their folder", `{"auths":{"docker.io/library":`+as("me")+`}}`, "docker.io/app", "me"),
		Entry("Docker Hub, by a wildcard", `{"auths":{"*.docker.io":`+as("me")+`}}`, "index.docker.io/org/app", "me"),
		Entry("an auth without padding, as the kubelet does", `{"auths":{"ghcr.io":{"auth":"`+base64.RawStdEncoding.EncodeToString([]byte("me:pa"))+`"}}}`, "ghcr.io/app", "me"),
		Entry("an auth on several lines", `{"auths":{"ghcr.io":{"auth":"`+base64.StdEncoding.EncodeToString([]byte("me:p"))+`\n"}}}`, "ghcr.io/app", "me"),
		Entry("the next entry after an empty one", `{"auths":{"ghcr.io/org":{},"ghcr.io":`+as("me")+`}}`, "ghcr.io/org/app", "me"),
		Entry("a good entry beside an auth of another host that is not base64", `{"auths":{"other.example":{"auth":"%"},"ghcr.io":`+as("me")+`}}`, "ghcr.io/app", "me"),
		Entry("a good entry beside one of another type", `{"auths":{"other.example":[1],"more.example":{"auth":{}},"ghcr.io":`+as("me")+`}}`, "ghcr.io/app", "me"),
		Entry("nothing of a broken entry", `{"auths":{"ghcr.io/org":{"auth":"%"},"ghcr.io":`+as("no")+`}}`, "ghcr.io/org/app", ""),
		Entry("Docker Hub, as docker login writes it", `{"auths":{"https://index.docker.io/v1/":`+as("me")+`}}`, "docker.io/org/app", "me"),
		Entry("Docker Hub, by its usual name", `{"auths":{"docker.io":`+as("me")+`}}`, "docker.io/org/app", "me"),
		Entry("Docker Hub, by the name of its server", `{"auths":{"registry-1.docker.io":`+as("me")+`}}`, "index.docker.io/org/app", "me"),
		Entry("user and password in clear", `{"auths":{"ghcr.io":{"username":"me","password":"p"}}}`, "ghcr.io/app", "me"),
		Entry("auth before user and password", `{"auths":{"ghcr.io":{"username":"no","password":"p","auth":"`+base64.StdEncoding.EncodeToString([]byte("me:p"))+`"}}}`, "ghcr.io/app", "me"),
		Entry("an entry with credentials before one without", `{"auths":{"docker.io":{},"https://index.docker.io/v1/":`+as("me")+`}}`, "docker.io/app", "me"),
		Entry("an empty entry, which offers nothing", `{"auths":{"ghcr.io":{}},"credsStore":"desktop","credHelpers":{"ghcr.io":"evil"}}`, "ghcr.io/app", ""),
	)

	DescribeTable("is refused, and not repeated", func(raw string) {
		_, err := registry.ParseDockerConfig([]byte(raw))
		Expect(err).To(MatchError(registry.ErrCredentials))
		Expect(err.Error()).NotTo(ContainSubstring("canary"))
	},
		Entry("nothing", ""),
		Entry("no JSON", "canary"),
		Entry("no entry", `{"auths":{}}`),
		Entry("null", `null`),
		Entry("another form", `{"auths":["canary"]}`),
		Entry("an older form", `{"ghcr.io":{"auth":"Y2FuYXJ5"}}`),
		Entry("too much", `{"auths":{"ghcr.io":{"auth":"`+strings.Repeat("canary", 1<<18)+`"}}}`),
	)

	DescribeTable("names the entry of the repository that cannot be read, and does not repeat it", func(entry, text string) {
		c := parse(`{"auths":{"ghcr.io/org":` + entry + `,"other.example":` + as("me") + `}}`)
		err := c.Check("ghcr.io/org/app")
		Expect(err).To(MatchError(registry.ErrCredentials))
		Expect(err).To(MatchError(ContainSubstring("entry ghcr.io/org: " + text)))
		Expect(err.Error()).NotTo(Or(ContainSubstring("canary"), ContainSubstring("Y2FuYXJ5")))
		Expect(c.Check("other.example/app")).To(Succeed(), "the entry does not concern this host")
		Expect(c.Check("ghcr.io/app")).To(Succeed(), "the entry does not concern this path")
	},
		Entry("an auth that is not base64", `{"auth":"canary:canary"}`, "auth is not base64"),
		Entry("an auth without a colon", `{"auth":"Y2FuYXJ5"}`, "auth is not the base64 of user:password"),
		Entry("an auth of another type", `{"auth":["canary"]}`, "the entry has a field of the wrong type"),
		Entry("a text", `"canary"`, "the entry has a field of the wrong type"),
	)

	It("does not repeat the password of a key", func() {
		err := parse(`{"auths":{"https://user:canary@ghcr.io":{"auth":"%"}}}`).Check("ghcr.io/app")
		Expect(err).To(MatchError(ContainSubstring("entry ghcr.io: ")))
		Expect(err).NotTo(MatchError(ContainSubstring("canary")))
	})

	DescribeTable("of the older form", func(text, user string) {
		c, err := registry.ParseOldDockerConfig([]byte(text))
		if user == "" {
			Expect(err).To(MatchError(registry.ErrCredentials))
			Expect(err.Error()).NotTo(ContainSubstring("canary"))
			return
		}
		Expect(err).NotTo(HaveOccurred())
		Expect(c.UserFor("ghcr.io/app")).To(Equal(user))
	},
		Entry("is read", `{"ghcr.io":`+as("me")+`}`, "me"),
		Entry("is read, as OpenShift writes it", `{"other.example:5000":`+as("no")+`,"ghcr.io":{"username":"me","password":"p","email":"serviceaccount@example.org"}}`, "me"),
		Entry("is refused if it has the newer form", `{"auths":{"ghcr.io":`+as("canary")+`}}`, ""),
		Entry("is refused if it is empty", `{}`, ""),
		Entry("is refused if it is null", `null`, ""),
		Entry("is refused if it is a list", `["canary"]`, ""),
		Entry("is refused if it is no JSON", `canary`, ""),
	)

	It("I8: does not print", func() {
		t := registry.Target{Repository: "ghcr.io/app", Credentials: parse(`{"auths":{"ghcr.io":{"username":"canary","password":"canary"}}}`)}
		raw, err := json.Marshal(t)
		Expect(err).NotTo(HaveOccurred())
		for _, text := range []string{fmt.Sprint(t), fmt.Sprintf("%+v", t), fmt.Sprintf("%#v", t), t.Credentials.String(), string(raw)} {
			Expect(text).NotTo(ContainSubstring("canary"))
		}
	})

	It("does not mix up entries that differ by path", func() {
		p := push()
		p.Repository("charts/other").PushChart("1.0.0", []byte("{}"), archive)
		p.Break(func(w http.ResponseWriter, r *http.Request) bool {
			if strings.HasPrefix(r.URL.Path, "/v2/charts/app/") {
				return basic("one", "password")(w, r)
			}
			return basic("two", "password")(w, r)
		})
		client := newClient()
		t := p.target()
		t.Credentials = parse(`{"auths":{"` + p.Host() + `/charts/app":` + as("one") + `,"` + p.Host() + `":` + as("two") + `}}`)
		for range 2 {
			Expect(resolve(context.Background(), p, open(client, t))).To(Succeed())
			t.Repository = p.Host() + "/charts/other"
			Expect(resolve(context.Background(), p, open(client, t))).To(Succeed())
			t.Repository = p.Host() + "/" + app
		}
		Expect(p.Requests()).To(HaveLen(6), "each was asked for once, and refused nothing later")
	})
})

var _ = Describe("Credentials", func() {
	login := func(host, user, password string) string {
		return fmt.Sprintf(`{"auths":{%q:{"username":%q,"password":%q}}}`, host, user, password)
	}
	parse := func(text string) registry.Credentials {
		GinkgoHelper()
		c, err := registry.ParseDockerConfig([]byte(text))
		Expect(err).NotTo(HaveOccurred())
		return c
	}

	DescribeTable("of a Secret are told apart by its keys", func(data map[string]string, user string) {
		raw := map[string][]byte{}
		for key, value := range data {
			raw[key] = []byte(value)
		}
		c, err := registry.ParseCredentials(raw, "ghcr.io:5000/org/app")
		Expect(err).NotTo(HaveOccurred())
		Expect(c.UserFor("ghcr.io:5000/org/app")).To(Equal(user))
	},
		Entry("a docker configuration", map[string]string{".dockerconfigjson": login("ghcr.io:5000", "me", "p")}, "me"),
		Entry("the older form", map[string]string{".dockercfg": `{"ghcr.io:5000":{"username":"me","password":"p"}}`}, "me"),
		Entry("a username and a password", map[string]string{"username": "me", "password": "p"}, "me"),
		Entry("a username and a password with a line break of an editor", map[string]string{"username": "me\n", "password": "p\r\n"}, "me"),
		Entry("a docker configuration before the older form", map[string]string{".dockerconfigjson": login("ghcr.io:5000", "me", "p"), ".dockercfg": `{"ghcr.io:5000":{"username":"no","password":"p"}}`}, "me"),
		Entry("the older form before a username", map[string]string{".dockercfg": `{"ghcr.io:5000":{"username":"me","password":"p"}}`, "username": "no", "password": "p"}, "me"),
		Entry("a docker configuration before a username, even if it has no entry for the host", map[string]string{".dockerconfigjson": login("other.example", "no", "p"), "username": "no", "password": "p"}, ""),
		Entry("the older form beside an empty docker configuration", map[string]string{".dockerconfigjson": "", ".dockercfg": `{"ghcr.io:5000":{"username":"me","password":"p"}}`}, "me"),
	)

	DescribeTable("of a Secret are refused, and not repeated", func(data map[string]string, text string) {
		raw := map[string][]byte{}
		for key, value := range data {
			raw[key] = []byte(value)
		}
		_, err := registry.ParseCredentials(raw, "ghcr.io/app")
		Expect(err).To(MatchError(registry.ErrCredentials))
		Expect(err).To(MatchError(ContainSubstring(text)))
		Expect(err.Error()).NotTo(ContainSubstring("canary"))
	},
		Entry("no entry", map[string]string{}, "no entry .dockerconfigjson, .dockercfg or username"),
		Entry("another entry", map[string]string{"token": "canary"}, "no entry .dockerconfigjson, .dockercfg or username"),
		Entry("an empty entry", map[string]string{".dockerconfigjson": ""}, "no entry .dockerconfigjson, .dockercfg or username"),
		Entry("a username alone", map[string]string{"username": "canary"}, "password is empty or missing"),
		Entry("a password alone", map[string]string{"password": "canary"}, "username is empty or missing"),
		Entry("a password that is a line break", map[string]string{"username": "canary", "password": "\n"}, "password is empty or missing"),
		Entry("a username with a colon", map[string]string{"username": "can:ary", "password": "canary"}, "username holds a colon"),
		Entry("a docker configuration that is no JSON, though there is a username", map[string]string{".dockerconfigjson": "canary", "username": "u", "password": "p"}, "not JSON"),
	)

	DescribeTable("of a username and a password are for its host only", func(repository, user string) {
		Expect(registry.BasicCredentials("ghcr.io/org/app", "me", "p").UserFor(repository)).To(Equal(user))
	},
		Entry("the repository", "ghcr.io/org/app", "me"),
		Entry("another repository of the host", "ghcr.io/other", "me"),
		Entry("another host", "evil-ghcr.io/org/app", ""),
		Entry("another port", "ghcr.io:5000/org/app", ""),
		Entry("a parent domain", "io/org/app", ""),
	)

	It("of several Secrets are those of the most specific entry, and among equals of the first", func() {
		one, two := parse(login("ghcr.io", "one", "p")), parse(login("ghcr.io", "two", "p"))
		org, glob := parse(login("ghcr.io/org", "org", "p")), parse(login("*.io", "glob", "p"))
		all := registry.Union(glob, one, two, org, registry.Credentials{})
		Expect(all.UserFor("ghcr.io/app")).To(Equal("one"))
		Expect(all.UserFor("ghcr.io/org/app")).To(Equal("org"))
		Expect(all.UserFor("quay.io/app")).To(Equal("glob"))
		Expect(registry.Union()).To(Equal(registry.Credentials{}))
	})

	It("come before others that are more specific", func() {
		first, others := parse(login("ghcr.io", "first", "p")), parse(`{"auths":{"ghcr.io/org":{"username":"no","password":"p"},"quay.io":{"username":"other","password":"p"}}}`)
		both := first.Or(others)
		Expect(both.UserFor("ghcr.io/org/app")).To(Equal("first"))
		Expect(both.UserFor("quay.io/app")).To(Equal("other"))
	})

	DescribeTable("have another fingerprint", func(other registry.Credentials) {
		c := parse(login("ghcr.io", "u", "p"))
		Expect(other.Fingerprint()).NotTo(Equal(c.Fingerprint()))
	},
		Entry("with another password", parse(login("ghcr.io", "u", "q"))),
		Entry("with another user", parse(login("ghcr.io", "v", "p"))),
		Entry("for another host", parse(login("ghcr.io:5000", "u", "p"))),
		Entry("for another path", parse(login("ghcr.io/u", "u", "p"))),
		Entry("with a user and a password that are the same together", parse(login("ghcr.io", "up", ""))),
		Entry("with quotes that look like two fields", parse(login("ghcr.io", `u" "p`, ""))),
		Entry("with a token", parse(`{"auths":{"ghcr.io":{"username":"u","password":"p","identitytoken":"t"}}}`)),
		Entry("with a token of another kind", parse(`{"auths":{"ghcr.io":{"registrytoken":"u"}}}`)),
		Entry("with another entry", parse(`{"auths":{"ghcr.io":{"username":"u","password":"p"},"quay.io":{"username":"u","password":"p"}}}`)),
		Entry("in another order", parse(login("ghcr.io", "u", "p")).Or(parse(login("quay.io", "u", "p")))),
		Entry("without any", registry.Credentials{}),
	)

	It("have one fingerprint, however they are written, without a trace of the password", func() {
		c := parse(login("ghcr.io", "u", "p"))
		for _, same := range []registry.Credentials{
			parse(login("https://GHCR.io/", "u", "p")), parse(`{"auths":{"ghcr.io":{"auth":"dTpw"}}}`), registry.BasicCredentials("ghcr.io/app", "u", "p"),
		} {
			Expect(same.Fingerprint()).To(Equal(c.Fingerprint()))
		}
		Expect(registry.Credentials{}.Fingerprint()).To(Equal(registry.Union().Fingerprint()))
		Expect(c.Fingerprint()).To(MatchRegexp("^[0-9a-f]{64}$"))
	})
})

// FuzzParseDockerConfig checks that no input causes a panic, and that a rejection is short and of its class.
func FuzzParseDockerConfig(f *testing.F) {
	f.Add([]byte(`{"auths":{"ghcr.io":{"auth":"dTpw"},"https://index.docker.io/v1/":{"username":"u","password":"p"}}}`))
	f.Add([]byte(`{"auths":{"":{"identitytoken":"t"},"/":{"registrytoken":"t"}}}`))
	f.Add([]byte(`{"auths":{"://":{"auth":"Og=="}}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		c, err := registry.ParseDockerConfig(raw)
		if err != nil {
			if len(err.Error()) > 200 {
				t.Errorf("an error of %d bytes", len(err.Error()))
			}
			return
		}
		if got := fmt.Sprintf("%v %+v %#v", c, c, c); got != "credentials credentials credentials" {
			t.Errorf("credentials print as %q", got)
		}
		for _, repository := range []string{"ghcr.io/org/app", "docker.io/app", "[fd00::1]:5000/app"} {
			c.UserFor(repository)
			if err := c.Check(repository); err != nil && len(err.Error()) > 600 {
				t.Errorf("an error of %d bytes", len(err.Error()))
			}
		}
	})
}
