// SPDX-License-Identifier: Apache-2.0

// Package skips reports which specs of a suite were skipped, and why. `go test` prints nothing from a suite
// that passes, so `make test` collects the reports in a file and prints it at its end. The package does not
// know why specs are skipped.
package skips

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/onsi/ginkgo/v2"
	"github.com/onsi/ginkgo/v2/types"
)

// Variable is the environment variable with the name of the file that Tell appends to.
const Variable = "SKIPPED_SPECS"

// Tell prints the Summary of a suite, and appends it to the file if one is set. It is for ReportAfterSuite.
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

// Summary counts and names the skipped specs, grouped by their reason. It is empty if there are none; an
// unselected spec is not a skipped one.
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
