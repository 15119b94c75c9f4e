// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/verifiedchart/verifiedchart/test/parts"
)

// builder builds parts into a folder. Beside each part it keeps a stamp: the digest of all inputs of the part.
type builder struct {
	modules string // folder of the modules
	out     string
	goEnv   string // the settings of Go's environment that affect a program
	print   sync.Mutex
}

func newBuilder(ctx context.Context, root, out string) (*builder, error) {
	env, err := exec.CommandContext(ctx, "go", "env", "GOVERSION", "GOOS", "GOARCH", "CGO_ENABLED").Output()
	if err != nil {
		return nil, fmt.Errorf("cannot run go, which everything here is built with: %w", err)
	}
	if err := os.MkdirAll(filepath.Join(out, ".stamps"), 0o755); err != nil {
		return nil, err
	}
	return &builder{modules: filepath.Join(root, "test", "parts"), out: out, goEnv: string(env)}, nil
}

// useAssets drops the control plane from the parts to build.
func (b *builder) useAssets(ps []part, assets string) []part {
	return slices.DeleteFunc(ps, func(p part) bool {
		given := slices.Contains(parts.ControlPlane(), p.name)
		if given {
			b.say("%s: taken from KUBEBUILDER_ASSETS=%s", p.name, assets)
		}
		return given
	})
}

// buildAll builds the parts, several in parallel, and stops at the first failure.
func (b *builder) buildAll(ctx context.Context, ps []part, jobs int) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	free := make(chan struct{}, jobs)
	var wg sync.WaitGroup
	for _, p := range ps {
		free <- struct{}{}
		if ctx.Err() != nil {
			break
		}
		wg.Go(func() {
			defer func() { <-free }()
			if err := b.build(ctx, p); err != nil {
				cancel(err)
			}
		})
	}
	wg.Wait()
	return context.Cause(ctx)
}

func (b *builder) build(ctx context.Context, p part) error {
	version, stamp, err := b.stampOf(p)
	if err != nil {
		return fmt.Errorf("%s: %w", p.name, err)
	}
	title := p.name + " " + version
	if b.current(p, stamp) {
		b.say("%s: cached", title)
		return nil
	}
	b.say("building %s …", title)
	start := time.Now()
	temp, err := os.MkdirTemp(b.out, ".building-")
	if err != nil {
		return fmt.Errorf("%s: %w", title, err)
	}
	defer os.RemoveAll(temp)
	made := filepath.Join(temp, p.name)
	switch {
	case p.deb != nil:
		err = p.deb.unpack(ctx, temp, made)
	case p.pkg != "":
		err = b.compile(ctx, p, version, made)
	default:
		err = b.collect(ctx, p, made)
	}
	if err == nil {
		err = b.replace(p, made, stamp)
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if errors.Is(err, errUnavailable) {
		b.say("%s: %v: specs that need it are skipped", title, err)
		return nil
	}
	if err != nil {
		return fmt.Errorf("cannot build %s: %w", title, err)
	}
	b.say("%s: built in %s", title, took(start))
	return nil
}

// stampOf returns the version of a part and the digest of all its inputs.
func (b *builder) stampOf(p part) (version, stamp string, err error) {
	sum := sha256.New()
	for _, dir := range p.dirs() {
		names, err := b.sources(dir)
		if err != nil {
			return "", "", err
		}
		for _, name := range names {
			content, err := os.ReadFile(filepath.Join(b.modules, dir, name))
			if err != nil {
				return "", "", err
			}
			if name == "go.mod" && dir == p.dir {
				if version, err = versionIn(content, p.module); err != nil {
					return "", "", err
				}
			}
			fmt.Fprintf(sum, "%s/%s %d\n%s", dir, name, len(content), content)
		}
	}
	if p.deb != nil {
		return p.deb.version, p.deb.sum, nil
	}
	fmt.Fprintf(sum, "%s%s %q %v", b.goEnv, p.pkg, p.flags(version), p.crds)
	return version, hex.EncodeToString(sum.Sum(nil)), nil
}

// sources returns the names of the files that make a module: those that pin its
// requirements, and its own program if it has one.
func (b *builder) sources(dir string) ([]string, error) {
	names := []string{"go.mod", "go.sum"}
	programs, err := filepath.Glob(filepath.Join(b.modules, dir, "*.go"))
	for _, program := range programs {
		names = append(names, filepath.Base(program))
	}
	return names, err
}

func (b *builder) stampFile(p part) string { return filepath.Join(b.out, ".stamps", p.name) }

func (b *builder) current(p part, stamp string) bool {
	have, err := os.ReadFile(b.stampFile(p))
	if err != nil || string(have) != stamp {
		return false
	}
	_, err = os.Stat(filepath.Join(b.out, p.name))
	return err == nil
}

// replace moves a built part to its final path. A half written part never counts as complete: replace removes
// the stamp first and writes it last.
func (b *builder) replace(p part, made, stamp string) error {
	target := filepath.Join(b.out, p.name)
	if err := os.Remove(b.stampFile(p)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if p.crds != nil {
		if err := os.RemoveAll(target); err != nil {
			return err
		}
	}
	if err := os.Rename(made, target); err != nil {
		return err
	}
	return os.WriteFile(b.stampFile(p), []byte(stamp), 0o644)
}

func (b *builder) say(format string, args ...any) {
	b.print.Lock()
	defer b.print.Unlock()
	fmt.Println(strings.TrimRight(fmt.Sprintf(format, args...), "\n"))
}
