// SPDX-License-Identifier: Apache-2.0

package outbound

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// certificatePEM returns the certificate of a server, and keyPEM its key.
func certificatePEM(s *httptest.Server) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
}

func keyPEM(s *httptest.Server) []byte {
	key, err := x509.MarshalPKCS8PrivateKey(s.TLS.Certificates[0].PrivateKey)
	Expect(err).NotTo(HaveOccurred())
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})
}

// connectProxy is a proxy for CONNECT that demands a password, and counts its tunnels.
type connectProxy struct {
	*httptest.Server
	tunnels      atomic.Int64
	certificates atomic.Int64 // client certificates that it was shown
}

func serveProxy(withTLS bool) *connectProxy {
	p := &connectProxy{}
	p.Server = httptest.NewUnstartedServer(http.HandlerFunc(p.connect))
	if withTLS {
		p.TLS = &tls.Config{ClientAuth: tls.RequestClientCert, MinVersion: tls.VersionTLS12}
		p.StartTLS()
	} else {
		p.Start()
	}
	DeferCleanup(p.Close)
	return p
}

func (p *connectProxy) connect(w http.ResponseWriter, r *http.Request) {
	if r.TLS != nil {
		p.certificates.Add(int64(len(r.TLS.PeerCertificates)))
	}
	if user, password, ok := (&http.Request{Header: http.Header{"Authorization": r.Header["Proxy-Authorization"]}}).BasicAuth(); !ok || user != "user" || password != "hunter2" {
		w.WriteHeader(http.StatusProxyAuthRequired)
		return
	}
	// The proxy resolves names: every name is that of the server on this machine.
	_, port, _ := net.SplitHostPort(r.Host)
	target, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", port))
	if err != nil {
		http.Error(w, "hunter2", http.StatusBadGateway)
		return
	}
	p.tunnels.Add(1)
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\n\r\n")
	go func() { _, _ = io.Copy(target, conn); _ = target.Close() }()
	_, _ = io.Copy(conn, target)
	_ = conn.Close()
}

// answering runs a proxy that refuses every request with the status, and returns its URL.
func answering(status int) string {
	p := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
	DeferCleanup(p.Close)
	return p.URL
}

// serveSOCKS runs a SOCKS5 proxy (RFC 1928, RFC 1929) that demands a password, and returns its address.
func serveSOCKS() string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(listener.Close)
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go socks(conn)
		}
	}()
	return listener.Addr().String()
}

func socks(conn net.Conn) {
	defer conn.Close()
	in := bufio.NewReader(conn)
	take := func(n int) []byte {
		raw := make([]byte, n)
		_, _ = io.ReadFull(in, raw)
		return raw
	}
	if methods := take(int(take(2)[1])); !slices.Contains(methods, 2) {
		_, _ = conn.Write([]byte{5, 0xff})
		return
	}
	_, _ = conn.Write([]byte{5, 2})
	user := take(int(take(2)[1]))
	password := take(int(take(1)[0]))
	if string(user) != "user" || string(password) != "hunter2" {
		_, _ = conn.Write([]byte{1, 1})
		return
	}
	_, _ = conn.Write([]byte{1, 0})
	request := take(4)
	switch request[3] {
	case 1:
		take(4)
	case 3:
		take(int(take(1)[0]))
	}
	port := take(2)
	target, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", int(port[0])<<8|int(port[1])))
	if err != nil {
		return
	}
	defer target.Close()
	_, _ = conn.Write([]byte{5, 0, 0, 1, 0, 0, 0, 0, 0, 0})
	go func() { _, _ = io.Copy(target, in) }()
	_, _ = io.Copy(conn, target)
}

