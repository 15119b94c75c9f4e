// SPDX-License-Identifier: Apache-2.0

package outbound

import (
	"testing"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/verifiedchart/verifiedchart/test/skips"
)

var _ = ReportAfterSuite("tells which specs were skipped", skips.Tell)

func TestOutbound(t *testing.T) {
	RegisterFailHandler(Fail)
	RunSpecs(t, "Outbound")
}
