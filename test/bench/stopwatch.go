// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// span is the duration of an operation, and the time for which all processors together worked for other
// programs than the controller meanwhile.
type span struct{ wall, others time.Duration }

// stopwatch measures spans from its start.
type stopwatch struct {
	pid    int // of the controller; 0 before it runs
	began  time.Time
	others time.Duration
}

// startWatch starts a stopwatch.
func startWatch(pid int) (stopwatch, error) {
	w := stopwatch{pid: pid, began: time.Now()}
	var err error
	w.others, err = w.busyElsewhere()
	return w, err
}

// span returns the time since the start.
func (w stopwatch) span() (span, error) {
	others, err := w.busyElsewhere()
	return span{wall: time.Since(w.began), others: max(others-w.others, 0)}, err
}

// busyElsewhere returns the time for which the processors have worked for other programs than the controller,
// since the machine started.
func (w stopwatch) busyElsewhere() (time.Duration, error) {
	raw, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, err
	}
	all, err := busy(raw)
	if err != nil || w.pid == 0 {
		return all, err
	}
	own, err := cpuTime(w.pid)
	return all - own, err
}

// busy returns the time for which the processors have worked, by proc_stat(5): all fields except 4 and 5, idle
// and iowait, and the time of guests, which other fields already include.
func busy(stat []byte) (total time.Duration, err error) {
	lines := bufio.NewScanner(bytes.NewReader(stat))
	lines.Scan()
	fields := strings.Fields(lines.Text())
	if len(fields) < 9 || fields[0] != "cpu" {
		return 0, fmt.Errorf("cannot read /proc/stat: its first line is %q", lines.Text())
	}
	for i, field := range fields[1:9] {
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("cannot read /proc/stat: %w", err)
		}
		if i != 3 && i != 4 {
			total += time.Duration(n) * time.Second / ticks
		}
	}
	return total, nil
}
