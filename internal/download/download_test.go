// SPDX-License-Identifier: Apache-2.0

package download_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/verifiedchart/verifiedchart/internal/download"
	"github.com/verifiedchart/verifiedchart/internal/outbound"
)

func TestDownload(t *testing.T) {
	RegisterFailHandler(Fail)
	RunSpecs(t, "Download")
}

const limit = 1000

// server is a web server with TLS that counts its requests.
type server struct {
	*httptest.Server
	asked atomic.Int64
}

func serve(answer http.HandlerFunc, change ...func(*httptest.Server)) *server {
	s := &server{}
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.asked.Add(1)
		answer(w, r)
	}))
	for _, c := range change {
		c(s.Server)
	}
	s.StartTLS()
	DeferCleanup(s.Close)
	return s
}

func certificatePEM(s *httptest.Server) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
}

func (s *server) request() download.Request {
	GinkgoHelper()
	trust, err := outbound.ParseTrust(map[string][]byte{"ca.crt": certificatePEM(s.Server)})
	Expect(err).NotTo(HaveOccurred())
	return download.Request{URL: s.URL + "/app.prov?signature=hunter2", Trust: trust, Limit: limit}
}

// newClient returns a client that may reach the given hosts; by default, every server of this machine.
func newClient(allowed ...string) *download.Client {
	if len(allowed) == 0 {
		allowed = []string{"127.0.0.1"}
	}
	return download.NewClient(download.Options{UserAgent: "test", AllowedHosts: allowed, RetryPause: time.Millisecond})
}

func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "hunter2", code) }
}

func to(url func() string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, url(), http.StatusFound) }
}

func good(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("file")) }

// requests is how many requests the server gets.
type requests int64

