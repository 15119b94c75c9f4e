// Package repository tests what the repository says of itself: that its catalogue
// of threats agrees with its tests, and that nothing it builds from can be moved.
// It does not know what the code does.
package repository_test

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// update makes the suite write the links of the catalogue instead of checking them.
var update = flag.Bool("update", false, "write the links of docs/threats.md")

const root = "../.."

func TestRepository(t *testing.T) {
	RegisterFailHandler(Fail)
	RunSpecs(t, "Repository")
}

// read returns a file of the repository.
func read(path string) string {
	GinkgoHelper()
	raw, err := os.ReadFile(filepath.Join(root, path))
	Expect(err).NotTo(HaveOccurred())
	return string(raw)
}
