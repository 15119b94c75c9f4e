// SPDX-License-Identifier: Apache-2.0

// Package repository tests statements of the repository about itself: its
// catalogue of threats agrees with its tests, nobody else can move anything that
// it builds from, its decisions are listed, and its documents link to files that
// exist. It does not know the code.
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
