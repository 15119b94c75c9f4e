// SPDX-License-Identifier: Apache-2.0

// Command conformance speaks the protocol of the Sigstore client conformance
// suite (github.com/sigstore/sigstore-conformance, docs/cli_protocol.md), so
// that the suite can verify how the controller verifies bundles: both use
// internal/verify/bundle and internal/trustroot, and this command adds arguments only.
//
// It exits with 0 if the artifact is signed by the key or the identity; otherwise, or if it could not find out,
// with 1 and one line on the standard error stream. It does not sign, and does not know charts, registries or
// Kubernetes.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/sigstore/sigstore-go/pkg/tuf"

	"github.com/verifiedchart/verifiedchart/internal/printable"
	"github.com/verifiedchart/verifiedchart/internal/trustroot"
)

// maxReason bounds the error line, in bytes.
const maxReason = 1024

const usage = "verify-bundle [--staging] --bundle FILE (--certificate-identity IDENTITY --certificate-oidc-issuer URL | --key FILE) [--trusted-root FILE] FILE_OR_DIGEST"

// program is the command with its inputs from the environment.
type program struct {
	stderr io.Writer
	// cacheDir is the directory for the files of TUF repositories.
	cacheDir func() (string, error)
	// production and staging are the TUF repositories of the trusted roots that are used if no file is given;
	// each is kept in a directory of its own.
	production, staging trustroot.TUFOptions
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	p := program{
		stderr:   os.Stderr,
		cacheDir: userCache,
		staging:  trustroot.TUFOptions{Mirror: tuf.StagingMirror, Root: tuf.StagingRoot()},
	}
	status := p.run(ctx, os.Args[1:])
	stop()
	os.Exit(status)
}

// userCache returns $XDG_CACHE_HOME/verifiedchart, or the system's default.
func userCache() (string, error) {
	dir, err := os.UserCacheDir()
	return filepath.Join(dir, "verifiedchart"), err
}

// run runs the command and returns the exit status.
func (p program) run(ctx context.Context, args []string) int {
	err := p.do(ctx, args)
	if err == nil {
		return 0
	}
	_, _ = fmt.Fprintln(p.stderr, "conformance:", printable.String(err.Error(), maxReason)) // nobody is left to report to
	return 1
}

func (p program) do(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return errors.New("usage: " + usage)
	}
	if args[0] != "verify-bundle" {
		return fmt.Errorf("%s: not supported: verifies only; usage: %s", args[0], usage)
	}
	a, err := parseArguments(args[1:])
	if err != nil {
		return fmt.Errorf("%w; usage: %s", err, usage)
	}
	return p.verify(ctx, a)
}
