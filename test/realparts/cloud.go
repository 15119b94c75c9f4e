// SPDX-License-Identifier: Apache-2.0

package realparts

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/big"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/verifiedchart/verifiedchart/test/parts"
	"github.com/verifiedchart/verifiedchart/test/process"
)

// Names of the clouds, as in spec.provider.
const (
	AWS   = "aws"
	Azure = "azure"
	GCP   = "gcp"
)

// CloudUsers are the user names at the registries of the clouds.
var CloudUsers = map[string]string{AWS: "AWS", Azure: "00000000-0000-0000-0000-000000000000", GCP: "oauth2accesstoken"}

// Identities that the clouds give to a pod with the environment of PodEnv.
const (
	PodRole    = "arn:aws:iam::123456789012:role/controller"
	PodTenant  = "controller-tenant"
	PodClient  = "controller-client"
	PodSubject = "system:serviceaccount:verifiedchart-system:verifiedchart-controller"
)

// CloudCall is a call that a cloud proxy saw.
type CloudCall struct {
	Method, Host, Path string
	// Service is the service that the call was for, such as aws-sts, or registry.
	Service string
	// Identity is that of the caller in the cloud, and Subject that in its token of Kubernetes.
	Identity, Subject string
}

// String names the service, and the identity and the subject if there are any.
func (c CloudCall) String() string {
	return strings.Join(slices.DeleteFunc([]string{c.Service, c.Identity, c.Subject}, func(s string) bool { return s == "" }), " ")
}

// CloudAnswer replaces the answers of a service to an identity.
type CloudAnswer struct {
	Service  string `json:"service"`
	Identity string `json:"identity"`
	Status   int    `json:"status,omitempty"`
	// Body may hold {token}, which stands for the token of Kubernetes in the call.
	Body   string `json:"body,omitempty"`
	Silent bool   `json:"silent,omitempty"`
}

// CloudProxy is a running cloud-proxy (test/parts/cloud-proxy).
type CloudProxy struct {
	*process.Process
	// Addr is its host and port.
	Addr   string
	dir    string
	config cloudConfig
}

// cloudConfig is the configuration of cloud-proxy.
type cloudConfig struct {
	Addr      string            `json:"addr"`
	CA        string            `json:"ca"`
	Registry  string            `json:"registry"`
	Calls     string            `json:"calls"`
	Secrets   string            `json:"secrets"`
	User      string            `json:"user,omitempty"`
	Password  string            `json:"password,omitempty"`
	Passwords map[string]string `json:"passwords"`
	Answers   []CloudAnswer     `json:"answers,omitempty"`
}

// write replaces the configuration.
func (p *CloudProxy) write() error {
	raw, err := json.Marshal(p.config)
	if err != nil {
		return err
	}
	return replaceFile(p.file(), raw)
}

func (p *CloudProxy) file() string { return filepath.Join(p.dir, "config.json") }

