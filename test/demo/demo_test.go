// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/onsi/gomega/gbytes"
	"github.com/onsi/gomega/gexec"

	"github.com/verifiedchart/verifiedchart/test/skips"
)

func TestDemo(t *testing.T) {
	RegisterFailHandler(Fail)
	RunSpecs(t, "Demo")
}

var _ = ReportAfterSuite("tells which specs were skipped", skips.Tell)

// patience is long enough for a machine that does other things too.
const patience = 3 * time.Minute

// processes returns the ids of those that have the text in their command line.
func processes(text string) []int {
	var found []int
	lines, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, line := range lines {
		if content, err := os.ReadFile(line); err == nil && strings.Contains(string(content), text) {
			pid, err := strconv.Atoi(filepath.Base(filepath.Dir(line)))
			Expect(err).NotTo(HaveOccurred())
			found = append(found, pid)
		}
	}
	return found
}

var _ = Describe("the demo", func() {
	var program string

	BeforeEach(func() {
		if _, err := os.Stat("/proc/self/cmdline"); err != nil {
			Skip("what is left running is looked for in /proc")
		}
		program = filepath.Join(GinkgoT().TempDir(), "demo")
		Expect(exec.Command("go", "build", "-o", program, ".").Run()).To(Succeed())
	})

	// start runs the demo with a temporary folder of its own, which everything it starts has in its command line or environment.
	start := func(temp string) *gexec.Session {
		GinkgoHelper()
		cmd := exec.Command(program)
		cmd.Env = append(os.Environ(), "TMPDIR="+temp, "ONCE=")
		session, err := gexec.Start(cmd, GinkgoWriter, GinkgoWriter)
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(func() { session.Terminate().Wait(patience) })
		return session
	}

	nothingLeft := func(temp string) {
		GinkgoHelper()
		Expect(processes(temp)).To(BeEmpty())
		left, err := os.ReadDir(temp)
		Expect(err).NotTo(HaveOccurred())
		Expect(left).To(BeEmpty())
	}

	DescribeTable("leaves nothing behind when it is interrupted", func(stage string, status int, signal os.Signal) {
		temp := GinkgoT().TempDir()
		session := start(temp)
		Eventually(session.Out).WithTimeout(patience).Should(gbytes.Say(stage))
		session.Signal(signal)
		Eventually(session).WithTimeout(patience).Should(gexec.Exit(status))
		nothingLeft(temp)
	},
		Entry("while it starts the control plane, by SIGTERM", "start etcd", 130, syscall.SIGTERM),
		Entry("while it pushes charts, because its terminal is closed", "package six charts", 130, syscall.SIGHUP),
		Entry("when all is up, by Ctrl-C: that is how it ends", "All of it runs until Ctrl-C", 0, os.Interrupt),
	)

	It("ends with an error and leaves nothing behind when a part of it dies", func() {
		temp := GinkgoT().TempDir()
		session := start(temp)
		Eventually(session.Out).WithTimeout(patience).Should(gbytes.Say("All of it runs until Ctrl-C"))
		etcd := processes(filepath.Join("parts", "etcd") + "\x00--data-dir=" + temp)
		Expect(etcd).To(HaveLen(1))
		Expect(syscall.Kill(etcd[0], syscall.SIGKILL)).To(Succeed())
		Eventually(session).WithTimeout(patience).Should(gexec.Exit(1))
		Expect(session.Err).To(gbytes.Say("etcd failed"))
		nothingLeft(temp)
	})
})