var _ = Describe("A proxy that a user names", Label("network"), func() {
	var server *httptest.Server
	var shown atomic.Int64 // client certificates that the server was shown
	BeforeEach(func() {
		shown.Store(0)
		server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			shown.Add(int64(len(r.TLS.PeerCertificates)))
			_, _ = io.WriteString(w, "content")
		}))
		server.TLS = &tls.Config{ClientAuth: tls.RequestClientCert, MinVersion: tls.VersionTLS12}
		server.StartTLS()
		DeferCleanup(server.Close)
	})
	// read reads from the server by a name that only the proxy knows.
	read := func(secret map[string][]byte, allowed ...string) (string, error) {
		proxy, err := ParseProxy(secret)
		Expect(err).NotTo(HaveOccurred())
		trust, err := ParseTrust(map[string][]byte{"ca.crt": certificatePEM(server), "tls.crt": certificatePEM(server), "tls.key": keyPEM(server)})
		Expect(err).NotTo(HaveOccurred())
		u := must(url.Parse(strings.Replace(server.URL, "127.0.0.1", "example.com", 1)))
		req, err := http.NewRequestWithContext(For(context.Background(), Origin{HostPort: HostPort(u)}), http.MethodGet, u.String(), nil)
		Expect(err).NotTo(HaveOccurred())
		resp, err := NewClients(Options{Throttle: NewThrottle(time.Now), AllowedHosts: allowed}).For(Route{Trust: trust, Proxy: proxy}).Do(req)
		if err != nil {
			Expect(err.Error()).NotTo(ContainSubstring("hunter2"))
			return "", err
		}
		defer resp.Body.Close()
		raw, err := io.ReadAll(resp.Body)
		return string(raw), err
	}
	withPassword := func(address, password string) map[string][]byte {
		return map[string][]byte{"address": []byte(address), "username": []byte("user"), "password": []byte(password)}
	}

	It("is used over HTTP, with its password", func() {
		p := serveProxy(false)
		Expect(read(withPassword(p.URL, "hunter2"), "127.0.0.1")).To(Equal("content"))
		Expect(p.tunnels.Load()).To(BeEquivalentTo(1))
		Expect(shown.Load()).To(BeEquivalentTo(1))
	})

	It("A15: is used over HTTPS, and is not shown the certificate for the server", func() {
		p := serveProxy(true)
		Expect(read(withPassword(p.URL, "hunter2"), "127.0.0.1")).To(Equal("content"))
		Expect(p.tunnels.Load()).To(BeEquivalentTo(1))
		Expect(p.certificates.Load()).To(BeZero())
		Expect(shown.Load()).To(BeEquivalentTo(1))
	})

	It("is used over SOCKS, with its password", func() {
		Expect(read(withPassword("socks5://"+serveSOCKS(), "hunter2"), "127.0.0.1")).To(Equal("content"))
	})

	DescribeTable("is named in the error if", func(secret func() map[string][]byte, allowed ...string) {
		_, err := read(secret(), allowed...)
		var proxied *ProxyError
		Expect(errors.As(err, &proxied)).To(BeTrue(), "%v", err)
		brief, _ := Explain("example.com", err)
		Expect(brief).To(ContainSubstring(proxied.Host))
	},
		Entry("it refuses the password", func() map[string][]byte { return withPassword(serveProxy(false).URL, "wrong-hunter2") }, "127.0.0.1"),
		Entry("it refuses the password over HTTPS", func() map[string][]byte { return withPassword(serveProxy(true).URL, "wrong-hunter2") }, "127.0.0.1"),
		Entry("it refuses the password over SOCKS", func() map[string][]byte { return withPassword("socks5://"+serveSOCKS(), "wrong-hunter2") }, "127.0.0.1"),
		Entry("nothing listens there", func() map[string][]byte { return withPassword("http://127.0.0.1:1", "hunter2") }, "127.0.0.1"),
	)

	DescribeTable("is distinguished from the server if it refuses the password", func(secret func() map[string][]byte) {
		_, err := read(secret(), "127.0.0.1")
		Expect(err).To(MatchError(ErrProxyPassword))
		_, fix := Explain("example.com", err)
		Expect(fix).To(ContainSubstring("proxySecretRef"))
	},
		Entry("over HTTP", func() map[string][]byte { return withPassword(serveProxy(false).URL, "wrong-hunter2") }),
		Entry("over HTTPS", func() map[string][]byte { return withPassword(serveProxy(true).URL, "wrong-hunter2") }),
		Entry("over SOCKS", func() map[string][]byte { return withPassword("socks5://"+serveSOCKS(), "wrong-hunter2") }),
		Entry("over SOCKS, and there is no password", func() map[string][]byte { return map[string][]byte{"address": []byte("socks5://" + serveSOCKS())} }),
		Entry("with 401, as tinyproxy does", func() map[string][]byte { return withPassword(answering(http.StatusUnauthorized), "wrong-hunter2") }),
	)

	It("is distinguished from the server if it refuses to connect", func() {
		_, err := read(withPassword(answering(http.StatusForbidden), "hunter2"), "127.0.0.1")
		Expect(err).To(HaveOccurred())
		Expect(err).NotTo(MatchError(ErrProxyPassword))
	})

	It("is named in the error if it refuses the password of a request over plain HTTP", func() {
		p := serveProxy(false)
		proxy, err := ParseProxy(withPassword(p.URL, "wrong-hunter2"))
		Expect(err).NotTo(HaveOccurred())
		req, err := http.NewRequestWithContext(For(context.Background(), Origin{HostPort: "example.com:80", PlainHTTP: true}), http.MethodGet, "http://example.com/", nil)
		Expect(err).NotTo(HaveOccurred())
		_, err = NewClients(Options{Throttle: NewThrottle(time.Now), AllowedHosts: []string{"127.0.0.1"}}).For(Route{Proxy: proxy}).Do(req)
		var proxied *ProxyError
		Expect(errors.As(err, &proxied)).To(BeTrue(), "%v", err)
		Expect(err).To(MatchError(ErrProxyPassword))
		Expect(err.Error()).NotTo(ContainSubstring("hunter2"))
	})

	It("A11: is not used on an address that no user may name", func() {
		p := serveProxy(false)
		_, err := read(withPassword(p.URL, "hunter2"))
		Expect(err).To(MatchError(ErrRefused))
		Expect(p.tunnels.Load()).To(BeZero())
	})
})

