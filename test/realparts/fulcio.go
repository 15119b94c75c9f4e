// SPDX-License-Identifier: Apache-2.0

package realparts

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"

	"github.com/verifiedchart/verifiedchart/test/parts"
	"github.com/verifiedchart/verifiedchart/test/process"
)

// Fulcio is Sigstore's certificate authority. Its key is only in memory: a restart makes a different authority.
type Fulcio struct {
	*process.Process
	URL string
	// Chain is the certificate chain of the authority, with the root last.
	Chain []*x509.Certificate
}

// StartFulcio starts Fulcio as a member of the group, with its files in dir. It certifies the email addresses
// in the issuer's tokens and has every certificate logged.
func StartFulcio(ctx context.Context, dir string, issuer *Issuer, log *CertificateLog, group *process.Group) (*Fulcio, error) {
	f, err := process.RetryAddrInUse(func() (*Fulcio, error) { return startFulcio(ctx, dir, issuer, log, group) })
	if err != nil {
		return nil, err
	}
	f.Chain, err = f.fetchChain(ctx)
	return f, err
}

func startFulcio(ctx context.Context, dir string, issuer *Issuer, log *CertificateLog, group *process.Group) (*Fulcio, error) {
	path, err := parts.Path(parts.Fulcio)
	if err != nil {
		return nil, err
	}
	dir, env, err := home(dir, parts.Fulcio)
	if err != nil {
		return nil, err
	}
	config, err := writeFulcioConfig(dir, issuer)
	if err != nil {
		return nil, err
	}
	host, port, grpcPort, err := freePorts()
	if err != nil {
		return nil, err
	}
	url := "http://" + host + ":" + port
	p, err := group.Start(ctx, process.Command{
		Name: parts.Fulcio,
		Path: path,
		Dir:  dir,
		Env:  append(env, offline()...),
		Args: []string{
			"serve", "--ca=ephemeralca", "--config-path=" + config, "--ct-log-url=" + log.URL(),
			"--host=" + host, "--port=" + port, "--grpc-host=" + host, "--grpc-port=" + grpcPort, "--metrics-port=0",
			// The default name would be shared by the whole machine.
			"--legacy-unix-domain-socket=@fulcio-" + port,
		},
		Ready: process.Answers(http.DefaultClient, url+"/healthz"),
		Grace: -1,
	})
	if err != nil {
		return nil, err
	}
	return &Fulcio{Process: p, URL: url}, nil
}

func writeFulcioConfig(dir string, issuer *Issuer) (string, error) {
	config, err := json.Marshal(map[string]any{"OIDCIssuers": map[string]any{
		issuer.URL(): map[string]any{"IssuerURL": issuer.URL(), "ClientID": audience, "Type": "email"},
	}})
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "config.json")
	return path, os.WriteFile(path, config, 0o644)
}

func (f *Fulcio) fetchChain(ctx context.Context) ([]*x509.Certificate, error) {
	body, err := get(ctx, f.URL+"/api/v2/trustBundle")
	if err != nil {
		return nil, err
	}
	var bundle struct {
		Chains []struct{ Certificates []string }
	}
	if err := json.Unmarshal(body, &bundle); err != nil {
		return nil, err
	}
	if len(bundle.Chains) != 1 {
		return nil, fmt.Errorf("Fulcio has %d chains, not one", len(bundle.Chains))
	}
	var encoded []byte
	for _, certificate := range bundle.Chains[0].Certificates {
		encoded = append(encoded, certificate...)
	}
	return parseChain(encoded)
}

// parseChain returns the PEM encoded certificates, at least one.
func parseChain(encoded []byte) ([]*x509.Certificate, error) {
	var chain []*x509.Certificate
	for block, rest := pem.Decode(encoded); block != nil; block, rest = pem.Decode(rest) {
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		chain = append(chain, certificate)
	}
	if len(chain) == 0 {
		return nil, errors.New("there is no certificate in a chain")
	}
	return chain, nil
}
