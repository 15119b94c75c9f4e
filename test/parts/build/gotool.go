// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// heartbeat is the interval at which a running build is reported.
const heartbeat = 30 * time.Second

// compile builds a program of a module in test/parts.
func (b *builder) compile(ctx context.Context, p part, version, target string) error {
	args := append([]string{"build", "-o", target}, p.flags(version)...)
	_, err := b.goTool(ctx, p, p.dir, append(args, p.pkg)...)
	return err
}

// collect copies the definitions of a part into a folder.
func (b *builder) collect(ctx context.Context, p part, target string) error {
	if err := os.Mkdir(target, 0o755); err != nil {
		return err
	}
	folders := map[string]string{}
	for _, c := range p.crds {
		if folders[c.module] == "" {
			folder, err := b.moduleDir(ctx, p, c)
			if err != nil {
				return err
			}
			folders[c.module] = folder
		}
		content, err := os.ReadFile(filepath.Join(folders[c.module], "config", "crd", "bases", c.file))
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(target, c.file), content, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// moduleDir returns the folder with the source of a module, fetched if necessary and checked against the go.sum
// of the module in test/parts that pins it.
func (b *builder) moduleDir(ctx context.Context, p part, c crd) (string, error) {
	goMod, err := os.ReadFile(filepath.Join(b.modules, c.dir, "go.mod"))
	if err != nil {
		return "", err
	}
	version, err := versionIn(goMod, c.module)
	if err != nil {
		return "", err
	}
	out, err := b.goTool(ctx, p, c.dir, "mod", "download", "-json", c.module+"@"+version)
	if err != nil {
		return "", err
	}
	var got struct{ Dir, Error string }
	if err := json.Unmarshal(out, &got); err != nil {
		return "", fmt.Errorf("go mod download %s: %w", c.module, err)
	}
	if got.Error != "" {
		return "", fmt.Errorf("go mod download %s: %s", c.module, got.Error)
	}
	return got.Dir, nil
}

// goTool runs go in a module of test/parts and returns its output. While it runs, its progress is reported now
// and then; if it fails, its complaint is the error.
func (b *builder) goTool(ctx context.Context, p part, dir string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = filepath.Join(b.modules, dir)
	cmd.Env = append(os.Environ(), "GOWORK=off")
	// The compilers that go starts end with it, even if this program is killed.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	var stdout bytes.Buffer
	var complaint tail
	cmd.Stdout, cmd.Stderr = &stdout, &complaint
	start := time.Now()
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	done := make(chan struct{})
	var reports sync.WaitGroup
	reports.Go(func() {
		for {
			select {
			case <-done:
				return
			case <-beat.C:
				b.say("building %s … %s so far %s", p.name, time.Since(start).Round(time.Second), complaint.last())
			}
		}
	})
	err := cmd.Run()
	close(done)
	reports.Wait()
	if err != nil {
		return nil, explain(err, complaint.String(), stdout.String())
	}
	return stdout.Bytes(), nil
}

// explain adds a fix to a failure of go if one is known.
func explain(err error, outputs ...string) error {
	said := strings.TrimSpace(strings.Join(outputs, "\n"))
	hint := ""
	switch {
	case errors.Is(err, exec.ErrNotFound):
		hint = "\nInstall Go: https://go.dev/dl"
	case strings.Contains(said, "no space left on device"):
		hint = "\nThe disk is full: all parts need about 6 GB in `go env GOCACHE GOMODCACHE` and 1 GB in bin/parts."
	case strings.Contains(said, "dial tcp"), strings.Contains(said, "i/o timeout"), strings.Contains(said, "proxyconnect"):
		hint = "\nThe module proxy is out of reach: see `go env GOPROXY` and the network."
	}
	return fmt.Errorf("%w\n%s%s", err, said, hint)
}

// tail keeps the end of the written bytes.
type tail struct {
	mu   sync.Mutex
	kept []byte
}

const tailSize = 4 << 10

var _ io.Writer = &tail{}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.kept = append(t.kept, p...)
	if over := len(t.kept) - tailSize; over > 0 {
		t.kept = append(t.kept[:0], t.kept[over:]...)
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.kept)
}

// last returns the last line.
func (t *tail) last() string {
	said := strings.TrimSpace(t.String())
	return said[strings.LastIndexByte(said, '\n')+1:]
}
