package openpgp_test

import (
	"testing"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

func TestOpenPGP(t *testing.T) {
	RegisterFailHandler(Fail)
	RunSpecs(t, "OpenPGP")
}
