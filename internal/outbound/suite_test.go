// SPDX-License-Identifier: Apache-2.0

package outbound

import (
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/verifiedchart/verifiedchart/test/skips"
)

var _ = ReportAfterSuite("tells which specs were skipped", skips.Tell)

func TestOutbound(t *testing.T) {
	RegisterFailHandler(Fail)
	SetDefaultEventuallyTimeout(15 * time.Second) // enough for a busy machine
	RunSpecs(t, "Outbound")
}
