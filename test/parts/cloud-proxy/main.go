// SPDX-License-Identifier: Apache-2.0

// Program cloud-proxy is an HTTP proxy that ends TLS with certificates of a test's CA, and answers in place of the token services of AWS,
// Azure and Google Cloud, so that programs with the unmodified SDKs of these clouds run without a network. It hands requests for the
// clouds' registries to a real registry. It records each call, and each secret that it received or issued. It reads its configuration,
// a JSON file, at each request, so a test changes answers while the proxy runs.
package main

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"sync"

	"github.com/elazarl/goproxy"
)

const maxBody = 1 << 20

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintf(os.Stderr, "cloud-proxy: %v\n", err)
		os.Exit(1)
	}
}

// config is the content of the file that the argument names.
type config struct {
	// Addr is the address to listen on.
	Addr string `json:"addr"`
	// CA is a file with the certificate and the key that sign the certificates of all hosts.
	CA string `json:"ca"`
	// Registry is the base URL of the real registry.
	Registry string `json:"registry"`
	// Calls is the file that gets a line of JSON for each call, and Secrets a line for each secret.
	Calls   string `json:"calls"`
	Secrets string `json:"secrets"`
	// User and Password are the credentials for the proxy itself. If User is empty, anyone may use it.
	User     string `json:"user,omitempty"`
	Password string `json:"password,omitempty"`
	// Passwords are those for the registry that each cloud issues.
	Passwords map[string]string `json:"passwords"`
	// Answers replace those of the services. The first that matches a call counts.
	Answers []answer `json:"answers,omitempty"`
}

// answer replaces that of a service.
type answer struct {
	// Service and Identity are those of the calls that it is for.
	Service  string `json:"service"`
	Identity string `json:"identity"`
	Status   int    `json:"status,omitempty"`
	// Body may hold {token}, which stands for the token of Kubernetes in the call.
	Body string `json:"body,omitempty"`
	// Silent leaves the call without an answer.
	Silent bool `json:"silent,omitempty"`
}

// call is a request, as it is recorded.
type call struct {
	Method string `json:"method"`
	Host   string `json:"host"`
	Path   string `json:"path"`
	// Service is the service that the request is for, such as aws-sts.
	Service string `json:"service"`
	// Identity is the identity that the caller asks for, or has, and Subject that in its token of Kubernetes.
	Identity string `json:"identity,omitempty"`
	Subject  string `json:"subject,omitempty"`
}

type proxy struct {
	file string
	key  []byte // seals the tokens that the services issue
	mu   sync.Mutex
}

func run(args []string) error {
	if len(args) != 1 {
		return errors.New("want one argument, the path of the configuration")
	}
	p := &proxy{file: args[0]}
	c, err := p.config()
	if err != nil {
		return err
	}
	ca, err := tls.LoadX509KeyPair(c.CA, c.CA)
	if err != nil {
		return err
	}
	key := sha256.Sum256(ca.Certificate[0])
	p.key = key[:]
	listener, err := net.Listen("tcp", c.Addr)
	if err != nil {
		return err
	}
	return http.Serve(listener, p.handler(c, &ca))
}

func (p *proxy) config() (c config, err error) {
	raw, err := os.ReadFile(p.file)
	if err != nil {
		return c, err
	}
	return c, json.Unmarshal(raw, &c)
}

// handler is the proxy. A request to the proxy's own address is one for the metadata service of Google Cloud.
func (p *proxy) handler(c config, ca *tls.Certificate) http.Handler {
	h := goproxy.NewProxyHttpServer()
	h.Tr = &http.Transport{}
	h.ConnectDial = nil
	h.CertStore = &certificates{made: map[string]*tls.Certificate{}}
	mitm := &goproxy.ConnectAction{Action: goproxy.ConnectMitm, TLSConfig: goproxy.TLSConfigFromCA(ca)}
	h.OnRequest().HandleConnectFunc(func(host string, _ *goproxy.ProxyCtx) (*goproxy.ConnectAction, string) { return mitm, host })
	h.OnRequest().DoFunc(func(r *http.Request, ctx *goproxy.ProxyCtx) (*http.Request, *http.Response) {
		resp := p.serve(r)
		if resp == nil { // for the real registry
			ctx.UserData = r.Host
		}
		return r, resp
	})
	h.OnResponse().DoFunc(func(resp *http.Response, ctx *goproxy.ProxyCtx) *http.Response {
		if host, ok := ctx.UserData.(string); ok && resp != nil && ecrHost.MatchString(host) {
			return asECR(resp)
		}
		return resp
	})
	h.NonproxyHandler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.URL.Host = metadataHost
		resp := p.serve(r)
		defer resp.Body.Close()
		for name, values := range resp.Header {
			w.Header()[name] = values
		}
		w.WriteHeader(resp.StatusCode)
		_, _ = io.Copy(w, resp.Body)
	})
	if c.User == "" {
		return h
	}
	expected := "Basic " + base64.StdEncoding.EncodeToString([]byte(c.User+":"+c.Password))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodConnect && r.Header.Get("Proxy-Authorization") != expected {
			w.Header().Set("Proxy-Authenticate", `Basic realm="clouds"`)
			w.WriteHeader(http.StatusProxyAuthRequired)
			return
		}
		h.ServeHTTP(w, r)
	})
}

