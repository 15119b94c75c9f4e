// SPDX-License-Identifier: Apache-2.0

package attached_test

import (
	"testing"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

func TestAttached(t *testing.T) {
	RegisterFailHandler(Fail)
	RunSpecs(t, "Attached")
}
