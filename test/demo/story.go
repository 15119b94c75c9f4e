// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// indent stands before commands and results.
const indent = "    "

// chapter is a list of steps under a title.
type chapter struct {
	title string
	steps []step
}

// step is one thing that the demo shows: a sentence, a command and a look at its effect.
type step struct {
	sentence, command string
	// see waits for the effect of the command.
	see func(context.Context, ran) (sight, error)
}

// ran is a command that has ended.
type ran struct {
	began   time.Time
	printed string
}

// sight is an effect that was seen.
type sight struct {
	text string
	at   time.Time
}

// now returns the sight of an effect at the current time.
func now(format string, args ...any) sight {
	return sight{text: fmt.Sprintf(format, args...), at: time.Now()}
}

// player shows chapters, and counts the steps whose effect was seen.
type player struct {
	out io.Writer
	// shell runs a command and returns what it prints.
	shell   func(context.Context, string) (string, error)
	steps   int
	missing []string // numbers of the steps whose effect was not seen
}

// play shows the chapters. Its error names the steps whose effect was not seen.
func (p *player) play(ctx context.Context, chapters []chapter) error {
	start := time.Now()
	for _, c := range chapters {
		fmt.Fprintf(p.out, "\n%s\n", c.title)
		for _, s := range c.steps {
			if err := p.show(ctx, s); err != nil {
				return err
			}
		}
	}
	fmt.Fprintf(p.out, "\n%d of %d steps seen in %.1f s.\n", p.steps-len(p.missing), p.steps, time.Since(start).Seconds())
	if len(p.missing) == 0 {
		return nil
	}
	return fmt.Errorf("%d of %d steps not seen (%s): read the results marked ✗", len(p.missing), p.steps, strings.Join(p.missing, ", "))
}

// show shows one step. It returns an error only if the demo cannot continue.
func (p *player) show(ctx context.Context, s step) error {
	p.steps++
	fmt.Fprintf(p.out, "\n%2d. %s\n%s", p.steps, s.sentence, typeable(indent+"$ ", s.command))
	began := time.Now()
	seen, err := p.look(ctx, s, began)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err != nil {
		p.missing = append(p.missing, strconv.Itoa(p.steps))
		fmt.Fprintf(p.out, "%s✗ %.2f s\n%s", indent, time.Since(began).Seconds(), fold(err.Error(), indent+"  "))
		return nil
	}
	mark := fmt.Sprintf("%s✓ %.2f s: ", indent, seen.at.Sub(began).Seconds())
	fmt.Fprintln(p.out, mark+clip(seen.text, width-columns(mark)))
	return nil
}

// look runs the command of a step and waits for its effect.
func (p *player) look(ctx context.Context, s step, began time.Time) (sight, error) {
	printed, err := p.shell(ctx, s.command)
	if err != nil {
		return sight{}, err
	}
	return s.see(ctx, ran{began, printed})
}
