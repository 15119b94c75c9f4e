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
		Entry("not by the beginning of a path", `{"auths":{"ghcr.io/or":`+as("no")+`}}`, "ghcr.io/org/app", ""),
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
		Entry("another type", `{"auths":{"ghcr.io":{"auth":["canary"]}}}`),
		Entry("an older form", `{"ghcr.io":{"auth":"Y2FuYXJ5"}}`),
		Entry("an auth that is not base64", `{"auths":{"ghcr.io":{"auth":"canary:canary"}}}`),
		Entry("an auth without a colon", `{"auths":{"ghcr.io":{"auth":"Y2FuYXJ5"}}}`),
		Entry("too much", `{"auths":{"ghcr.io":{"auth":"`+strings.Repeat("canary", 1<<18)+`"}}}`),
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
		p.PushChart("charts/other", "1.0.0", []byte("{}"), archive)
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
		c.UserFor("ghcr.io/org/app")
		c.UserFor("docker.io/app")
	})
}
