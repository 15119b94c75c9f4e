// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"os/exec"
	"path/filepath"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// history is a repository of its own.
type history struct{ repository }

func newHistory() history {
	GinkgoHelper()
	h := history{repository{GinkgoT().TempDir()}}
	h.run("init", "--quiet", "--initial-branch=main")
	return h
}

func (h history) run(arguments ...string) {
	GinkgoHelper()
	config := []string{"-C", h.root, "-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false"}
	out, err := exec.Command("git", append(config, arguments...)...).CombinedOutput()
	Expect(err).NotTo(HaveOccurred(), string(out))
}

func (h history) write(file, text string) {
	GinkgoHelper()
	path := filepath.Join(h.root, file)
	Expect(os.MkdirAll(filepath.Dir(path), 0o755)).To(Succeed())
	Expect(os.WriteFile(path, []byte(text), 0o644)).To(Succeed())
}

// commit commits every file.
func (h history) commit(subject string) {
	GinkgoHelper()
	h.run("add", "--all")
	h.run("commit", "--quiet", "--allow-empty", "--message="+subject)
}

func (h history) faults() []string {
	GinkgoHelper()
	faults, err := check(h.root, false)
	Expect(err).NotTo(HaveOccurred())
	return faults
}

var _ = Describe("A repository", func() {
	const old, bad = "Say what it does", "Withdraw what is revoked"
	var h history
	BeforeEach(func() {
		h = newHistory()
		h.commit(old)
		h.write(rulesFile, "package main\n")
		h.commit("Check our prose")
	})

	It("has no fault if every text is plain", func() {
		h.write("README.md", "The chart is no longer served.\n")
		h.commit("Describe the chart")
		Expect(h.faults()).To(BeEmpty())
	})

	It("has a fault for a phrase in a document, committed or not", func() {
		h.write("a.md", "It is served no more.\n")
		h.commit("Describe the chart")
		h.write("b.md", "It is served no more.\n")
		Expect(h.faults()).To(ConsistOf(HavePrefix("a.md:1: "), HavePrefix("b.md:1: ")))
	})

	It("has no fault for a file that git ignores, that is deleted or that is generated", func() {
		h.write("gone.md", "It is served no more.\n")
		h.write(".gitignore", "bin\n")
		h.commit("Describe the chart")
		h.write("bin/a.md", "It is served no more.\n")
		h.write("config/crd/bases/a.yaml", "# It is served no more.\n")
		Expect(os.Remove(filepath.Join(h.root, "gone.md"))).To(Succeed())
		Expect(h.faults()).To(BeEmpty())
	})

	It("has a fault for a new line of Go, and none once the baseline allows it", func() {
		h.write("a.go", "// isOld says whether it is old.\npackage a\n")
		Expect(h.faults()).To(ContainElement(HavePrefix("a.go:1: ")))
		h.write(baselineFile, "says-whether 1\n")
		Expect(h.faults()).To(BeEmpty())
	})

	It("lowers its baseline, and never raises it", func() {
		h.write("a.go", "// isOld says whether it is old, or not any more.\npackage a\n")
		h.write(baselineFile, "says-whether 3\n")
		_, err := check(h.root, true)
		Expect(err).NotTo(HaveOccurred())
		Expect(os.ReadFile(filepath.Join(h.root, baselineFile))).To(HaveSuffix("\nsays-whether 1\n"))
	})

	It("has a fault for a subject since the rules exist", func() {
		h.commit(bad)
		h.commit("Describe the chart")
		Expect(h.faults()).To(ConsistOf(MatchRegexp(`^commit [0-9a-f]+: "what" \(bare-what\)`)))
	})

	It("checks the last subject of a shallow clone, with one branch and no older commit", func() {
		h.commit(bad)
		clone := history{repository{filepath.Join(GinkgoT().TempDir(), "clone")}}
		out, err := exec.Command("git", "clone", "--quiet", "--depth=1", "file://"+h.root, clone.root).CombinedOutput()
		Expect(err).NotTo(HaveOccurred(), string(out))
		clone.run("remote", "remove", "origin")
		Expect(clone.faults()).To(HaveLen(1))
	})

	It("has a quotation allowed only while it is there", func() {
		h.write("a.md", "They sing: not any more.\n")
		h.write(allowedFile, "# a song\na.md: not any more\n")
		Expect(h.faults()).To(BeEmpty())
		h.write("a.md", "They sing.\n")
		Expect(h.faults()).To(ConsistOf(ContainSubstring("remove the line")))
	})
})
