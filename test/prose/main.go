// SPDX-License-Identifier: Apache-2.0

// The prose check refuses phrases that a reader has to read twice, in comments,
// documents, messages and commit subjects. It is part of make lint.
//
//	go run ./test/prose          fails, and lists the phrases
//	go run ./test/prose -lower   lowers baseline.txt to the phrases that are left in Go files
//
// Documents hold none of the phrases. Go files hold no more of them than
// baseline.txt allows, which only falls. Quotations are listed in allowed.txt.
//
// The program needs Go and git. It does not know what a text means.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// Files of this check, relative to the root of the repository.
const (
	rulesFile    = "test/prose/rules.go"
	allowedFile  = "test/prose/allowed.txt"
	baselineFile = "test/prose/baseline.txt"
)

func main() {
	lower := flag.Bool("lower", false, "lower the baseline to the phrases that are left in Go files")
	flag.Parse()
	faults, err := check(".", *lower)
	if err != nil {
		fmt.Fprintln(os.Stderr, "prose:", err)
		os.Exit(1)
	}
	if len(faults) > 0 {
		report(os.Stderr, faults)
		os.Exit(1)
	}
}

// check returns the faults of the repository in a folder.
func check(root string, lower bool) ([]string, error) {
	r := repository{root: root}
	quotations, err := readQuotations(filepath.Join(root, allowedFile))
	if err != nil {
		return nil, err
	}
	limits, err := readLimits(filepath.Join(root, baselineFile))
	if err != nil {
		return nil, err
	}
	units, err := r.units()
	if err != nil {
		return nil, err
	}
	found := quotations.without(findings(units))
	if lower {
		return nil, writeLimits(filepath.Join(root, baselineFile), limits.lowered(found))
	}
	faults := quotations.unused()
	for _, f := range found {
		if !f.isGo() {
			faults = append(faults, f.String())
		}
	}
	return append(faults, limits.faults(found, r.added())...), nil
}

func report(w io.Writer, faults []string) {
	_, _ = fmt.Fprintf(w, "%s\nprose: %d faults; CONTRIBUTING.md explains how we write. A quotation belongs into %s\n",
		strings.Join(faults, "\n"), len(faults), allowedFile)
}