func replaceFile(path string, content []byte) error {
	if err := os.WriteFile(path+".new", content, 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// startCloudProxy starts a proxy with its files in dir.
func startCloudProxy(ctx context.Context, dir string, c cloudConfig, group *process.Group) (*CloudProxy, error) {
	path, err := parts.Path(parts.CloudProxy)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	c.Calls, c.Secrets = filepath.Join(dir, "calls"), filepath.Join(dir, "secrets")
	return process.RetryAddrInUse(func() (*CloudProxy, error) {
		if c.Addr, err = process.FreeAddr(); err != nil {
			return nil, err
		}
		p := &CloudProxy{Addr: c.Addr, dir: dir, config: c}
		if err := p.write(); err != nil {
			return nil, err
		}
		p.Process, err = group.Start(ctx, process.Command{
			Name: parts.CloudProxy, Path: path, Dir: dir, Args: []string{p.file()}, Grace: -1,
			Ready: process.Listens(c.Addr),
		})
		return p, err
	})
}

// Answer replaces the answers for an identity, after those that are replaced already.
func (p *CloudProxy) Answer(answers ...CloudAnswer) error {
	p.config.Answers = append(p.config.Answers, answers...)
	return p.write()
}

// Calls returns the calls since the start.
func (p *CloudProxy) Calls() (calls []CloudCall, err error) {
	lines, err := linesOf(p.config.Calls)
	for _, line := range lines {
		var call CloudCall
		if err := json.Unmarshal([]byte(line), &call); err != nil {
			return nil, err
		}
		calls = append(calls, call)
	}
	return calls, err
}

// Secrets returns the tokens and passwords that the clouds got or issued.
func (p *CloudProxy) Secrets() ([]string, error) { return linesOf(p.config.Secrets) }

// linesOf returns the complete lines of a file; none if the file does not exist.
func linesOf(file string) (lines []string, err error) {
	raw, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	end := bytes.LastIndexByte(raw, '\n') + 1
	for line := range strings.Lines(string(raw[:end])) {
		lines = append(lines, strings.TrimSuffix(line, "\n"))
	}
	return lines, err
}

// Clouds are AWS, Azure and Google Cloud behind a proxy, with one real registry, which wants a password.
type Clouds struct {
	*CloudProxy
	registry  *process.Process
	passwords string // the file with the passwords of the registry
	dir       string
}

// StartClouds starts the clouds as members of the group, with all files in dir.
func StartClouds(ctx context.Context, dir string, group *process.Group) (*Clouds, error) {
	c := &Clouds{dir: dir, passwords: filepath.Join(dir, "htpasswd")}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	if err := c.makeCA(); err != nil {
		return nil, err
	}
	passwords := map[string]string{AWS: newPassword(AWS), Azure: newPassword(Azure), GCP: newPassword(GCP)}
	if err := c.Accept(passwords); err != nil {
		return nil, err
	}
	_, program, addr, err := startDistribution(ctx, filepath.Join(dir, parts.Registry), group, htpasswdIn(c.passwords))
	if err != nil {
		return nil, err
	}
	c.registry = program
	if err := errors.Join(c.SetPodToken(AWS, time.Now().Add(time.Hour)), c.SetPodToken(Azure, time.Now().Add(time.Hour))); err != nil {
		return nil, err
	}
	c.CloudProxy, err = startCloudProxy(ctx, filepath.Join(dir, parts.CloudProxy), cloudConfig{
		CA: c.caFile() + ".key", Registry: "http://" + addr, Passwords: passwords,
	}, group)
	return c, err
}

// StartProxy starts another proxy to the same clouds, which wants a user and a password.
func (c *Clouds) StartProxy(ctx context.Context, user, password string, group *process.Group) (*CloudProxy, error) {
	config := c.config
	config.User, config.Password, config.Answers = user, password, nil
	return startCloudProxy(ctx, filepath.Join(c.dir, "proxy-of-"+user), config, group)
}

// Stop stops the programs.
func (c *Clouds) Stop() error { return errors.Join(c.CloudProxy.Stop(), c.registry.Stop()) }

func (c *Clouds) caFile() string { return filepath.Join(c.dir, "ca.pem") }

// makeCA writes the certificate of a new CA, and beside it the certificate with its key.
func (c *Clouds) makeCA() error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "clouds"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour), KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return errors.Join(
		os.WriteFile(c.caFile(), certificate, 0o644),
		os.WriteFile(c.caFile()+".key", append(certificate, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})...), 0o600),
	)
}

// newPassword returns a new password as a cloud issues it. That of Azure is a token with an expiry.
func newPassword(cloud string) string {
	if cloud != Azure {
		return cloud + "-" + rand.Text()
	}
	encode := base64.RawURLEncoding.EncodeToString
	// bcrypt compares only the first 72 bytes.
	return encode([]byte(`{"alg":"none"}`)) + "." + encode(fmt.Appendf(nil, `{"exp":%d,"jti":%q}`, time.Now().Add(3*time.Hour).Unix(), rand.Text()[:8])) + "."
}

// Accept makes the registry accept these passwords, by the names of the clouds, and no others.
func (c *Clouds) Accept(passwords map[string]string) error {
	var lines []byte
	for cloud, password := range passwords {
		hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
		if err != nil {
			return err
		}
		lines = fmt.Appendf(lines, "%s:%s\n", CloudUsers[cloud], hash)
	}
	return replaceFile(c.passwords, lines)
}

// Renew makes a new password of a cloud. The registry refuses the old one at once, and the cloud issues the new one.
func (c *Clouds) Renew(cloud string) error {
	passwords := maps.Clone(c.config.Passwords)
	passwords[cloud] = newPassword(cloud)
	if err := c.Accept(passwords); err != nil {
		return err
	}
	c.config.Passwords = passwords
	return c.write()
}

