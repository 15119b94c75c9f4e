// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/verifiedchart/verifiedchart/test/parts"
)

// envFile is the file, in the folder of the demo, that a shell reads before it runs a command of the demo.
const envFile = "env"

// sourceCommand is what a reader types before any other command.
func sourceCommand(dir string) string { return ". " + quote(filepath.Join(dir, envFile)) }

// environment returns the content of the file: the folder, the cluster and the programs of the demo's commands.
// The programs keep their own files out of the reader's home.
func environment(dir, kubeconfig string, programs []string) string {
	var folders []string
	for _, program := range programs {
		if folder := filepath.Dir(program); !slices.Contains(folders, folder) {
			folders = append(folders, folder)
		}
	}
	home := quote(filepath.Join(dir, "home"))
	return "cd " + quote(dir) + "\n" +
		"export KUBECONFIG=" + quote(kubeconfig) + "\n" +
		"export PATH=" + quote(strings.Join(folders, ":")) + `:"$PATH"` + "\n" +
		"export DOCKER_CONFIG=" + home + " HELM_CACHE_HOME=" + home + " HELM_CONFIG_HOME=" + home + " HELM_DATA_HOME=" + home + "\n" +
		"export COSIGN_PASSWORD= COSIGN_YES=true\n" +
		"export NO_PROXY=127.0.0.1 no_proxy=127.0.0.1\n"
}

// writeEnvironment writes the file.
func writeEnvironment(dir, kubeconfig string) error {
	var programs []string
	for _, name := range []string{parts.Kubectl, parts.Helm, parts.Cosign3} {
		path, err := parts.Path(name)
		if err != nil {
			return err
		}
		programs = append(programs, path)
	}
	return os.WriteFile(filepath.Join(dir, envFile), []byte(environment(dir, kubeconfig, programs)), 0o644)
}

// shell runs a command as a reader's shell does once it has read the file, and returns what the command prints.
func shell(ctx context.Context, dir, command string) (string, error) {
	cmd := exec.CommandContext(ctx, "/bin/sh", "-c", sourceCommand(dir)+"\n"+command)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 5 * time.Second
	printed, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("the command failed (%w): %s", err, strings.TrimSpace(string(printed)))
	}
	return string(printed), nil
}

var plain = regexp.MustCompile(`^[A-Za-z0-9_./+@:=-]+$`)

// quote returns a word of a shell command that stands for the text.
func quote(text string) string {
	if plain.MatchString(text) {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}
