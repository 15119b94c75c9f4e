// SPDX-License-Identifier: Apache-2.0

// Package e2e asserts the scenario that the demo shows, and further cases, with real programs only: `make
// parts` builds them. All tenants share one control plane, two registries and one controller, but no objects:
// each spec, or each story of a few specs, has its own namespace and charts, and fails independently.
package e2e_test

import (
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/verifiedchart/verifiedchart/test/skips"
)

// patience bounds the time for any effect without a trigger, on a busy machine.
const patience = 3 * time.Minute

func TestE2E(t *testing.T) {
	RegisterFailHandler(Fail)
	SetDefaultEventuallyTimeout(patience)
	SetDefaultEventuallyPollingInterval(100 * time.Millisecond)
	RunSpecs(t, "End to end")
}

var _ = ReportAfterSuite("tells which specs were skipped", skips.Tell)
