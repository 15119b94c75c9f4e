// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"k8s.io/client-go/tools/clientcmd"
)

// Kubectl is the real kubectl with the kubeconfig of a user.
type Kubectl struct{ path, kubeconfig string }

// In returns the same kubectl, with a default namespace.
func (k *Kubectl) In(namespace string) (*Kubectl, error) {
	config, err := clientcmd.LoadFromFile(k.kubeconfig)
	if err != nil {
		return nil, err
	}
	config.Contexts[config.CurrentContext].Namespace = namespace
	path := filepath.Join(filepath.Dir(k.kubeconfig), namespace+".namespace.kubeconfig")
	return &Kubectl{path: k.path, kubeconfig: path}, clientcmd.WriteToFile(*config, path)
}

// Run runs kubectl and returns its output. The error holds its complaint.
func (k *Kubectl) Run(ctx context.Context, args ...string) (string, error) {
	return k.RunWith(ctx, "", args...)
}

// RunWith is Run with a text for the standard input of kubectl.
func (k *Kubectl) RunWith(ctx context.Context, input string, args ...string) (string, error) {
	cmd := k.Command(ctx, args...)
	cmd.Stdin = strings.NewReader(input)
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	said, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("kubectl %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(complaint.String()))
	}
	return string(said), nil
}

// Command returns kubectl, ready to be started; it is killed when ctx ends.
func (k *Kubectl) Command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, k.path, args...)
	cmd.Env = append(os.Environ(), "KUBECONFIG="+k.kubeconfig)
	cmd.WaitDelay = 5 * time.Second
	return cmd
}

// Apply applies manifests, server-side, as kubectl's own field manager.
func (k *Kubectl) Apply(ctx context.Context, manifests string) error {
	_, err := k.RunWith(ctx, manifests, "apply", "--server-side", "--force-conflicts", "-f", "-")
	return err
}

// Define applies the custom resource definitions in the files or folders, and waits until they are served.
func (k *Kubectl) Define(ctx context.Context, paths ...string) error {
	args := []string{"apply", "--server-side"}
	for _, p := range paths {
		args = append(args, "-f", p)
	}
	if _, err := k.Run(ctx, args...); err != nil {
		return err
	}
	_, err := k.Run(ctx, "wait", "--for=condition=Established", "--timeout=30s", "crd", "--all")
	return err
}

// Get reads an object, as `kubectl get <args> -o json`, into out.
func (k *Kubectl) Get(ctx context.Context, out any, args ...string) error {
	said, err := k.Run(ctx, append(append([]string{"get"}, args...), "-o", "json")...)
	if err != nil {
		return err
	}
	return json.Unmarshal([]byte(said), out)
}
