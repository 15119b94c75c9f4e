// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"time"
)

// limits prints each measurement beside its limit, and collects the exceeded limits.
type limits struct {
	slowness float64
	exceeded []error
}

// title begins a group of measurements.
func (l *limits) title(format string, args ...any) {
	fmt.Printf("\n"+format+"\n", args...)
	l.slowness = 1
	l.calibrate()
}

// calibrate adapts the limits of the group to the present speed of the machine.
func (l *limits) calibrate() {
	l.slowness = max(l.slowness, calibrate())
}

// count prints a count, which does not depend on the clock.
func (l *limits) count(what string, n, limit float64) { l.row(what, "", n, limit, limit) }

// memory prints the used MiB, which do not depend on the clock either.
func (l *limits) memory(what string, bytes int64, limit float64) {
	l.row(what, " MiB", float64(bytes)/(1<<20), limit, limit)
}

// cpu prints the processor time used for each of n.
func (l *limits) cpu(what string, used time.Duration, n int, limit time.Duration) {
	l.row(what, " ms", ms(used, n), ms(limit, 1), ms(limit, 1)*l.slowness)
}

// wall prints the time that an operation took. The limit assumes that the controller has the processors to
// itself, as if the API server, the registry and this program ran elsewhere: here it grows by the time in which
// they were busy.
// the registry and this program ran elsewhere: here it grows by the time in which they were busy.
func (l *limits) wall(what string, took span, limit time.Duration) {
	l.row(what, " s", took.wall.Seconds(), limit.Seconds(), limit.Seconds()*l.slowness+took.others.Seconds()/processors)
}

// noted prints a measurement without a limit.
func (l *limits) noted(format string, args ...any) { fmt.Printf("  "+format+"\n", args...) }

func (l *limits) row(what, unit string, got, limit, here float64) {
	line := fmt.Sprintf("  %-42s %8.2f%s (≤ %g", what+":", got, unit, limit)
	if here > limit {
		line += fmt.Sprintf(", here ≤ %.2f", here)
	}
	line += ")"
	if got > here {
		l.exceeded = append(l.exceeded, fmt.Errorf("%s is %.2f%s, and may be %.2f%s here", what, got, unit, here, unit))
		line += " EXCEEDED"
	}
	fmt.Println(line)
}

// err returns the exceeded limits.
func (l *limits) err() error { return errors.Join(l.exceeded...) }

func per(n, of int) float64 { return float64(n) / float64(max(of, 1)) }

func ms(d time.Duration, of int) float64 {
	return float64(d.Microseconds()) / 1000 / float64(max(of, 1))
}
