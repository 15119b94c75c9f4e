// SPDX-License-Identifier: Apache-2.0

package realparts

import (
	"context"
	"net/http"
	"path/filepath"
	"time"

	"github.com/verifiedchart/verifiedchart/test/parts"
	"github.com/verifiedchart/verifiedchart/test/process"
)

// ControllerName is the name of our controller's binary.
const ControllerName = "verifiedchart-controller"

// Controller is our controller, with its storage in a folder of its own. It may be stopped and restarted.
type Controller struct {
	*process.Process
	// Binary is the path of the program.
	Binary string
	// Kubeconfig is the file with its access to the API server.
	Kubeconfig string
	// Dir holds its log and its storage.
	Dir string
	// Namespace is the namespace that it runs in, the value of RUNTIME_NAMESPACE.
	Namespace string
	// Flags are added to the default flags, and Env to the default environment.
	Flags, Env []string
	// Unready lets Start return when the program is alive, before it is ready.
	Unready bool
	// Addr is the address of its artifacts, Metrics that of its metrics, and Health that of its probes. They
	// are set when it has started.
	Addr, Metrics, Health string
}

// grace is the time that the Deployment gives it to end.
const grace = 30 * time.Second

// Storage returns the folder of its artifacts.
func (c *Controller) Storage() string { return filepath.Join(c.Dir, "storage") }

// Start starts it as a member of the group, on free ports; after a restart its artifacts keep their address.
func (c *Controller) Start(ctx context.Context, group *process.Group) error {
	_, err := process.RetryAddrInUse(func() (struct{}, error) { return struct{}{}, c.start(ctx, group) })
	return err
}

func (c *Controller) start(ctx context.Context, group *process.Group) (err error) {
	addr := c.Addr
	if addr == "" {
		if addr, err = process.FreeAddr(); err != nil {
			return err
		}
	}
	if c.Metrics, err = process.FreeAddr(); err != nil {
		return err
	}
	if c.Health, err = process.FreeAddr(); err != nil {
		return err
	}
	probe := "/readyz"
	if c.Unready {
		probe = "/healthz"
	}
	c.Process, err = group.Start(ctx, process.Command{
		Name: ControllerName,
		Path: c.Binary,
		Dir:  c.Dir,
		Env:  append(append(offline(), "KUBECONFIG="+c.Kubeconfig, "RUNTIME_NAMESPACE="+c.Namespace), c.Env...),
		Args: append([]string{
			"--storage-path=" + c.Storage(),
			"--storage-addr=" + addr,
			"--storage-adv-addr=" + addr,
			"--metrics-addr=" + c.Metrics,
			"--health-addr=" + c.Health,
			"--events-addr=",
			"--watch-all-namespaces",
			"--insecure-allow-http",
			"--allow-internal-hosts=127.0.0.0/8,::1/128", // the real parts listen there
			"--log-level=info",
		}, c.Flags...),
		Ready: process.Answers(http.DefaultClient, "http://"+c.Health+probe),
		Grace: grace,
	})
	if err == nil {
		c.Addr = addr
	}
	return err
}

// StartHelmController starts Flux's helm-controller as a member of the group,
// with ExternalArtifacts enabled and its log in dir.
func StartHelmController(ctx context.Context, dir, kubeconfig string, group *process.Group) (*process.Process, error) {
	path, err := parts.Path(parts.HelmController)
	if err != nil {
		return nil, err
	}
	return process.RetryAddrInUse(func() (*process.Process, error) {
		health, err := process.FreeAddr()
		if err != nil {
			return nil, err
		}
		dir, env, err := home(dir, parts.HelmController)
		if err != nil {
			return nil, err
		}
		return group.Start(ctx, process.Command{
			Name: parts.HelmController,
			Path: path,
			Dir:  dir,
			Env:  append(append(env, offline()...), "KUBECONFIG="+kubeconfig, "RUNTIME_NAMESPACE=flux-system"),
			Args: []string{
				"--feature-gates=ExternalArtifact=true",
				"--watch-all-namespaces",
				"--metrics-addr=0",
				"--health-addr=" + health,
				"--events-addr=",
				"--graceful-shutdown-timeout=5s",
				"--log-encoding=console",
			},
			Ready: process.Answers(http.DefaultClient, "http://"+health+"/healthz"),
		})
	})
}
