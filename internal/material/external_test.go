// SPDX-License-Identifier: Apache-2.0

package material_test

import (
	"context"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/verifiedchart/verifiedchart/api/v1alpha1"
	"github.com/verifiedchart/verifiedchart/internal/download"
	"github.com/verifiedchart/verifiedchart/internal/material"
	"github.com/verifiedchart/verifiedchart/internal/policy"
	"github.com/verifiedchart/verifiedchart/internal/registry"
	"github.com/verifiedchart/verifiedchart/internal/verify"
	"github.com/verifiedchart/verifiedchart/internal/verify/verifytest"
)

// fromObject returns an authority whose provenance files are in an object.
func fromObject(name, source, object string) v1alpha1.Authority {
	a := provenanced(name, "keyring")
	a.Provenance = &v1alpha1.Provenance{Source: source, FileRef: &v1alpha1.FileReference{Name: object}}
	return a
}

var _ = Describe("Provenance files outside the registry", Label("provenance", "network"), func() {
	var o *objects
	var l *material.Loader
	BeforeEach(func() {
		o = newObjects()
		l = material.NewLoader(material.Options{
			Source: o, Downloads: download.NewClient(download.Options{RetryPause: time.Millisecond, AllowedHosts: []string{"127.0.0.1"}}),
		})
		o.putSecret("keyring", entries{"pubring.gpg": ourKeyring()})
	})
	load := func(ctx context.Context, a v1alpha1.Authority) policy.Material {
		m, _ := l.Load(ctx, "team", verification(a))
		return m[a.Name]
	}
	read := func(ctx context.Context, a v1alpha1.Authority) (string, []byte, error) {
		GinkgoHelper()
		m := load(ctx, a)
		Expect(m.Err).NotTo(HaveOccurred())
		Expect(m.External).NotTo(BeNil())
		return m.External(ctx, verifytest.NewRepository(), "app", "1.0.0+b")
	}

	DescribeTable("are read from an object",
		func(ctx context.Context, arrange func(), source, key, where string, content []byte) {
			arrange()
			a := fromObject("a", source, "provs")
			a.Provenance.FileRef.Key = key
			at, raw, err := read(ctx, a)
			Expect(err).NotTo(HaveOccurred())
			Expect(at).To(Equal(where))
			Expect(raw).To(Equal(content))
		},
		Entry("that is a Secret", func() { o.putSecret("provs", entries{"app-1.0.0_b.tgz.prov": []byte("file")}) },
			"Secret", "", "key app-1.0.0_b.tgz.prov of Secret provs", []byte("file")),
		Entry("that is a ConfigMap", func() { o.putConfigMap("provs", map[string]string{"app-1.0.0_b.tgz.prov": "file"}, nil) },
			"ConfigMap", "", "key app-1.0.0_b.tgz.prov of ConfigMap provs", []byte("file")),
		Entry("that is a ConfigMap, from its binary data", func() { o.putConfigMap("provs", nil, entries{"app-1.0.0_b.tgz.prov": []byte("\xff")}) },
			"ConfigMap", "", "key app-1.0.0_b.tgz.prov of ConfigMap provs", []byte("\xff")),
		Entry("by a key of its own", func() { o.putSecret("provs", entries{"1.0.0_b": []byte("file")}) },
			"Secret", "{{version}}", "key 1.0.0_b of Secret provs", []byte("file")),
		Entry("that holds an empty file", func() { o.putSecret("provs", entries{"1.0.0_b": nil}) },
			"Secret", "{{version}}", "key 1.0.0_b of Secret provs", []byte{}),
		Entry("F1: that holds no file of this version", func() { o.putSecret("provs", entries{"1.0.1": []byte("file")}) },
			"Secret", "{{version}}", "key 1.0.0_b of Secret provs", nil),
	)

	DescribeTable("are unavailable if their object is missing",
		func(ctx context.Context, a v1alpha1.Authority, object string) {
			err := load(ctx, a).Err
			Expect(err).To(MatchError(verify.ErrTrustUnavailable))
			Expect(err).NotTo(MatchError(verify.ErrTrustMalformed))
			Expect(err).To(MatchError(ContainSubstring(object + " not found: ")))
		},
		Entry("a Secret", fromObject("a", "Secret", "provs"), "Secret team/provs"),
		Entry("a ConfigMap", fromObject("a", "ConfigMap", "provs"), "ConfigMap team/provs"),
	)

	DescribeTable("are read from no object",
		func(ctx context.Context, a v1alpha1.Authority) {
			m := load(ctx, a)
			Expect(m.Err).NotTo(HaveOccurred())
			Expect(m.External).To(BeNil())
			Expect(o.reads).To(Equal([]string{"secrets keyring"}))
		},
		Entry("if the source is the registry, even if a file is named", fromObject("a", "Auto", "provs")),
		Entry("if there is no source, even if a file is named", fromObject("a", "", "provs")),
		Entry("if the source is a Secret, but no file is named", func() v1alpha1.Authority {
			a := fromObject("a", "Secret", "")
			a.Provenance.FileRef = nil
			return a
		}()),
	)

	Describe("on a web server", func() {
		var site *httptest.Server
		var answer http.HandlerFunc
		var requests []string
		BeforeEach(func() {
			requests = nil
			answer = func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("file")) }
			site = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				user, password, _ := r.BasicAuth()
				requests = append(requests, r.URL.Path+" "+user+password)
				answer(w, r)
			}))
			DeferCleanup(site.Close)
			o.putSecret("ca", entries{"ca.crt": pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: site.Certificate().Raw})})
			o.putSecret("login", entries{"username": []byte("u"), "password": []byte("p")})
		})
		atURL := func() v1alpha1.Authority {
			a := provenanced("a", "keyring")
			a.Provenance = &v1alpha1.Provenance{
				Source: v1alpha1.ProvenanceSourceURL, URL: site.URL + "/{{name}}-{{version}}.prov",
				SecretRef: ref("login"), CertSecretRef: ref("ca"),
			}
			return a
		}
		status := func(code int) http.HandlerFunc {
			return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
		}

		It("are read with the credentials of a Secret", func(ctx context.Context) {
			where, raw, err := read(ctx, atURL())
			Expect(err).NotTo(HaveOccurred())
			Expect(raw).To(Equal([]byte("file")))
			Expect(where).To(HavePrefix("URL " + site.URL))
			Expect(requests).To(ConsistOf(HaveSuffix(" up")))
		})

		It("F1: are missing if the server has none", func(ctx context.Context) {
			answer = status(http.StatusNotFound)
			_, raw, err := read(ctx, atURL())
			Expect(err).NotTo(HaveOccurred())
			Expect(raw).To(BeNil())
		})

		It("F21: are refused if they are huge", func(ctx context.Context) {
			answer = func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 300<<10)) }
			_, _, err := read(ctx, atURL())
			Expect(err).To(MatchError(registry.ErrTooLarge))
		})

		DescribeTable("give no verdict if the server does not send them",
			func(ctx context.Context, code int) {
				answer = status(code)
				_, _, err := read(ctx, atURL())
				Expect(err).To(MatchError(verify.ErrTrustUnavailable))
				Expect(err).NotTo(MatchError(verify.ErrRejected))
			},
			Entry("because it is broken", http.StatusInternalServerError),
			Entry("because it refuses the credentials", http.StatusForbidden),
			Entry("because it limits requests", http.StatusTooManyRequests),
		)

		DescribeTable("are unavailable if",
			func(ctx context.Context, arrange func(*v1alpha1.Provenance), class error, text string) {
				a := atURL()
				arrange(a.Provenance)
				err := load(ctx, a).Err
				Expect(err).To(MatchError(class))
				Expect(err).To(MatchError(ContainSubstring(text)))
				Expect(requests).To(BeEmpty())
			},
			Entry("the Secret with the credentials is missing", func(p *v1alpha1.Provenance) { p.SecretRef = ref("none") },
				verify.ErrTrustUnavailable, "Secret team/none not found: "),
			Entry("the Secret with the certificates is missing", func(p *v1alpha1.Provenance) { p.CertSecretRef = ref("none") },
				verify.ErrTrustUnavailable, "Secret team/none not found: "),
			Entry("the Secret with the credentials holds none", func(*v1alpha1.Provenance) { o.putSecret("login", entries{"user": nil}) },
				verify.ErrTrustMalformed, "Secret team/login: "),
			Entry("the Secret with the certificates holds none", func(*v1alpha1.Provenance) { o.putSecret("ca", entries{"ca.crt": []byte("x")}) },
				verify.ErrTrustMalformed, "Secret team/ca: "),
			Entry("the program reads no web servers", func(*v1alpha1.Provenance) { l = material.NewLoader(material.Options{Source: o}) },
				verify.ErrTrustUnavailable, "cannot be read by this program: "),
		)

		It("are unavailable from a malformed URL", func(ctx context.Context) {
			a := atURL()
			a.Provenance.URL = "http://user:hunter2@host/x"
			_, _, err := load(ctx, a).External(ctx, verifytest.NewRepository(), "app", "1.0.0")
			Expect(err).To(MatchError(verify.ErrTrustMalformed))
			Expect(err).NotTo(MatchError(ContainSubstring("hunter2")))
		})
	})
})
