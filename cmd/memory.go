// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"runtime/debug"
	"strconv"
	"strings"
)

// memoryShare is the part of the cgroup's memory limit that the Go heap may use.
const memoryShare = 0.85

// cgroupLimits are the files with the memory limit of the container, of cgroup version 2 and 1.
var cgroupLimits = []string{"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"}

// limitMemory makes the garbage collector keep the process below the container's limit, so that it is not killed. The environment
// variable GOMEMLIMIT wins.
func limitMemory() {
	if os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	for _, file := range cgroupLimits {
		raw, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		if limit, ok := memoryLimit(string(raw)); ok {
			debug.SetMemoryLimit(limit)
		}
		return
	}
}

// memoryLimit returns the limit of the heap for the text of a cgroup's limit; false if that sets none.
func memoryLimit(text string) (int64, bool) {
	const none = 1 << 50 // cgroup version 1 writes a huge number for no limit
	limit, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
	if err != nil || limit <= 0 || limit >= none {
		return 0, false
	}
	return int64(float64(limit) * memoryShare), true
}