// certificates keeps the certificate of each host.
type certificates struct {
	mu   sync.Mutex
	made map[string]*tls.Certificate
}

// Fetch implements goproxy.CertStorage.
func (c *certificates) Fetch(host string, make func() (*tls.Certificate, error)) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if made, ok := c.made[host]; ok {
		return made, nil
	}
	made, err := make()
	if err == nil {
		c.made[host] = made
	}
	return made, err
}

var (
	ecrHost      = regexp.MustCompile(`^[0-9]{12}\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com$`)
	registryHost = regexp.MustCompile(`^(?:[0-9]{12}\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com|[a-z0-9]+\.azurecr\.io|[a-z0-9-]+-docker\.pkg\.dev)$`)
)

// serve records a call and returns the answer of its service. It returns nil for a call that the real registry answers.
func (p *proxy) serve(r *http.Request) *http.Response {
	c, err := p.config()
	if err != nil {
		return text(r, http.StatusInternalServerError, err.Error())
	}
	host := r.URL.Hostname()
	if registryHost.MatchString(host) && strings.HasPrefix(r.URL.Path, "/v2/") {
		p.record(c, call{Method: r.Method, Host: host, Path: r.URL.Path, Service: "registry"})
		target, err := url.Parse(c.Registry)
		if err != nil {
			return text(r, http.StatusInternalServerError, err.Error())
		}
		r.URL.Scheme, r.URL.Host = target.Scheme, target.Host
		return nil
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
	if err != nil {
		return text(r, http.StatusBadRequest, err.Error())
	}
	form, _ := url.ParseQuery(string(body))
	req := request{Request: r, form: form, config: c, proxy: p}
	called, serve := req.route(host)
	called.Method, called.Host, called.Path = r.Method, host, r.URL.Path
	p.record(c, called)
	for _, a := range c.Answers {
		if a.Service == called.Service && a.Identity == called.Identity {
			if a.Silent {
				select {}
			}
			return text(r, a.Status, strings.ReplaceAll(a.Body, "{token}", req.presented()))
		}
	}
	return serve()
}

// record writes a call, and the secrets, to their files.
func (p *proxy) record(c config, recorded call) {
	line, err := json.Marshal(recorded)
	if err == nil {
		err = p.add(c.Calls, string(line))
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "cloud-proxy: %v\n", err)
	}
}

// secret records a secret, and returns it.
func (p *proxy) secret(c config, secret string) string {
	if secret != "" {
		if err := p.add(c.Secrets, secret); err != nil {
			fmt.Fprintf(os.Stderr, "cloud-proxy: %v\n", err)
		}
	}
	return secret
}

func (p *proxy) add(file, line string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	f, err := os.OpenFile(file, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(f, line)
	return errors.Join(err, f.Close())
}

// asECR answers as ECR does for a password that is no longer valid: 403, and not 401.
func asECR(resp *http.Response) *http.Response {
	if resp.StatusCode != http.StatusUnauthorized || resp.Request == nil || resp.Request.Header.Get("Authorization") == "" {
		return resp
	}
	_ = resp.Body.Close()
	return text(resp.Request, http.StatusForbidden, `{"errors":[{"code":"DENIED","message":"Your authorization token has expired. Reauthenticate and try again."}]}`)
}

// text returns an answer. Its type is that of the format of the body.
func text(r *http.Request, status int, body string) *http.Response {
	kind := "application/json"
	if strings.HasPrefix(body, "<") {
		kind = "text/xml"
	}
	return &http.Response{
		Request: r, StatusCode: status, Status: fmt.Sprint(status, " ", http.StatusText(status)), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {kind}}, ContentLength: int64(len(body)), Body: io.NopCloser(bytes.NewReader([]byte(body))),
	}
}
