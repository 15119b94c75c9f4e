// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"time"
)

// limits prints what was measured beside what it may be, and remembers what was exceeded.
type limits struct {
	slowness slowness
	exceeded []error
}

// title begins a measure: what follows is of it.
func (l *limits) title(format string, args ...any) {
	fmt.Printf("\n"+format+"\n", args...)
	l.slowness = slowness{wall: 1, cpu: 1}
	l.calibrate()
}

// calibrate has the limits of the measure also fit how slow the machine is now.
func (l *limits) calibrate() {
	now := calibrate()
	l.slowness = slowness{wall: max(l.slowness.wall, now.wall), cpu: max(l.slowness.cpu, now.cpu)}
}

// count says what was counted, which depends on no clock.
func (l *limits) count(what string, n, limit float64) { l.row(what, "", n, limit, 1) }

// memory says how many MiB were used, which depends on no clock either.
func (l *limits) memory(what string, bytes int64, limit float64) {
	l.row(what, " MiB", float64(bytes)/(1<<20), limit, 1)
}

// cpu says how much time of a processor was used by each of n.
func (l *limits) cpu(what string, used time.Duration, n int, limit time.Duration) {
	l.row(what, " ms", ms(used, n), ms(limit, 1), l.slowness.cpu)
}

// wall says how long something took.
func (l *limits) wall(what string, took, limit time.Duration) {
	l.row(what, " s", took.Seconds(), limit.Seconds(), l.slowness.wall)
}

// noted says what has no limit.
func (l *limits) noted(format string, args ...any) { fmt.Printf("  "+format+"\n", args...) }

func (l *limits) row(what, unit string, got, limit, slowness float64) {
	line := fmt.Sprintf("  %-42s %8.2f%s (≤ %g", what+":", got, unit, limit)
	if slowness > 1 {
		line += fmt.Sprintf(", here ≤ %.2f", limit*slowness)
	}
	line += ")"
	if got > limit*slowness {
		l.exceeded = append(l.exceeded, fmt.Errorf("%s is %.2f%s, and may be %.2f%s here", what, got, unit, limit*slowness, unit))
		line += " EXCEEDED"
	}
	fmt.Println(line)
}

// err is what was exceeded.
func (l *limits) err() error { return errors.Join(l.exceeded...) }

func per(n, of int) float64 { return float64(n) / float64(max(of, 1)) }

func ms(d time.Duration, of int) float64 {
	return float64(d.Microseconds()) / 1000 / float64(max(of, 1))
}