var _ = DescribeTable("A Secret is refused as a proxy that", Label("network"), func(data map[string][]byte) {
	_, err := ParseProxy(data)
	Expect(err).To(MatchError(ErrSecret))
	Expect(err.Error()).NotTo(ContainSubstring("hunter2"))
},
	Entry("holds nothing", map[string][]byte{}),
	Entry("holds something else", map[string][]byte{"url": []byte("http://user:hunter2@proxy.example")}),
	Entry("has no scheme", map[string][]byte{"address": []byte("proxy.example:3128")}),
	Entry("has another scheme", map[string][]byte{"address": []byte("ftp://user:hunter2@proxy.example")}),
	Entry("has no host", map[string][]byte{"address": []byte("http://:3128")}),
	Entry("has a path", map[string][]byte{"address": []byte("http://proxy.example/hunter2")}),
	Entry("has a query", map[string][]byte{"address": []byte("http://proxy.example?token=hunter2")}),
	Entry("is no URL", map[string][]byte{"address": []byte("http://%zz/hunter2")}),
	Entry("is too long", map[string][]byte{"address": []byte("http://" + strings.Repeat("a", 2048))}),
	Entry("has a password for nobody", map[string][]byte{"address": []byte("http://proxy.example"), "password": []byte("hunter2")}),
)

var _ = DescribeTable("A Secret is taken as a proxy with", Label("network"), func(data map[string][]byte, want string) {
	p, err := ParseProxy(data)
	Expect(err).NotTo(HaveOccurred())
	Expect(p.URL().String()).To(Equal(want))
	Expect(fmt.Sprintf("%v %+v %#v", p, p, p)).NotTo(ContainSubstring("hunter2"))
},
	Entry("an address alone", map[string][]byte{"address": []byte("http://proxy.example:3128")}, "http://proxy.example:3128"),
	Entry("a trailing slash and a line break", map[string][]byte{"address": []byte("https://proxy.example/\n")}, "https://proxy.example"),
	Entry("a password beside the address", map[string][]byte{"address": []byte("socks5://proxy.example"), "username": []byte("user"), "password": []byte("hunter2\n")}, "socks5://user:hunter2@proxy.example"),
	Entry("a password in the address", map[string][]byte{"address": []byte("http://user:hunter2@proxy.example")}, "http://user:hunter2@proxy.example"),
	Entry("special characters in the password", map[string][]byte{"address": []byte("http://proxy.example"), "username": []byte("u@x"), "password": []byte("p/:@")}, "http://u%40x:p%2F%3A%40@proxy.example"),
)

