// SPDX-License-Identifier: Apache-2.0

package realparts

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"net/http"
	"os"
	"path/filepath"

	"github.com/sigstore/rekor-tiles/v2/pkg/note"

	"github.com/verifiedchart/verifiedchart/test/parts"
	"github.com/verifiedchart/verifiedchart/test/process"
)

// Rekor is Sigstore's transparency log, Rekor v2.
type Rekor struct {
	*process.Process
	// URL is its base URL, whose host is the origin of its checkpoints.
	URL string
	// LogID identifies the key that signs its checkpoints.
	LogID []byte

	public ed25519.PublicKey
	spki   []byte // DER of the public key
}

// StartRekor starts Rekor as a member of the group, with an empty log and a new key in dir.
func StartRekor(ctx context.Context, dir string, group *process.Group) (*Rekor, error) {
	dir, env, err := home(dir, parts.Rekor)
	if err != nil {
		return nil, err
	}
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return nil, err
	}
	spki, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return nil, err
	}
	key := filepath.Join(dir, "key.pem")
	if err := os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600); err != nil {
		return nil, err
	}
	return process.RetryAddrInUse(func() (*Rekor, error) {
		r := &Rekor{public: public, spki: spki}
		return r, r.start(ctx, dir, key, env, group)
	})
}

func (r *Rekor) start(ctx context.Context, dir, key string, env []string, group *process.Group) error {
	path, err := parts.Path(parts.Rekor)
	if err != nil {
		return err
	}
	host, port, grpcPort, err := freePorts()
	if err != nil {
		return err
	}
	r.URL = "http://" + host + ":" + port
	if _, r.LogID, err = note.KeyHash(host, r.public); err != nil {
		return err
	}
	r.Process, err = group.Start(ctx, process.Command{
		Name: parts.Rekor,
		Path: path,
		Dir:  dir,
		Env:  append(env, offline()...),
		Args: []string{
			"serve", "--hostname=" + host, "--signer-filepath=" + key, "--storage-dir=" + filepath.Join(dir, "log"),
			"--http-address=" + host, "--http-port=" + port, "--grpc-address=" + host, "--grpc-port=" + grpcPort, "--http-metrics-port=0",
			// Rekor answers for an entry when a checkpoint covers it: waiting for a fuller batch would only
			// slow tests down.
			"--batch-max-age=5ms", "--checkpoint-interval=100ms",
		},
		Ready: process.Answers(http.DefaultClient, r.URL+"/healthz"),
		Grace: -1,
	})
	return err
}
