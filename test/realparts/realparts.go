// SPDX-License-Identifier: Apache-2.0

// Package realparts drives the real programs that surround the product: OCI registries, helm, oras, GnuPG,
// cosign, the services of a private Sigstore, Flux's helm-controller and our own controller. Each driver knows
// the flags and output of one program. No driver knows the tests.
package realparts

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/verifiedchart/verifiedchart/test/parts"
	"github.com/verifiedchart/verifiedchart/test/process"
)

// tool is a command-line program with an environment of its own.
type tool struct {
	name, path string
	dir        string // working directory
	env        []string
}

// run runs the program and returns its standard output and standard error.
func (t tool) run(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, t.path, args...)
	cmd.Dir = t.dir
	cmd.Env = append(os.Environ(), t.env...)
	cmd.WaitDelay = 5 * time.Second
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%s %s: %w: %s", t.name, strings.Join(args, " "), err, strings.TrimSpace(said.String()))
	}
	return said.String(), nil
}

// with returns the tool with additional environment variables.
func (t tool) with(env ...string) tool {
	t.env = append(slices.Clip(t.env), env...)
	return t
}

// home returns a separate folder for a program, and an environment that confines the program to the folder and
// away from the user's files.
func home(dir, name string) (string, []string, error) {
	path, err := filepath.Abs(filepath.Join(dir, name))
	if err != nil {
		return "", nil, err
	}
	return path, []string{"HOME=" + path, "DOCKER_CONFIG=" + path}, os.MkdirAll(path, 0o755)
}

// offline is an environment in which only the loopback interface is reachable over HTTP: all other requests
// fail, so that the tests do not depend on them.
func offline() []string {
	return []string{"HTTP_PROXY=http://127.0.0.1:9", "HTTPS_PROXY=http://127.0.0.1:9", "NO_PROXY=127.0.0.1,localhost"}
}

// listen starts a part that listens at an address in its arguments, as a member of the group, with its log in dir.
// It returns when the part accepts connections there.
func listen(ctx context.Context, dir, part string, group *process.Group, args func(addr string) ([]string, error)) (*process.Process, string, error) {
	path, err := parts.Path(part)
	if err != nil {
		return nil, "", err
	}
	var p *process.Process
	addr, err := process.RetryAddrInUse(func() (string, error) {
		addr, err := process.FreeAddr()
		if err != nil {
			return "", err
		}
		with, err := args(addr)
		if err != nil {
			return "", err
		}
		p, err = group.Start(ctx, process.Command{
			Name: part, Path: path, Dir: dir, Args: with, Env: []string{"OTEL_TRACES_EXPORTER=none", "AWS_CA_BUNDLE="},
			Ready: process.Listens(addr), Grace: -1,
		})
		return addr, err
	})
	return p, addr, err
}
