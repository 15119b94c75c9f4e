// SPDX-License-Identifier: Apache-2.0

package openpgp_test

import (
	"testing"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/verifiedchart/verifiedchart/test/skips"
)

func TestOpenPGP(t *testing.T) {
	RegisterFailHandler(Fail)
	RunSpecs(t, "OpenPGP")
}

var _ = ReportAfterSuite("tells which specs were skipped", skips.Tell)
