// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/verifiedchart/verifiedchart/test/parts"
	"github.com/verifiedchart/verifiedchart/test/scenario"
)

// buildParts builds the parts that are not built yet.
func buildParts(ctx context.Context, out io.Writer) error {
	root, err := parts.Root()
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "go", "run", "./test/parts/build", "-only="+strings.Join(scenario.Parts(), ","))
	cmd.Dir = root
	cmd.Stdout = &builds{to: out}
	cmd.Stderr = cmd.Stdout
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return fmt.Errorf("the parts of the demo cannot be built: %w", err)
	}
	return nil
}

// builds passes on the lines of the builder, except those about parts that need no build.
type builds struct {
	to   io.Writer
	line []byte
}

// Write implements io.Writer. It keeps the end of p that is not a whole line yet.
func (b *builds) Write(p []byte) (int, error) {
	b.line = append(b.line, p...)
	for {
		end := bytes.IndexByte(b.line, '\n') + 1
		if end == 0 {
			return len(p), nil
		}
		line := b.line[:end]
		b.line = b.line[end:]
		if bytes.HasSuffix(line, []byte(": cached\n")) {
			continue
		}
		if _, err := b.to.Write(line); err != nil {
			return 0, err
		}
	}
}
