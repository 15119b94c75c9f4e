// SPDX-License-Identifier: Apache-2.0

package realparts_test

import (
	"testing"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/verifiedchart/verifiedchart/test/skips"
)

func TestRealParts(t *testing.T) {
	RegisterFailHandler(Fail)
	RunSpecs(t, "Real parts")
}

var _ = ReportAfterSuite("tells which specs were skipped", skips.Tell)
