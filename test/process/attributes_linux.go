// SPDX-License-Identifier: Apache-2.0

package process

import "syscall"

// attributes puts the program into a process group of its own, away from the terminal's Ctrl-C, and makes the
// kernel kill it when its parent dies.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
