// SPDX-License-Identifier: Apache-2.0

// Package skips tells which specs of a suite were skipped, and why. `go test`
// shows nothing of a suite that passes, so that `make test` collects this in a
// file and shows it at its end. It does not know what decides that a spec is skipped.
package skips

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/onsi/ginkgo/v2"
	"github.com/onsi/ginkgo/v2/types"
)

// Variable names the file, in the environment, to which Tell appends.
const Variable = "SKIPPED_SPECS"

// Tell prints the Summary of a suite, and appends it to the file if there is to be one. It is for ReportAfterSuite.
func Tell(suite ginkgo.Report) {
	summary := Summary(suite)
	fmt.Print(summary)
	path := os.Getenv(Variable)
	if path == "" || summary == "" {
		return
	}
	if err := add(path, summary); err != nil {
		ginkgo.Fail("cannot tell which specs were skipped: " + err.Error())
	}
}

// Summary counts and names the specs that were skipped, by what they said. It
// is empty if there is none; one that was not selected is none.
func Summary(suite ginkgo.Report) string {
	var reasons []string
	skipped := map[string][]string{}
	specs := suite.SpecReports.WithLeafNodeType(types.NodeTypeIt)
	for _, spec := range specs {
		reason := spec.Failure.Message
		if !spec.State.Is(types.SpecStateSkipped) || reason == "" {
			continue
		}
		if !slices.Contains(reasons, reason) {
			reasons = append(reasons, reason)
		}
		skipped[reason] = append(skipped[reason], spec.FullText())
	}
	var b strings.Builder
	for _, reason := range reasons {
		names := skipped[reason]
		fmt.Fprintf(&b, "%s: skipped: %d of %d specs: %s\n", suite.SuiteDescription, len(names), len(specs), reason)
		for _, name := range names {
			fmt.Fprintf(&b, "  - %s\n", name)
		}
	}
	return b.String()
}

func add(path, summary string) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	defer file.Close()
	_, err = file.WriteString(summary)
	return err
}
