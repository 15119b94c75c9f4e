// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// ticks is the kernel's USER_HZ, which is 100 on every Linux architecture that Go supports.
const ticks = 100

// usage is the resources that a process has used so far.
type usage struct {
	cpu      time.Duration
	peak     int64 // bytes
	requests int   // of the registry
	rounds   int   // reconciles
	writes   writes
}

func (u usage) since(before usage) usage {
	return usage{cpu: u.cpu - before.cpu, peak: u.peak, requests: u.requests - before.requests, rounds: u.rounds - before.rounds, writes: u.writes.since(before.writes)}
}

// usage returns the usage of the controller after its writes have stopped.
func (b *bench) usage(ctx context.Context) (usage, error) {
	written, err := b.written(ctx)
	if err != nil {
		return usage{}, err
	}
	pid := b.world.Controller.PID()
	cpu, err := cpuTime(pid)
	if err != nil {
		return usage{}, err
	}
	peak, err := peakMemory(pid)
	if err != nil {
		return usage{}, err
	}
	rounds, err := reconciles(b.world.Controller.Metrics)
	return usage{cpu: cpu, peak: peak, requests: len(b.world.Registry.Requests()), rounds: rounds, writes: written}, err
}

// cpuTime returns the sum of utime and stime of proc_pid_stat(5), fields 14 and 15.
func cpuTime(pid int) (time.Duration, error) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	_, after, ok := strings.Cut(string(raw), ") ")
	fields := strings.Fields(after)
	if !ok || len(fields) < 13 {
		return 0, fmt.Errorf("cannot read /proc/%d/stat", pid)
	}
	user, err := strconv.ParseInt(fields[11], 10, 64)
	if err != nil {
		return 0, err
	}
	system, err := strconv.ParseInt(fields[12], 10, 64)
	return time.Duration(user+system) * time.Second / ticks, err
}

// peakMemory returns VmHWM of proc_pid_status(5): the peak resident set size.
func peakMemory(pid int) (int64, error) {
	f, err := os.Open(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if value, ok := strings.CutPrefix(lines.Text(), "VmHWM:"); ok {
			kib, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
			return kib << 10, err
		}
	}
	return 0, fmt.Errorf("/proc/%d/status has no VmHWM", pid)
}

// reconciles returns the number of reconciles that the controller has finished, by its own metrics.
func reconciles(addr string) (int, error) {
	req, err := http.NewRequest(http.MethodGet, "http://"+addr+"/metrics", nil)
	if err != nil {
		return 0, err
	}
	req.Header.Set("Accept-Encoding", "identity") // compression would distort the measurement
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	total := 0.0
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), " ")
		if strings.HasPrefix(name, "controller_runtime_reconcile_total{") {
			n, err := strconv.ParseFloat(value, 64)
			if err != nil {
				return 0, err
			}
			total += n
		}
	}
	return int(total), nil
}

// profile writes a CPU profile of the controller, over the given seconds of a measure, to a file in the folder
// for profiles, if there is one.
func (b *bench) profile(measure string, seconds int) <-chan error {
	done := make(chan error, 1)
	if b.profiles == "" {
		done <- nil
		return done
	}
	if err := os.MkdirAll(b.profiles, 0o755); err != nil {
		done <- err
		return done
	}
	path := filepath.Join(b.profiles, measure+".pprof")
	go func() {
		resp, err := http.Get(fmt.Sprintf("http://%s/debug/pprof/profile?seconds=%d", b.pprof, seconds))
		if err != nil {
			done <- err
			return
		}
		defer resp.Body.Close()
		raw, err := io.ReadAll(resp.Body)
		if err == nil && resp.StatusCode != http.StatusOK {
			err = fmt.Errorf("profile %s: %s", measure, resp.Status)
		}
		if err == nil {
			err = os.WriteFile(path, raw, 0o600)
		}
		done <- err
	}()
	return done
}
