// SPDX-License-Identifier: Apache-2.0

package realparts_test

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"io"
	"os"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/verifiedchart/verifiedchart/test/realparts"
)

// contents returns the files of an archive by name, without their times.
func contents(archive string) map[string]string {
	GinkgoHelper()
	file, err := os.Open(archive)
	Expect(err).NotTo(HaveOccurred())
	defer file.Close()
	unzipped, err := gzip.NewReader(file)
	Expect(err).NotTo(HaveOccurred())
	files := map[string]string{}
	for entries := tar.NewReader(unzipped); ; {
		header, err := entries.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		Expect(err).NotTo(HaveOccurred())
		content, err := io.ReadAll(entries)
		Expect(err).NotTo(HaveOccurred())
		files[header.Name] = string(content)
	}
}

var _ = Describe("a chart that helm packages", Label("chart"), func() {
	It("differs from every other, whatever the time", func(ctx SpecContext) {
		helm, err := realparts.NewHelm(GinkgoT().TempDir())
		Expect(err).NotTo(HaveOccurred())
		one, err := helm.Package(ctx, "same", "1.0.0", "hello")
		Expect(err).NotTo(HaveOccurred())
		other, err := helm.Package(ctx, "same", "1.0.0", "hello")
		Expect(err).NotTo(HaveOccurred())
		first, second := contents(one.Archive), contents(other.Archive)
		Expect(first).To(HaveKey("same/Chart.yaml"))
		Expect(second).To(HaveLen(len(first)))
		Expect(second).NotTo(Equal(first))
	})
})