// Revoke makes the registry refuse the password that a cloud issues.
func (c *Clouds) Revoke(cloud string) error {
	passwords := maps.Clone(c.config.Passwords)
	passwords[cloud] = newPassword(cloud)
	return c.Accept(passwords)
}

// Env is the environment of a program that reaches the clouds.
func (c *Clouds) Env() []string {
	return []string{"HTTPS_PROXY=http://" + c.Addr, "SSL_CERT_FILE=" + c.caFile(), "SSL_CERT_DIR=" + filepath.Join(c.dir, "none")}
}

// PodEnv is the environment of a program that reaches the clouds, and has an identity in each.
func (c *Clouds) PodEnv() []string {
	return append(c.Env(), "HOME="+filepath.Join(c.dir, "home"), "GOOGLE_APPLICATION_CREDENTIALS=", "AWS_CA_BUNDLE=",
		"AWS_ROLE_ARN="+PodRole, "AWS_WEB_IDENTITY_TOKEN_FILE="+c.podToken(AWS), "AWS_REGION=eu-west-1",
		"AZURE_TENANT_ID="+PodTenant, "AZURE_CLIENT_ID="+PodClient, "AZURE_FEDERATED_TOKEN_FILE="+c.podToken(Azure),
		"AZURE_AUTHORITY_HOST=https://login.microsoftonline.com/", "GCE_METADATA_HOST="+c.Addr)
}

func (c *Clouds) podToken(cloud string) string { return filepath.Join(c.dir, cloud+"-token") }

// SetPodToken replaces the token of Kubernetes that a program with the environment of PodEnv has for a cloud.
func (c *Clouds) SetPodToken(cloud string, expires time.Time) error {
	audience := map[string]string{AWS: "sts.amazonaws.com", Azure: "api://AzureADTokenExchange"}[cloud]
	encode := base64.RawURLEncoding.EncodeToString
	claims, err := json.Marshal(map[string]any{"sub": PodSubject, "aud": []string{audience}, "exp": expires.Unix(), "jti": rand.Text()})
	if err != nil {
		return err
	}
	return replaceFile(c.podToken(cloud), []byte(encode([]byte(`{"alg":"none"}`))+"."+encode(claims)+"."+encode([]byte(rand.Text()))))
}

// hosts are those of the registries.
var hosts = map[string]string{AWS: "123456789012.dkr.ecr.eu-west-1.amazonaws.com", Azure: "team.azurecr.io", GCP: "europe-docker.pkg.dev"}

// Registry returns the registry of a cloud.
func (c *Clouds) Registry(cloud string) *CloudRegistry {
	return &CloudRegistry{clouds: c, cloud: cloud, Host: hosts[cloud]}
}

// CloudRegistry is the registry of a cloud, as a person with a password uses it.
type CloudRegistry struct {
	clouds *Clouds
	cloud  string
	// Host is its name.
	Host string
}

// Push pushes a chart under a path, with `helm push`.
func (r *CloudRegistry) Push(ctx context.Context, helm *Helm, chart Chart, path string) (Pushed, error) {
	said, err := helm.tool.with(r.clouds.Env()...).run(ctx, "push", chart.Archive, "oci://"+r.Host+"/"+path,
		"--username="+CloudUsers[r.cloud], "--password="+r.clouds.config.Passwords[r.cloud])
	if err != nil {
		return Pushed{}, err
	}
	return pushedTo(chart, r.Host, path, said)
}

// Sign signs a pushed chart with `cosign sign`.
func (r *CloudRegistry) Sign(ctx context.Context, cosign *Cosign, key Key, chart Pushed) error {
	_, err := cosign.tool.with(r.clouds.Env()...).run(ctx, append(SignCommand(key, chart.Ref()),
		"--registry-username="+CloudUsers[r.cloud], "--registry-password="+r.clouds.config.Passwords[r.cloud])...)
	return err
}

// ProxySecret returns the entries of a Secret for spec.proxySecretRef.
func (p *CloudProxy) ProxySecret() map[string][]byte {
	address := url.URL{Scheme: "http", Host: p.Addr}
	return map[string][]byte{"address": []byte(address.String()), "username": []byte(p.config.User), "password": []byte(p.config.Password)}
}
