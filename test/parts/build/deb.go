// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// deb is a pinned package of Debian with a program in usr/bin. It is unpacked, not installed.
type deb struct{ pkg, version, sum string }

// debArch is the architecture of the pinned packages.
const debArch = "amd64"

// errUnavailable is matched by the error about a package that this machine cannot fetch.
var errUnavailable = errors.New("not available")

// unpack fetches the package into a temporary folder, and moves the program with the base name of target there.
func (d *deb) unpack(ctx context.Context, temp, target string) error {
	dir := filepath.Join(temp, "package")
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	if err := runIn(ctx, dir, "apt-get", "download", "--quiet", d.pkg+":"+debArch+"="+d.version); err != nil {
		return fmt.Errorf("%w: %w", errUnavailable, err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.deb"))
	if err != nil || len(files) != 1 {
		return fmt.Errorf("apt-get download %s left %q: %w", d.pkg, files, err)
	}
	if err := d.check(files[0]); err != nil {
		return err
	}
	if err := runIn(ctx, dir, "dpkg", "-x", files[0], "."); err != nil {
		return err
	}
	return os.Rename(filepath.Join(dir, "usr", "bin", filepath.Base(target)), target)
}

// check returns an error if a file is not the pinned package.
func (d *deb) check(file string) error {
	content, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if sum := sha256.Sum256(content); hex.EncodeToString(sum[:]) != d.sum {
		return fmt.Errorf("package %s %s has SHA-256 %x, not %s", d.pkg, d.version, sum, d.sum)
	}
	return nil
}

func runIn(ctx context.Context, dir, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	if said, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w %s", name, err, bytes.TrimSpace(said))
	}
	return nil
}
