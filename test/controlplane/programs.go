// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"context"
	"net"
	"net/http"
	"path/filepath"
	"strings"

	"github.com/verifiedchart/verifiedchart/test/parts"
	"github.com/verifiedchart/verifiedchart/test/process"
)

// startEtcd starts etcd and returns its URL for clients.
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
		Env:   roomy,
		Ready: process.Answers(http.DefaultClient, url+"/health"),
		Grace: -1,
	})
	return url, err
}

// roomy is the environment of the programs that have machines of their own in real clusters, and share one
// machine here: it makes them collect garbage less often.
var roomy = []string{"GOGC=400"}

// startAPIServer starts the API server and returns its URL.
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
			// There is no controller manager to make the service accounts that this plugin demands.
			"--disable-admission-plugins=ServiceAccount",
			"--endpoint-reconciler-type=none",
		},
		Env:   roomy,
		Ready: process.Answers(c.pki.client(), url+"/readyz"),
		Grace: -1,
	})
	return url, err
}

// controllerManager is the user of a kube-controller-manager, from which its controllers get service accounts
// of their own.
const controllerManager = "system:kube-controller-manager"

// startControllerManager starts a kube-controller-manager that runs the named controllers.
func (c *ControlPlane) startControllerManager(ctx context.Context, controllers []string) error {
	path, err := parts.Path(parts.KubeControllerManager)
	if err != nil {
		return err
	}
	kubeconfig, err := c.AddUser(controllerManager)
	if err != nil {
		return err
	}
	_, err = process.RetryAddrInUse(func() (*process.Process, error) {
		addr, err := process.FreeAddr()
		if err != nil {
			return nil, err
		}
		host, port, err := net.SplitHostPort(addr)
		if err != nil {
			return nil, err
		}
		return c.group.Start(ctx, process.Command{
			Name: parts.KubeControllerManager,
			Path: path,
			Dir:  c.dir,
			Args: []string{
				"--kubeconfig=" + kubeconfig,
				"--authentication-kubeconfig=" + kubeconfig,
				"--authorization-kubeconfig=" + kubeconfig,
				"--bind-address=" + host,
				"--secure-port=" + port,
				"--tls-cert-file=" + c.pki.path("apiserver.crt"),
				"--tls-private-key-file=" + c.pki.path("apiserver.key"),
				"--service-account-private-key-file=" + c.pki.path("apiserver.key"),
				"--use-service-account-credentials",
				"--controllers=" + strings.Join(controllers, ","),
				"--leader-elect=false",
			},
			Ready: process.Answers(c.pki.client(), "https://"+addr+"/healthz"),
			Grace: -1,
		})
	})
	return err
}
