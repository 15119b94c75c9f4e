// SPDX-License-Identifier: Apache-2.0

// Program build builds the real parts of the tests and the demo (etcd, kube-apiserver, kube-controller-manager,
// kubectl, registries, helm, oras, cosign, the programs of a private Sigstore, a proxy that answers in place of the
// clouds, helm-controller and the custom resource definitions they need) from the modules beside it into bin/parts.
// It skips parts that are already built from the same module files, by the same Go. It needs only Go and the module
// proxy. A few parts of the tests are programs of Debian's packages, which it unpacks if apt-get has them.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/verifiedchart/verifiedchart/test/parts"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintf(os.Stderr, "parts: %v\n", err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("build", flag.ContinueOnError)
	out := flags.String("out", "", "folder the parts are put into (default bin/parts of the repository)")
	only := flags.String("only", "", "comma separated names of the parts to build (default all)")
	jobs := flags.Int("j", 1, "how many parts are built at a time; each build uses all processors by itself")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return nil
		}
		return err
	}
	root, err := parts.Root()
	if err != nil {
		return err
	}
	if *out == "" {
		*out = filepath.Join(root, "bin", "parts")
	}
	if *out, err = filepath.Abs(*out); err != nil {
		return err
	}
	chosen, err := choose(all(), *only)
	if err != nil {
		return err
	}
	b, err := newBuilder(ctx, root, *out)
	if err != nil {
		return err
	}
	if assets := parts.Assets(root); assets != "" && assets != *out {
		chosen = b.useAssets(chosen, assets)
	} else if dir := os.Getenv("KUBEBUILDER_ASSETS"); dir != "" && assets == "" {
		b.say("KUBEBUILDER_ASSETS=%s does not hold %s: building them", dir, strings.Join(parts.ControlPlane(), ", "))
	}
	start := time.Now()
	if err := b.buildAll(ctx, chosen, max(*jobs, 1)); err != nil {
		return err
	}
	b.say("%d parts in %s, %s", len(chosen), *out, took(start))
	return nil
}

// choose returns the parts in a comma separated list, or all parts if the list is empty.
func choose(all []part, only string) ([]part, error) {
	if only == "" {
		return all, nil
	}
	var chosen []part
	for name := range strings.SplitSeq(only, ",") {
		found := false
		for _, p := range all {
			if p.name == strings.TrimSpace(name) {
				chosen, found = append(chosen, p), true
			}
		}
		if !found {
			return nil, fmt.Errorf("there is no part %q: choose from %s", name, names(all))
		}
	}
	return chosen, nil
}

func names(ps []part) string {
	var ns []string
	for _, p := range ps {
		ns = append(ns, p.name)
	}
	return strings.Join(ns, ", ")
}

func took(start time.Time) time.Duration { return time.Since(start).Round(100 * time.Millisecond) }
