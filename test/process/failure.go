package process

import (
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
)

const tailSize = 2 << 10

// Failure is the end of a program that was not asked for, or a start that took too long.
// It matches syscall.EADDRINUSE where the program's log says so.
type Failure struct {
	Name  string
	Cause error
	Log   string // path of the log
	Tail  string // the end of the log
}

func (f *Failure) Error() string {
	said := strings.ReplaceAll(strings.TrimSpace(f.Tail), "\n", "\n  | ")
	return fmt.Sprintf("%s failed: %v\n  the end of its log (%s):\n  | %s", f.Name, f.Cause, f.Log, said)
}

// Unwrap returns the cause.
func (f *Failure) Unwrap() error { return f.Cause }

// Is reports whether the program failed because another one has its port.
func (f *Failure) Is(target error) bool {
	return target == syscall.EADDRINUSE && strings.Contains(f.Tail, "address already in use")
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
