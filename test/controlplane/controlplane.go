// SPDX-License-Identifier: Apache-2.0

// Package controlplane runs a real Kubernetes control plane for tests and the demo: etcd and kube-apiserver
// with RBAC, on free ports of the loopback interface, with all its files in one folder. There is neither a
// scheduler nor a kubelet: objects are stored and admitted, but not run. A kube-controller-manager, with
// selected controllers only, is an option: without it, objects without an owner are not collected, and no
// namespace ever ends. The package does not know the stored objects.
package controlplane

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/verifiedchart/verifiedchart/test/parts"
	"github.com/verifiedchart/verifiedchart/test/process"
)

// ControlPlane is a running control plane.
type ControlPlane struct {
	dir   string
	url   string
	pki   *authority
	group *process.Group
	admin string // kubeconfig
}

// Options of a control plane.
type Options struct {
	// Dir is the folder of its files.
	Dir string
	// Controllers are the names of the controllers that a kube-controller-manager runs. If there are none, no
	// kube-controller-manager runs.
	Controllers []string
}

func (o Options) parts() []string {
	if len(o.Controllers) == 0 {
		return parts.ControlPlane()
	}
	return append(parts.ControlPlane(), parts.KubeControllerManager)
}

// Start starts a control plane, and returns when it serves. Its programs become members of the group: the owner
// of the group stops them, and learns of their death.
func Start(ctx context.Context, o Options, group *process.Group) (*ControlPlane, error) {
	if err := parts.Missing(o.parts()...); err != nil {
		return nil, err
	}
	pki, err := newAuthority(o.Dir)
	if err != nil {
		return nil, fmt.Errorf("cannot make the certificates of the control plane: %w", err)
	}
	c := &ControlPlane{dir: o.Dir, pki: pki, group: group}
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
	if len(o.Controllers) > 0 {
		err = c.startControllerManager(ctx, o.Controllers)
	}
	return c, err
}

// Kubeconfig returns the path of the kubeconfig of the cluster's administrator.
func (c *ControlPlane) Kubeconfig() string { return c.admin }

// Config returns the administrator's access to the API server.
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

// ServiceAccount returns the path of a kubeconfig of a service account, with the rights that RBAC gives to its
// token in a pod.
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
func (a *authority) client() *http.Client {
	roots := x509.NewCertPool()
	roots.AddCert(a.Certificate)
	return &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}}
}
