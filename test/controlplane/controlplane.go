// SPDX-License-Identifier: Apache-2.0

// Package controlplane runs a real Kubernetes control plane for tests and the
// demo: etcd and kube-apiserver with RBAC, on free ports of the loopback
// interface, with all its files in one folder. There is neither a scheduler nor
// a kubelet nor a controller manager: objects are stored and admitted, and
// nothing runs, owns or collects them. It knows nothing of what is put into it.
package controlplane

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"path/filepath"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/verifiedchart/verifiedchart/test/parts"
	"github.com/verifiedchart/verifiedchart/test/process"
)

// ControlPlane is a control plane that runs.
type ControlPlane struct {
	dir   string
	url   string
	pki   *pki
	group *process.Group
	admin string // kubeconfig
}

// Start starts a control plane whose files are kept in dir, and returns when it
// serves. Its programs become members of the group: whoever owns that stops them, and hears of their death.
func Start(ctx context.Context, dir string, group *process.Group) (*ControlPlane, error) {
	if err := parts.Missing(parts.ControlPlane()...); err != nil {
		return nil, err
	}
	pki, err := newPKI(dir)
	if err != nil {
		return nil, fmt.Errorf("cannot make the certificates of the control plane: %w", err)
	}
	c := &ControlPlane{dir: dir, pki: pki, group: group}
	etcd, err := process.RetryAddrInUse(func() (string, error) { return c.startEtcd(ctx) })
	if err != nil {
		return nil, err
	}
	c.url, err = process.RetryAddrInUse(func() (string, error) { return c.startAPIServer(ctx, etcd) })
	if err != nil {
		return nil, err
	}
	if c.admin, err = c.AddUser("admin", "system:masters"); err != nil {
		return nil, err
	}
	return c, nil
}

// startEtcd returns the URL of its clients.
func (c *ControlPlane) startEtcd(ctx context.Context) (string, error) {
	path, err := parts.Path(parts.Etcd)
	if err != nil {
		return "", err
	}
	clients, err := process.FreeAddr()
	if err != nil {
		return "", err
	}
	url := "http://" + clients
	_, err = c.group.Start(ctx, process.Command{
		Name: parts.Etcd,
		Path: path,
		Dir:  c.dir,
		Args: []string{
			"--data-dir=" + filepath.Join(c.dir, "etcd"),
			"--listen-client-urls=" + url,
			"--advertise-client-urls=" + url,
			"--listen-peer-urls=http://127.0.0.1:0",
			"--log-level=warn",
			"--unsafe-no-fsync",
		},
		Ready: process.Answers(http.DefaultClient, url+"/health"),
		Grace: -1,
	})
	return url, err
}

// startAPIServer returns its URL.
func (c *ControlPlane) startAPIServer(ctx context.Context, etcd string) (string, error) {
	path, err := parts.Path(parts.KubeAPIServer)
	if err != nil {
		return "", err
	}
	addr, err := process.FreeAddr()
	if err != nil {
		return "", err
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return "", err
	}
	url := "https://" + addr
	_, err = c.group.Start(ctx, process.Command{
		Name: parts.KubeAPIServer,
		Path: path,
		Dir:  c.dir,
		Args: []string{
			"--etcd-servers=" + etcd,
			"--bind-address=" + host,
			"--advertise-address=" + host,
			"--secure-port=" + port,
			"--cert-dir=" + c.dir,
			"--tls-cert-file=" + c.pki.path("apiserver.crt"),
			"--tls-private-key-file=" + c.pki.path("apiserver.key"),
			"--client-ca-file=" + c.pki.path("ca.crt"),
			"--service-account-issuer=https://kubernetes.default.svc",
			"--service-account-key-file=" + c.pki.path("apiserver.key"),
			"--service-account-signing-key-file=" + c.pki.path("apiserver.key"),
			"--service-cluster-ip-range=10.0.0.0/24",
			"--authorization-mode=RBAC",
			// There is no controller manager to make the service accounts that this plugin asks for.
			"--disable-admission-plugins=ServiceAccount",
			"--endpoint-reconciler-type=none",
		},
		Ready: process.Answers(c.pki.client(), url+"/readyz"),
		Grace: -1,
	})
	return url, err
}

// Kubeconfig returns the path of the kubeconfig of the cluster's administrator.
func (c *ControlPlane) Kubeconfig() string { return c.admin }

// Config returns how the administrator reaches the API server.
func (c *ControlPlane) Config() (*rest.Config, error) {
	return clientcmd.BuildConfigFromFlags("", c.admin)
}

// Kubectl returns a kubectl that acts as the administrator.
func (c *ControlPlane) Kubectl() (*Kubectl, error) {
	path, err := parts.Path(parts.Kubectl)
	if err != nil {
		return nil, err
	}
	return &Kubectl{path: path, kubeconfig: c.admin}, nil
}

// ServiceAccount returns the path of a kubeconfig of a service account, which
// may do what RBAC lets it, as its token would in a pod.
func (c *ControlPlane) ServiceAccount(namespace, name string) (string, error) {
	return c.AddUser("system:serviceaccount:"+namespace+":"+name,
		"system:serviceaccounts", "system:serviceaccounts:"+namespace, "system:authenticated")
}

// AddUser returns the path of the kubeconfig of a user with a client certificate.
func (c *ControlPlane) AddUser(name string, groups ...string) (string, error) {
	path, err := c.pki.kubeconfig(c.url, name, groups)
	if err != nil {
		return "", fmt.Errorf("cannot make a kubeconfig for %s: %w", name, err)
	}
	return path, nil
}

// client trusts the certificates of the control plane, and has none itself.
func (p *pki) client() *http.Client {
	roots := x509.NewCertPool()
	roots.AddCert(p.ca)
	return &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}}
}
