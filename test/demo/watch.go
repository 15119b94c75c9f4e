// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"fmt"
	"io"

	"github.com/verifiedchart/verifiedchart/test/scenario"
)

// width is how much of a line of kubectl is shown while things change.
const width = 140

// watch looks for all that should be seen, while kubectl shows what changes,
// and says of each whether it was seen. Its error says how much was not.
func watch(ctx context.Context, w *scenario.World) error {
	stop, err := follow(ctx, w)
	if err != nil {
		return err
	}
	defer stop()
	unseen, road := 0, scenario.Road()
	for _, step := range road {
		err := step.Do(ctx, w)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			unseen++
			fmt.Printf("✗ %s\n  %v\n", step.Title, err)
			continue
		}
		fmt.Printf("✓ %s\n", step.Title)
	}
	if unseen > 0 {
		return fmt.Errorf("%d of %d things that should have been seen were not: see ✗ above", unseen, len(road))
	}
	return nil
}

// follow shows what `kubectl get verifiedcharts --watch` prints until stop is called.
func follow(ctx context.Context, w *scenario.World) (stop func(), err error) {
	ctx, cancel := context.WithCancel(ctx)
	args := []string{"get", "verifiedcharts", "--watch"}
	cmd := w.Kubectl.Command(ctx, args...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		cancel()
		return nil, err
	}
	fmt.Println()
	announce(args)
	if err := cmd.Start(); err != nil {
		cancel()
		return nil, err
	}
	shown := make(chan struct{})
	go func() {
		defer close(shown)
		printLines(out)
	}()
	return func() {
		cancel()
		<-shown
		_ = cmd.Wait()
	}, nil
}

// announce prints a kubectl command as a user would type it.
func announce(args []string) {
	fmt.Print("$ kubectl")
	for _, a := range args {
		fmt.Printf(" %s", a)
	}
	fmt.Println()
}

func printLines(r io.Reader) {
	for lines := bufio.NewScanner(r); lines.Scan(); {
		line := lines.Text()
		if len(line) > width {
			line = line[:width-3] + "…"
		}
		fmt.Println("  " + line)
	}
}