var _ = Describe("A file", Label("provenance", "network"), func() {
	ctx := context.Background()

	It("is read", func() {
		raw, err := newClient().File(ctx, serve(good).request())
		Expect(err).NotTo(HaveOccurred())
		Expect(string(raw)).To(Equal("file"))
	})

	It("J12: needs a ticket if it is larger than the free bytes", func() {
		pool := outbound.NewPool(2)
		_, err := outbound.ReadAll(outbound.WithMeter(ctx, pool.Meter("a")), strings.NewReader(strings.Repeat("x", outbound.FreeRead+1)), 1<<20, nil)
		Expect(err).NotTo(HaveOccurred())
		request := serve(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, outbound.FreeRead+1)) }).request()
		request.Limit = 1 << 20
		soon, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		_, err = newClient().File(outbound.WithMeter(soon, pool.Meter("a")), request)
		Expect(err).To(MatchError(context.DeadlineExceeded))
		Expect(newClient().File(outbound.WithMeter(ctx, pool.Meter("b")), request)).To(HaveLen(outbound.FreeRead + 1))
	})

	It("may be empty, which is not the same as absent", func() {
		raw, err := newClient().File(ctx, serve(func(http.ResponseWriter, *http.Request) {}).request())
		Expect(err).NotTo(HaveOccurred())
		Expect(raw).To(And(BeEmpty(), Not(BeNil())))
	})

	DescribeTable("is not read if the server",
		func(answer http.HandlerFunc, want error, asked requests) {
			s := serve(answer)
			raw, err := newClient().File(ctx, s.request())
			Expect(raw).To(BeNil())
			Expect(err).To(HaveOccurred())
			for _, class := range []error{download.ErrNotFound, download.ErrUnauthorized, download.ErrTooLarge} {
				Expect(errors.Is(err, class)).To(Equal(errors.Is(want, class)), "%v", class)
			}
			Expect(err.Error()).NotTo(ContainSubstring("hunter2"))
			Expect(len(err.Error())).To(BeNumerically("<=", 1024))
			Expect(s.asked.Load()).To(BeEquivalentTo(asked))
		},
		Entry("has no such file", status(http.StatusNotFound), download.ErrNotFound, requests(1)),
		Entry("no longer has the file", status(http.StatusGone), download.ErrNotFound, requests(1)),
		Entry("asks for credentials", status(http.StatusUnauthorized), download.ErrUnauthorized, requests(1)),
		Entry("refuses the credentials", status(http.StatusForbidden), download.ErrUnauthorized, requests(1)),
		Entry("fails, three times", status(http.StatusBadGateway), nil, requests(3)),
		Entry("answers something else", status(http.StatusTeapot), nil, requests(1)),
		Entry("answers nothing", status(http.StatusNoContent), nil, requests(1)),
		Entry("sends too much", func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprint(w, strings.Repeat("x", limit+1)) }, download.ErrTooLarge, requests(1)),
		Entry("stops in the middle", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "10")
			_, _ = w.Write([]byte("x"))
		}, nil, requests(1)),
		Entry("redirects in a circle", to(func() string { return "?again" }), nil, requests(6)),
		Entry("redirects to a malformed URL", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "https://%zz/hunter2")
			w.WriteHeader(http.StatusFound)
		}, nil, requests(1)),
	)

	It("is read after a passing fault", func() {
		var tried atomic.Int64
		s := serve(func(w http.ResponseWriter, r *http.Request) {
			if tried.Add(1) == 1 {
				status(http.StatusServiceUnavailable)(w, r)
				return
			}
			good(w, r)
		})
		Expect(newClient().File(ctx, s.request())).To(Equal([]byte("file")))
	})

	It("A3: is not requested again before the time that the server asks for", func() {
		s := serve(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Retry-After", "600")
			status(http.StatusTooManyRequests)(w, r)
		})
		c := newClient()
		for range 3 {
			_, err := c.File(ctx, s.request())
			var limited *outbound.RateLimitedError
			Expect(errors.As(err, &limited)).To(BeTrue())
			Expect(limited.RetryAfter).To(BeNumerically("~", 10*time.Minute, time.Minute))
		}
		Expect(s.asked.Load()).To(BeEquivalentTo(1))
	})

	DescribeTable("J16: is requested by other tenants while the server limits the rate of one",
		func(scope string, credentials map[string][]byte, asked requests) {
			s := serve(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Retry-After", "600")
				status(http.StatusTooManyRequests)(w, r)
			})
			c, r := newClient(), s.request()
			r.Scope = "abuser"
			for range 3 {
				_, _ = c.File(ctx, r)
			}
			r.Scope = scope
			if credentials != nil {
				var err error
				r.Credentials, err = download.ParseCredentials(credentials)
				Expect(err).NotTo(HaveOccurred())
			}
			_, _ = c.File(ctx, r)
			Expect(s.asked.Load()).To(BeEquivalentTo(asked))
		},
		Entry("by another namespace, without credentials", "other", nil, requests(2)),
		Entry("by a namespace with the same prefix", "abuser2", nil, requests(2)),
		Entry("by another namespace, with credentials", "other", map[string][]byte{"bearerToken": []byte("x")}, requests(2)),
		Entry("by the same namespace, with credentials", "abuser", map[string][]byte{"bearerToken": []byte("x")}, requests(2)),
		Entry("but not by the same namespace, without credentials", "abuser", nil, requests(1)),
	)

	DescribeTable("J6: is given up if its bytes stop coming, which is not reported as absence",
		func(answer http.HandlerFunc, class string) {
			c := download.NewClient(download.Options{RetryPause: time.Millisecond, SlowAfter: 50 * time.Millisecond, AllowedHosts: []string{"127.0.0.1"}})
			raw, err := c.File(ctx, serve(answer).request())
			Expect(raw).To(BeNil())
			Expect(err).To(MatchError(ContainSubstring(class)))
			Expect(errors.Is(err, download.ErrNotFound) || errors.Is(err, download.ErrTooLarge)).To(BeFalse())
		},
		Entry("in the middle", func(w http.ResponseWriter, r *http.Request) {
			_, _ = w.Write([]byte("fi"))
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		}, "too slowly"),
		Entry("before its first byte", func(w http.ResponseWriter, r *http.Request) {
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		}, "too slowly"),
		Entry("before the headers", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, "awaiting response headers"),
	)

	DescribeTable("A14: is read over HTTPS only, and without credentials in its URL",
		func(url string) {
			_, err := newClient().File(ctx, download.Request{URL: url, Limit: limit})
			Expect(err).To(MatchError(download.ErrURL))
			Expect(err.Error()).NotTo(ContainSubstring("hunter2"))
		},
		Entry("plain HTTP", "http://web.example/app.prov"),
		Entry("a file", "file:///etc/passwd"),
		Entry("no scheme", "web.example/app.prov"),
		Entry("no host", "https:///app.prov"),
		Entry("credentials", "https://user:hunter2@web.example/app.prov"),
		Entry("no URL", "https://%zz/hunter2"),
	)

	Context("on a server that redirects", func() {
		var other *server
		BeforeEach(func() {
			other = serve(func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get("Authorization") != "" {
					status(http.StatusTeapot)(w, r)
					return
				}
				good(w, r)
			})
		})
		credentials := func() download.Credentials {
			c, err := download.ParseCredentials(map[string][]byte{"username": []byte("user"), "password": []byte("hunter2")})
			Expect(err).NotTo(HaveOccurred())
			return c
		}

		It("A11: is not read from an internal address", func() {
			s := serve(to(func() string { return other.URL }))
			_, err := newClient(s.Listener.Addr().String()).File(ctx, s.request())
			Expect(err).To(MatchError(outbound.ErrRefused))
			Expect(other.asked.Load()).To(BeZero())
		})

		It("A13: is read without the credentials of the first server, if that is allowed", func() {
			r := serve(to(func() string { return other.URL })).request()
			r.Credentials = credentials()
			Expect(newClient("127.0.0.1").File(ctx, r)).To(Equal([]byte("file")))
		})

		It("A14: is not read over plain HTTP", func() {
			plain := httptest.NewServer(http.HandlerFunc(good))
			DeferCleanup(plain.Close)
			_, err := newClient("127.0.0.1").File(ctx, serve(to(func() string { return plain.URL })).request())
			Expect(err).To(MatchError(outbound.ErrCleartext))
		})
	})

	It("A15: is not read from a server of an unknown authority", func() {
		s := serve(good)
		r := s.request()
		r.Trust = outbound.Trust{}
		_, err := newClient().File(ctx, r)
		Expect(err).To(HaveOccurred())
		Expect(s.asked.Load()).To(BeZero())
	})

	DescribeTable("is asked for with credentials",
		func(data map[string][]byte, header string) {
			var got atomic.Value
			s := serve(func(w http.ResponseWriter, r *http.Request) { got.Store(r.Header.Get("Authorization")); good(w, r) })
			r := s.request()
			var err error
			r.Credentials, err = download.ParseCredentials(data)
			Expect(err).NotTo(HaveOccurred())
			Expect(fmt.Sprintf("%v %+v %#v", r.Credentials, r.Credentials, r.Credentials)).NotTo(ContainSubstring("hunter2"))
			_, err = newClient().File(ctx, r)
			Expect(err).NotTo(HaveOccurred())
			Expect(got.Load()).To(Equal(header))
		},
		Entry("of a user", map[string][]byte{"username": []byte("user"), "password": []byte("hunter2\n")}, "Basic dXNlcjpodW50ZXIy"),
		Entry("of a bearer", map[string][]byte{"bearerToken": []byte("hunter2\n")}, "Bearer hunter2"),
	)

	It("is asked for with a certificate", func() {
		pair := serve(good) // for its certificate and key
		key, err := x509.MarshalPKCS8PrivateKey(pair.TLS.Certificates[0].PrivateKey)
		Expect(err).NotTo(HaveOccurred())
		s := serve(good, func(s *httptest.Server) {
			s.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert, MinVersion: tls.VersionTLS12}
		})
		_, err = newClient().File(ctx, s.request())
		Expect(err).To(HaveOccurred())
		r := s.request()
		r.Trust, err = outbound.ParseTrust(map[string][]byte{
			"ca.crt": certificatePEM(s.Server), "tls.crt": certificatePEM(pair.Server),
			"tls.key": pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}),
		})
		Expect(err).NotTo(HaveOccurred())
		Expect(newClient().File(ctx, r)).To(Equal([]byte("file")))
	})

	It("ends with its context", func() {
		short, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
		defer cancel()
		s := serve(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
		_, err := newClient().File(short, s.request())
		Expect(err).To(MatchError(context.DeadlineExceeded))
	})
})

var _ = DescribeTable("A Secret is refused as credentials that", Label("network"),
	func(data map[string][]byte) {
		_, err := download.ParseCredentials(data)
		Expect(err).To(MatchError(download.ErrSecret))
		Expect(err.Error()).NotTo(ContainSubstring("hunter2"))
	},
	Entry("holds none", map[string][]byte{}),
	Entry("holds other entries", map[string][]byte{".dockerconfigjson": []byte("hunter2")}),
	Entry("holds two kinds of credentials", map[string][]byte{"username": []byte("u"), "password": []byte("hunter2"), "bearerToken": []byte("hunter2")}),
	Entry("has a password without a user", map[string][]byte{"password": []byte("hunter2")}),
	Entry("has a user with a colon", map[string][]byte{"username": []byte("u:hunter2"), "password": []byte("hunter2")}),
	Entry("has a token of two lines", map[string][]byte{"bearerToken": []byte("hunter2\nX: y")}),
)
