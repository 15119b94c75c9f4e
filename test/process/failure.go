// SPDX-License-Identifier: Apache-2.0

package process

import (
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
)

const (
	// tailSize is the part of a log that is read, and shownSize the part that is shown.
	tailSize  = 64 << 10
	shownSize = 2 << 10
)

// Failure is an unexpected end of a program, or a start that took too long. It matches syscall.EADDRINUSE and
// syscall.ENOSPC if the end of the program's log shows these errors.
type Failure struct {
	Name  string
	Cause error
	Log   string // path of the log
	Tail  string // the end of the log, at most 64 KiB
}

func (f *Failure) Error() string {
	shown := strings.TrimSpace(f.Tail)
	if over := len(shown) - shownSize; over > 0 {
		shown = "…" + shown[over:]
	}
	reason := ""
	if f.Is(syscall.ENOSPC) {
		reason = ": the disk is full (" + syscall.ENOSPC.Error() + ")"
	}
	return fmt.Sprintf("%s failed: %v%s\n  the end of its log:\n  | %s", f.Name, f.Cause, reason, strings.ReplaceAll(shown, "\n", "\n  | "))
}

// Unwrap returns the cause.
func (f *Failure) Unwrap() error { return f.Cause }

// Is reports whether the program failed because its port is in use, or because the disk is full.
func (f *Failure) Is(target error) bool {
	errno, ok := target.(syscall.Errno)
	return ok && (errno == syscall.EADDRINUSE || errno == syscall.ENOSPC) && strings.Contains(f.Tail, errno.Error())
}

// tailOf returns the end of a file, as far as it can be read.
func tailOf(path string) string {
	file, err := os.Open(path)
	if err != nil {
		return err.Error()
	}
	defer file.Close()
	if info, err := file.Stat(); err == nil && info.Size() > tailSize {
		_, _ = file.Seek(-tailSize, io.SeekEnd)
	}
	content, _ := io.ReadAll(io.LimitReader(file, tailSize))
	return string(content)
}
