// SPDX-License-Identifier: Apache-2.0

package helmindex_test

import (
	"testing"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

func TestHelmIndex(t *testing.T) {
	RegisterFailHandler(Fail)
	RunSpecs(t, "Helm index", Label("chart"))
}
