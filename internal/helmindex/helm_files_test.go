// SPDX-License-Identifier: Apache-2.0

package helmindex_test

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/verifiedchart/verifiedchart/internal/helmindex"
)

// helmsFiles are the index files, in YAML and JSON, of Helm's test data.
func helmsFiles() []string {
	root, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "helm.sh/helm/v3").Output()
	Expect(err).NotTo(HaveOccurred())
	var files []string
	Expect(filepath.WalkDir(strings.TrimSpace(string(root)), func(path string, _ fs.DirEntry, err error) error {
		name := filepath.Base(path)
		if strings.Contains(name, "index") && (strings.HasSuffix(name, ".yaml") || strings.HasSuffix(name, ".json")) {
			files = append(files, path)
		}
		return err
	})).To(Succeed())
	return files
}

var _ = Describe("Find and Helm's loader", func() {
	It("agree on every chart of every index of Helm's test data", func() {
		files := helmsFiles()
		Expect(len(files)).To(BeNumerically(">=", 20))
		charts := 0
		for _, path := range files {
			raw, err := os.ReadFile(path)
			Expect(err).NotTo(HaveOccurred())
			loaded, helmErr := byHelm(GinkgoT().TempDir(), string(raw))
			if helmErr != nil {
				_, err := read(string(raw), "alpine")
				Expect(err).To(MatchError(helmindex.ErrMalformed), path)
				continue
			}
			for name, versions := range loaded.Entries {
				found, err := read(string(raw), name)
				Expect(err).NotTo(HaveOccurred(), path)
				Expect(difference(found.Entries, versions)).To(BeEmpty(), path)
				charts++
			}
			_, err = read(string(raw), "missing")
			Expect(err).To(MatchError(helmindex.ErrNotFound), path)
		}
		Expect(charts).To(BeNumerically(">=", 30))
	})
})