var _ = DescribeTable("A Secret is refused as trust that", Label("network"), func(data map[string][]byte) {
	_, err := ParseTrust(data)
	Expect(err).To(MatchError(ErrSecret))
	Expect(err.Error()).NotTo(ContainSubstring("hunter2"))
},
	Entry("holds nothing", map[string][]byte{}),
	Entry("holds something else", map[string][]byte{"ca.pem": []byte("hunter2")}),
	Entry("has authorities that are none", map[string][]byte{"ca.crt": []byte("hunter2")}),
	Entry("has a certificate that is none", map[string][]byte{"tls.crt": []byte("hunter2"), "tls.key": []byte("hunter2")}),
	Entry("has a certificate without its key", map[string][]byte{"ca.crt": []byte("-----BEGIN CERTIFICATE-----"), "tls.crt": []byte("hunter2")}),
	Entry("has a key without its certificate", map[string][]byte{"tls.key": []byte("hunter2")}),
	Entry("has an old key without its certificate", map[string][]byte{"keyFile": []byte("hunter2")}),
)

var _ = DescribeTable("Without a client certificate, a server that", Label("network"), func(asks tls.ClientAuthType, version uint16, isRead bool) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "content") }))
	server.TLS = &tls.Config{ClientAuth: asks, MinVersion: tls.VersionTLS12, MaxVersion: version}
	server.StartTLS()
	DeferCleanup(server.Close)
	trust, err := ParseTrust(map[string][]byte{"ca.crt": certificatePEM(server)})
	Expect(err).NotTo(HaveOccurred())
	u := must(url.Parse(server.URL))
	req, err := http.NewRequestWithContext(For(context.Background(), Origin{HostPort: HostPort(u)}), http.MethodGet, u.String(), nil)
	Expect(err).NotTo(HaveOccurred())
	resp, err := NewClients(Options{Throttle: NewThrottle(time.Now), AllowedHosts: []string{"127.0.0.1"}}).For(Route{Trust: trust}).Do(req)
	if isRead {
		Expect(err).NotTo(HaveOccurred())
		Expect(resp.Body.Close()).To(Succeed())
		return
	}
	Expect(err).To(HaveOccurred())
	_, fix := Explain(u.Host, err)
	Expect(fix).To(And(ContainSubstring("tls.crt"), ContainSubstring("certSecretRef")), "%v", err)
},
	Entry("demands one is not read, and the fix is named", tls.RequireAnyClientCert, uint16(tls.VersionTLS13), false),
	Entry("demands one by TLS 1.2 is not read, and the fix is named", tls.RequireAnyClientCert, uint16(tls.VersionTLS12), false),
	Entry("asks for one is read", tls.RequestClientCert, uint16(tls.VersionTLS13), true),
)

var _ = It("A15: Trust adds authorities to those of the system, under its new and its old entries", Label("network"), func() {
	s := httptest.NewTLSServer(nil)
	DeferCleanup(s.Close)
	for _, data := range []map[string][]byte{
		{"ca.crt": certificatePEM(s), "tls.crt": certificatePEM(s), "tls.key": keyPEM(s)},
		{"caFile": certificatePEM(s), "certFile": certificatePEM(s), "keyFile": keyPEM(s)},
	} {
		t, err := ParseTrust(data)
		Expect(err).NotTo(HaveOccurred())
		want := systemRoots()
		want.AddCert(s.Certificate())
		Expect(t.roots.Equal(want)).To(BeTrue())
		Expect(t.config().Certificates).To(BeEmpty())
		Expect(t.configForOrigin().Certificates).To(HaveLen(1))
		Expect(fmt.Sprintf("%v %+v %#v", t, t, t)).NotTo(ContainSubstring("PRIVATE"))
	}
})
