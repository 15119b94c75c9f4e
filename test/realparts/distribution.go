// SPDX-License-Identifier: Apache-2.0

package realparts

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"

	"github.com/verifiedchart/verifiedchart/test/parts"
	"github.com/verifiedchart/verifiedchart/test/pki"
	"github.com/verifiedchart/verifiedchart/test/process"
)

// Username and Password are the credentials of the registries and proxies that ask for some.
const (
	Username = "reader"
	Password = "correct-horse-battery"
	// hashed is Password for bcrypt, at its lowest cost.
	hashed = "$2a$04$3QsbQksxUWtdoCqip2g2E.sCLeRuWGUa.3rsF0JlxKmxrDlwEwBGG"
)

// distribution is a distribution registry that is not started yet.
type distribution struct {
	part, dir string
	// config is its configuration, by section.
	config map[string]map[string]any
}

// Setting changes a distribution registry before it starts.
type Setting func(*distribution) error

// StartDistribution starts the CNCF distribution registry, as a member of the group, with its files and its
// process id (registry.pid) in dir. It has no referrers API, and access control only by a Setting.
func StartDistribution(ctx context.Context, dir string, group *process.Group, settings ...Setting) (OCIRegistry, error) {
	d, p, addr, err := startDistribution(ctx, dir, group, settings...)
	if err != nil {
		return nil, err
	}
	if d.config["http"]["tls"] != nil {
		return &bare{addr: addr, process: p}, nil
	}
	return front(addr, p.Stop), nil
}

// startDistribution is StartDistribution without a server of ours before the program.
func startDistribution(ctx context.Context, dir string, group *process.Group, settings ...Setting) (*distribution, *process.Process, string, error) {
	d := &distribution{part: parts.Registry, dir: dir, config: map[string]map[string]any{
		"log":     {"level": "warn", "accesslog": map[string]any{"disabled": true}},
		"storage": {"filesystem": map[string]any{"rootdirectory": blobsOf(dir)}, "delete": map[string]any{"enabled": true}},
		"http":    {"relativeurls": true},
	}}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, nil, "", err
	}
	for _, set := range settings {
		if err := set(d); err != nil {
			return nil, nil, "", err
		}
	}
	p, addr, err := listen(ctx, dir, d.part, group, d.configure)
	if err != nil {
		return nil, nil, "", err
	}
	return d, p, addr, os.WriteFile(filepath.Join(dir, parts.Registry+".pid"), fmt.Appendln(nil, p.PID()), 0o644)
}

// blobsOf is the folder of the blobs of a distribution registry with its files in dir.
func blobsOf(dir string) string { return filepath.Join(dir, "registry") }

// configure writes the configuration for an address, and returns the arguments.
func (d *distribution) configure(addr string) ([]string, error) {
	d.config["http"]["addr"] = addr
	document := map[string]any{"version": "0.1"}
	for section, content := range d.config {
		document[section] = content
	}
	raw, err := json.Marshal(document) // which is YAML
	if err != nil {
		return nil, err
	}
	file := filepath.Join(d.dir, "registry.yaml")
	return []string{"serve", file}, os.WriteFile(file, raw, 0o600)
}

// keep writes a file beside the registry's own, and returns its path.
func (d *distribution) keep(name string, content []byte) (string, error) {
	path := filepath.Join(d.dir, name)
	return path, os.WriteFile(path, content, 0o600)
}

// ByDebian makes it version 2.8, as Debian builds it.
func ByDebian(d *distribution) error {
	d.part = parts.DockerRegistry
	return nil
}

// Htpasswd makes it ask for Username and Password.
func Htpasswd(d *distribution) error {
	path, err := d.keep("htpasswd", []byte(Username+":"+hashed+"\n"))
	return errors.Join(err, htpasswdIn(path)(d))
}

// htpasswdIn makes it ask for a password in the file.
func htpasswdIn(path string) Setting {
	return func(d *distribution) error {
		d.config["auth"] = map[string]any{"htpasswd": map[string]any{"realm": "charts", "path": path}}
		return nil
	}
}

// TLS makes it serve HTTPS only, with a certificate of the authority.
func TLS(ca *pki.Authority) Setting {
	return func(d *distribution) error {
		pair, err := ca.Server("registry")
		if err != nil {
			return err
		}
		certificate, err := d.keep("tls.crt", pair.Certificate)
		if err != nil {
			return err
		}
		key, err := d.keep("tls.key", pair.Key)
		d.config["http"]["tls"] = map[string]any{"certificate": certificate, "key": key}
		d.config["log"]["accesslog"] = map[string]any{"disabled": false}
		return err
	}
}

// MutualTLS is TLS for clients with a certificate of the authority only.
func MutualTLS(ca *pki.Authority) Setting {
	return func(d *distribution) error {
		if err := TLS(ca)(d); err != nil {
			return err
		}
		path, err := d.keep("clients.crt", ca.PEM())
		d.config["http"]["tls"].(map[string]any)["clientcas"] = []string{path}
		return err
	}
}

// TokensFrom makes it ask for tokens of the service.
func TokensFrom(service *TokenService) Setting {
	return func(d *distribution) error {
		path, err := d.keep("jwks.json", service.keys)
		d.config["auth"] = map[string]any{"token": map[string]any{
			"realm": service.Realm(), "service": tokenAudience, "issuer": tokenIssuer, "jwks": path,
		}}
		return err
	}
}

// BlobsBy makes it redirect each GET of a blob to the server.
func BlobsBy(server *BlobServer) Setting {
	return func(d *distribution) error {
		d.config["middleware"] = map[string]any{"storage": []any{map[string]any{
			"name": "redirect", "options": map[string]any{"baseurl": "http://" + server.Addr() + "/"},
		}}}
		return nil
	}
}

// StoredIn makes it store everything in the bucket, and redirect each GET of a blob there.
func StoredIn(bucket *Bucket) Setting {
	return func(d *distribution) error {
		delete(d.config["storage"], "filesystem")
		d.config["storage"]["s3"] = map[string]any{
			"region": "us-east-1", "regionendpoint": "http://" + bucket.Addr(), "bucket": bucketName, "forcepathstyle": true, "secure": false,
			"accesskey": "access", "secretkey": "secret",
		}
		return nil
	}
}

// bare is a registry with TLS, which only itself can end. It cannot be cut off; its requests are those in its
// access log.
type bare struct {
	OCIRegistry
	addr      string
	process   *process.Process
	forgotten int
}

func (b *bare) Addr() string { return b.addr }

var accessLine = regexp.MustCompile(`(?m)^(\S+) \S+ \S+ \[[^\]]*\] "(\S+ [^ "?]+)`)

func (b *bare) all() (list []request) {
	log, _ := os.ReadFile(b.process.Log())
	for _, m := range accessLine.FindAllStringSubmatch(string(log), -1) {
		list = append(list, request{m[2], m[1]})
	}
	return list
}

func (b *bare) Requests() []string { return whats(b.all()[b.forgotten:]) }

func (b *bare) Clients() []string { return clients(b.all()[b.forgotten:]) }

func (b *bare) Forget() { b.forgotten = len(b.all()) }

func (b *bare) Close() error { return b.process.Stop() }
