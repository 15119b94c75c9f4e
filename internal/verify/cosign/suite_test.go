// SPDX-License-Identifier: Apache-2.0

package cosign_test

import (
	"testing"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

func TestCosign(t *testing.T) {
	RegisterFailHandler(Fail)
	RunSpecs(t, "Cosign")
}
