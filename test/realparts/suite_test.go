package realparts_test

import (
	"testing"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

func TestRealParts(t *testing.T) {
	RegisterFailHandler(Fail)
	RunSpecs(t, "Real parts")
}
