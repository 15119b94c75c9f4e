// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"os"
	"path/filepath"
	"strings"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/verifiedchart/verifiedchart/test/pki"
)

// authority is the certificate authority of one control plane, whose files are in one folder.
type authority struct {
	*pki.Authority
	dir string
}

func newAuthority(dir string) (*authority, error) {
	signer, err := pki.New("verifiedchart-test-ca")
	if err != nil {
		return nil, err
	}
	server, err := signer.Server("kube-apiserver")
	if err != nil {
		return nil, err
	}
	a := &authority{signer, filepath.Join(dir, "pki")}
	if err := os.MkdirAll(a.dir, 0o700); err != nil {
		return nil, err
	}
	for name, content := range map[string][]byte{"ca.crt": a.PEM(), "apiserver.crt": server.Certificate, "apiserver.key": server.Key} {
		if err := os.WriteFile(a.path(name), content, 0o600); err != nil {
			return nil, err
		}
	}
	return a, nil
}

func (a *authority) path(name string) string { return filepath.Join(a.dir, name) }

// kubeconfig writes the kubeconfig of a user, and returns its path.
func (a *authority) kubeconfig(url, user string, groups []string) (string, error) {
	own, err := a.Client(user, groups...)
	if err != nil {
		return "", err
	}
	const name = "verifiedchart-test"
	path := a.path(strings.ReplaceAll(user, ":", "-") + ".kubeconfig")
	return path, clientcmd.WriteToFile(clientcmdapi.Config{
		Clusters:       map[string]*clientcmdapi.Cluster{name: {Server: url, CertificateAuthorityData: a.PEM()}},
		AuthInfos:      map[string]*clientcmdapi.AuthInfo{user: {ClientCertificateData: own.Certificate, ClientKeyData: own.Key}},
		Contexts:       map[string]*clientcmdapi.Context{name: {Cluster: name, AuthInfo: user, Namespace: "default"}},
		CurrentContext: name,
	}, path)
}
