// SPDX-License-Identifier: Apache-2.0

package realparts

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"slices"

	"github.com/verifiedchart/verifiedchart/test/parts"
)

// Cosign is the cosign command, with its keys in a folder of its own and no access to the public Sigstore.
type Cosign struct {
	tool  tool
	login Login
}

// Key is a key pair that cosign signs with.
type Key struct {
	Name string
	// PrivateFile is the encrypted private key, with an empty password.
	PrivateFile, PublicFile string
}

// Public returns the PEM encoded public key.
func (k Key) Public() ([]byte, error) { return os.ReadFile(k.PublicFile) }

// NewCosign returns a cosign 2 that keeps its files in dir. By default it writes legacy signatures. It cannot
// write a LoggedBundle, because Rekor v2 refuses its requests.
func NewCosign(dir string) (*Cosign, error) { return newCosign(dir, parts.Cosign) }

// NewCosign3 returns a cosign 3, which writes bundles by default, that keeps its files in dir.
func NewCosign3(dir string) (*Cosign, error) { return newCosign(dir, parts.Cosign3) }

func newCosign(dir, part string) (*Cosign, error) {
	path, err := parts.Path(part)
	if err != nil {
		return nil, err
	}
	dir, env, err := home(dir, part)
	if err != nil {
		return nil, err
	}
	env = append(env, "COSIGN_PASSWORD=", "COSIGN_YES=true")
	return &Cosign{tool: tool{name: part, path: path, dir: dir, env: append(env, offline()...)}}, nil
}

// Into returns the same cosign, but it stores legacy signatures with a tag in another repository (host and
// path). It stores all other signatures beside the signed manifest.
func (c *Cosign) Into(repository string) *Cosign {
	return &Cosign{c.tool.with("COSIGN_REPOSITORY=" + repository), c.login}
}

// As returns the same cosign, but it logs in.
func (c *Cosign) As(login Login) *Cosign { return &Cosign{c.tool, login} }

// GenerateKey makes a key pair with `cosign generate-key-pair`: ECDSA P-256.
func (c *Cosign) GenerateKey(ctx context.Context, name string) (Key, error) {
	_, err := c.tool.run(ctx, "generate-key-pair", "--output-key-prefix", name)
	return c.key(name), err
}

// ImportKey makes a key pair from a private key (ECDSA, RSA or Ed25519) with `cosign import-key-pair`.
func (c *Cosign) ImportKey(ctx context.Context, name string, private any) (Key, error) {
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return Key{}, err
	}
	file := filepath.Join(c.tool.dir, name+".pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600); err != nil {
		return Key{}, err
	}
	_, err = c.tool.run(ctx, "import-key-pair", "--key", file, "--output-key-prefix", name)
	return c.key(name), err
}

func (c *Cosign) key(name string) Key {
	path := filepath.Join(c.tool.dir, name)
	return Key{Name: name, PrivateFile: path + ".key", PublicFile: path + ".pub"}
}

// Sign adds a legacy signature, the tag `sha256-<hex>.sig`, for a manifest that is given by digest. It uses no
// transparency log unless a flag demands one.
func (c *Cosign) Sign(ctx context.Context, key Key, ref string, flags ...string) error {
	_, err := c.tool.run(ctx, slices.Concat(SignCommand(key, ref), c.login.cosign(), flags)...)
	return err
}

// SignCommand returns the arguments of cosign that Sign uses.
func SignCommand(key Key, ref string) []string {
	return []string{
		"sign", ref, "--key=" + key.PrivateFile, "--tlog-upload=false", "--new-bundle-format=false", "--use-signing-config=false",
		"--allow-http-registry", "--allow-insecure-registry",
	}
}
